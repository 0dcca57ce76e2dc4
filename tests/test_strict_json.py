"""JSON from outside: plain data, or a ValueError in words."""

from pathlib import Path

import pytest

from harness.strict_json import MAX_DEPTH, loads, read_bytes


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "Expecting value"),
        (b'{"a": NaN}', "NaN, which is no JSON number"),
        (b"[1e999]", "a number beyond all bounds"),
        (b'{"a": 1, "a": 2}', "the key `a` twice"),
        (rb'"\ud800"', "half a character"),
        (rb'{"\udfff": 1}', "half a character"),
        ("[1]".encode("utf-16"), "byte 0 isn't UTF-8"),
        (b"[" * 100_000, "very deep nesting"),
        (b"[" * 150 + b"]" * 150, "very deep nesting"),
        (b"9" * 5000, "Exceeds the limit"),
    ],
)
def test_what_is_refused(raw, message):
    """Each would come out as something that nobody wrote, or couldn't be written again."""
    with pytest.raises(ValueError, match=message):
        loads(raw)


def test_what_is_read():
    """A mark before the text, characters outside the basic plane, NUL, the deepest nesting."""
    assert loads(b'\xef\xbb\xbf{"a": ["\\ud83d\\ude42", "\\u0000", 1.5]}') == {
        "a": ["🙂", "\0", 1.5]
    }
    deepest = MAX_DEPTH - 1
    assert loads(b"[" * deepest + b"]" * deepest)


def test_a_file_without_an_end_is_not_read_to_the_end(tmp_path):
    """Nor one that is too large."""
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        read_bytes(Path("/dev/zero"), 1000)
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    assert len(read_bytes(path, 1000)) == 1000
