"""YAML as 1.2 means it: plain data, the line of every key, and no crash whatever the bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import ManifestError
from harness.yaml12 import load, parse

# What YAML is made of, so that the fuzz gets past the first character.
PIECES = st.lists(
    st.sampled_from(
        (
            *(
                "a",
                "b: ",
                "- ",
                "? ",
                ": ",
                "[",
                "]",
                "{",
                "}",
                ",",
                "\n",
                "  ",
                "'",
                '"',
                "|",
                ">",
            ),
            *("&x ", "*x", "!t ", "!!str ", "<<: ", "---", "...", "%YAML 1.2\n", "\t", "\\U0011"),
            *("1e-5", "no", "0x1", ".inf", "~", "-", "é", "\x85", "\ufeff", "=", "2020-01-01", "#"),
        )
    ),
    max_size=30,
).map("".join)


def value(text):
    """The document in `text`."""
    return parse(text.encode("utf-8"), "file.yaml")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("+12", 12),
        ("012", 12),
        ("5.", 5.0),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_scalars_of_the_core_schema(text, expected):
    """Numbers, booleans and null, by YAML 1.2.2 section 10.3.2."""
    found = value(f"a: {text}")["a"]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "No", "y", "1_000", "1:30", "2020-01-01", "0o7", "=", "<<", "tRue"],
)
def test_what_only_yaml_1_1_converts_stays_text(text):
    """`no` is the code of Norwegian, not False."""
    assert value(f"a: {text}")["a"] == text


@pytest.mark.parametrize("text", ["'1'", '"1"', "|-\n  1", ">-\n  1"])
def test_quoted_and_block_scalars_are_text(text):
    """Quotes say that it is text."""
    assert value(f"a: {text}") == {"a": "1"}


def test_keys_are_text_too():
    """`no: x` is a language code and not a boolean key."""
    assert value("no: 1\n1: 2") == {"no": 1, "1": 2}


def test_every_key_has_its_line():
    """Counted from 1; list items by their index."""
    lines = parse(b"a: 1\nb:\n  - c: 2\n  - d:\n      3\n", "f")[1]
    expected = {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "c"): 3}
    assert lines == {**expected, ("b", 1): 4, ("b", 1, "d"): 4}


def test_a_duplicate_key_is_refused_with_both_lines():
    """Which of the two was meant, nobody knows."""
    with pytest.raises(ManifestError, match=r"line 3: got key `a` .* \(first on line 1"):
        value("a: 1\nb: 2\na: 3\n")


def test_a_key_may_come_again_elsewhere():
    """Each mapping has keys of its own."""
    assert value("x: {a: 1}\ny: {a: 2}") == {"x": {"a": 1}, "y": {"a": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: 2", "line 1: got an anchor or alias"),
        ("b: 1\na: *x", "line 2: got an anchor or alias"),
        ("a: !!python/object:os.system x", "got tag `!!python/object:os.system`"),
        ("a: !!str 5", "got tag `!!str`"),
        ("!t a: 5", "got tag `!t`"),
        ("a: !x [1]", "got tag `!x`"),
        ("a: 1\n<<: {b: 2}", "line 2: got a merge `<<`"),
        ("? [a]\n: 1", "got a key that isn't text"),
        ("a: [1", "did not find expected"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: 1\n\tb: 2", "line 2: "),
        ("a: \x00", "unacceptable character"),
        (f"a: {'9' * 5000}", "a number"),
    ],
)
def test_what_is_not_plain_data_is_refused(text, message):
    """Anchors, tags, merges and broken syntax, each with its line."""
    with pytest.raises(ManifestError, match=message):
        value(text)


def test_a_quoted_merge_sign_is_an_ordinary_key():
    """Quotes say that it is text."""
    assert value("'<<': 1") == {"<<": 1}


def test_a_byte_order_mark_is_skipped():
    """Some editors write one."""
    assert parse(b"\xef\xbb\xbfa: 1", "f")[0] == {"a": 1}


def test_what_is_not_utf_8_is_refused():
    """Latin-1 would be read as something else."""
    with pytest.raises(ManifestError, match="expected UTF-8 text"):
        parse("a: é".encode("latin-1"), "f")


def test_an_empty_document_is_none():
    """A file of comments holds nothing."""
    assert value("# nothing\n") is None


def test_four_mebibytes_is_the_limit():
    """A manifest is written by hand."""
    text = b"# " + b"x" * ((4 << 20) - 2)
    assert parse(text, "f")[0] is None
    with pytest.raises(ManifestError, match="4194305 bytes; expected at most 4194304"):
        parse(text + b"x", "f")


@pytest.mark.parametrize(
    "text", [b"[" * 50_000, b"{a: " * 50_000, b"- " * 50_000, b"[" * 101 + b"]" * 101]
)
def test_deep_nesting_is_refused(text):
    """The composer of libyaml would overflow the stack and take the process with it."""
    with pytest.raises(ManifestError, match="very deep nesting; expected at most 100"):
        parse(text, "f")


def test_nesting_a_hundred_deep_is_read():
    """The limit itself is allowed."""
    found = parse(b"[" * 100 + b"]" * 100, "f")[0]
    for _ in range(99):
        (found,) = found
    assert found == []


def test_a_missing_file_is_named(tmp_path):
    """The path and the system's reason."""
    with pytest.raises(ManifestError, match=r"none\.yaml: got No such file"):
        load(tmp_path / "none.yaml")


def test_the_file_stands_in_the_message(tmp_path):
    """Where to look: file and line."""
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\na: 2\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"x\.yaml, line 2"):
        load(path)


@given(st.binary(max_size=200) | PIECES.map(str.encode))
@example(b"\xef\xbb\xbf")
@example(b'"\\U00110000"')
@example(b'"\\ud800"')
@example(b"a: 1e999")
def test_any_bytes_give_a_value_or_a_manifest_error(raw):
    """No other exception, whatever the file holds."""
    try:
        parse(raw, "f")
    except ManifestError as error:
        assert "f, line" in str(error)
