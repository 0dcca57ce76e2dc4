"""One value replaced; every other byte stays."""

import pytest

from harness.errors import ManifestError
from harness.yaml_edit import with_value

BLOCK = b"""\
# Where the words come from.
words:   # kept
  revision: 0a  # the old one

  files:
    - a
  train:
      file: t.json   # all of it
      rows: 3
"""
FLOW = b"words: {train: {file: t.json, rows: 3}, revision: '0a'} # end\n"
FILE = ("words", "train", "sha256")


def test_a_value_is_replaced_where_it_stands():
    """Comments, blank lines and odd indentation stay."""
    edited = with_value(BLOCK, ("words", "revision"), "1b", "x")
    assert edited == BLOCK.replace(b"revision: 0a", b"revision: 1b")


def test_a_value_in_braces_is_replaced():
    """Several keys of one line; quotes stay quotes."""
    edited = with_value(FLOW, ("words", "revision"), "1b", "x")
    assert edited == FLOW.replace(b"'0a'", b"'1b'")


def test_a_missing_key_is_added_behind_its_sibling():
    """With the sibling's indentation, on a line of its own."""
    edited = with_value(BLOCK, FILE, "1b", "x", after="file")
    assert edited == BLOCK.replace(b"# all of it\n", b"# all of it\n      sha256: 1b\n")


def test_a_missing_key_is_added_in_braces():
    """Behind its sibling too."""
    edited = with_value(FLOW, FILE, "1b", "x", after="file")
    assert edited == FLOW.replace(b"t.json,", b"t.json, sha256: 1b,")


def test_null_is_written_over_a_value_and_not_added():
    """A missing key means null already."""
    pinned = FLOW.replace(b"rows", b"sha256: 1b, rows")
    assert with_value(pinned, FILE, None, "x") == pinned.replace(b"1b", b"null")
    assert with_value(FLOW, FILE, None, "x", after="file") == FLOW


@pytest.mark.parametrize("text", ["1" * 40, "1e" + "5" * 38, "null"])
def test_what_reads_as_another_type_is_quoted(text):
    """A hash of digits alone would be a number."""
    edited = with_value(BLOCK, ("words", "revision"), text, "x")
    assert edited == BLOCK.replace(b"revision: 0a", f"revision: '{text}'".encode())


def test_a_value_left_out_is_filled_in():
    """`key:` with nothing behind it."""
    empty = BLOCK.replace(b"revision: 0a ", b"revision: ")
    assert with_value(empty, ("words", "revision"), "1b", "x") == empty.replace(
        b"revision:", b"revision: 1b"
    )


def test_line_ends_of_another_system_stay():
    """The added line has them too; a byte-order mark stays."""
    windows = b"\xef\xbb\xbf" + BLOCK.replace(b"\n", b"\r\n")
    edited = with_value(windows, FILE, "1b", "x", after="file")
    assert edited == windows.replace(b"# all of it\r\n", b"# all of it\r\n      sha256: 1b\r\n")


def test_a_last_line_without_an_end_gets_a_next_one():
    """The file ends without a line end afterwards too."""
    assert with_value(b"a:\n  file: t", ("a", "sha256"), "1b", "x", "file") == (
        b"a:\n  file: t\n  sha256: 1b"
    )


def test_letters_of_several_bytes_before_it_change_nothing():
    """Positions count characters, not bytes."""
    raw = "title: Übersetzung 语言 🙂\nrevision: 0a\n".encode()
    assert with_value(raw, ("revision",), "1b", "x") == raw.replace(b"0a", b"1b")


def test_what_cannot_be_edited_is_refused():
    """A text over several lines takes its own end along; the line is named."""
    raw = b"a:\n  revision: |\n    0a\n  rows: 3\n"
    with pytest.raises(ManifestError, match=r"x, line 2: a\.revision: .*by hand"):
        with_value(raw, ("a", "revision"), "1b", "x")
