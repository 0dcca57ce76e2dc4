"""The only hasher: one text for one value, and nothing that differs between machines."""

import datetime
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.canonical import bytes_sha256, canonical_json, digest, file_sha256

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abcde"), inner),
    max_leaves=20,
)


def test_the_text_has_sorted_keys_and_no_white_space():
    """Worked by hand: keys sorted, no blanks, floats by their shortest form, UTF-8 as it is."""
    value = {"b": [1, 2.5, None], "a": {"é": True, "z": "x y"}, "c": 1e-5}
    expected = '{"a":{"z":"x y","é":true},"b":[1,2.5,null],"c":1e-05}'
    assert canonical_json(value) == expected.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # printf '{}' | sha256sum, and so on.
        ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        ([], "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"),
        ({"a": 1}, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"),
    ],
)
def test_digests_are_fixed(value, expected):
    """A digest that changed would orphan every artifact: never edit these literals."""
    assert digest(value) == expected


def test_the_order_of_keys_does_not_matter():
    """A dict's order is no identity."""
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})


def test_tuples_are_lists_and_minus_zero_is_zero():
    """Values that compare equal and mean the same have one digest."""
    assert canonical_json((1, -0.0)) == b"[1,0.0]"


def test_an_integer_is_not_the_float_of_the_same_value():
    """1 epoch and 1.0 are different texts, so that neither changes silently into the other."""
    assert digest(1) != digest(1.0)


@pytest.mark.parametrize(
    "value",
    [{1, 2}, frozenset(), datetime.date(2020, 1, 1), Path("x"), b"x", object(), [{"a": {1}}]],
    ids=["set", "frozenset", "date", "path", "bytes", "object", "nested"],
)
def test_what_has_no_canonical_form_is_refused(value):
    """No order, no zone, no encoding: not hashed."""
    with pytest.raises(TypeError, match="has no canonical form"):
        digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_without_a_value(value):
    """NaN differs from itself."""
    with pytest.raises(ValueError, match=r"value\.a: .* can't be hashed"):
        digest({"a": value})


@pytest.mark.parametrize("value", ["/", "/tmp/x", "~/x", "C:\\x", "d:/x"])
def test_absolute_paths_are_refused(value):
    """A key with a path would hold on one machine only; the message says where it stood."""
    with pytest.raises(ValueError, match=r"value\.files\[0\]: .* is an absolute path"):
        digest({"files": [value]})


@pytest.mark.parametrize("value", ["a/b", "71.5 / 56.8", "/ 56.8", "~", "and/or", "x: /y"])
def test_prose_with_slashes_is_no_path(value):
    """Quoted table cells have slashes."""
    assert len(digest(value)) == 64


@pytest.mark.parametrize("key", [1, None, True, ("a",)])
def test_keys_are_strings(key):
    """JSON would turn 1 and "1" into the same key."""
    with pytest.raises(TypeError, match="only strings are keys"):
        digest({key: 1})


@given(JSON)
def test_canonical_json_is_stable_under_a_round_trip(value):
    """Reading the text and writing it again gives the same text."""
    import json

    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


def test_a_file_and_its_bytes_have_the_same_sha256(tmp_path):
    """Read in pieces of 1 MiB or whole: the same, across a piece's edge."""
    data = b"0123456789" * 120_000
    (tmp_path / "file").write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert file_sha256(tmp_path / "file") == bytes_sha256(data) == expected
