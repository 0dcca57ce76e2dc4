"""Language, order and selection of rows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from harness.errors import DataError
from harness.models import LanguageRule
from harness.sources.assemble import concat, labelled, languages_of, prefixes, select, spread

BY_PREFIX = LanguageRule(
    by="id_prefix", names={"english": "en", "indonesian": "id", "indonesian-19-1": "ko"}
)


def table(*ids: str, **columns: list[str]) -> pa.Table:
    """A table with these ids."""
    return pa.table({"id": list(ids), **columns})


def test_language_by_id_prefix() -> None:
    """The prefix ends at the first hyphen, also where the number is negative."""
    assert languages_of(["english-1-0", "indonesian--3-0"], "c", BY_PREFIX) == ["en", "id"]


def test_whole_id_wins_over_its_prefix() -> None:
    """A row that is known to be in another language than its id says."""
    assert languages_of(["indonesian-19-1"], "c", BY_PREFIX) == ["ko"]


def test_language_by_config_and_fixed() -> None:
    """Neither reads the ids."""
    by_config = LanguageRule(by="config", names={"xquad.ar": "ar"})
    assert languages_of(["a", "b"], "xquad.ar", by_config) == ["ar", "ar"]
    assert languages_of(["a"], "c", LanguageRule(by="fixed", language="en")) == ["en"]


@pytest.mark.parametrize(
    ("ids", "rule"),
    [
        (["klingon-1-0"], BY_PREFIX),
        ([""], BY_PREFIX),
        ([None], BY_PREFIX),
        (["a"], LanguageRule(by="config", names={"xquad.ar": "ar"})),
        (["a"], LanguageRule(by="fixed")),
    ],
)
def test_row_without_a_language_is_an_error(ids, rule: LanguageRule) -> None:
    """No row gets a language by default."""
    with pytest.raises(DataError, match="which names no language"):
        languages_of(ids, "xquad.xx", rule)


def test_prefixes_are_counted_raw() -> None:
    """As mirror.yaml counts them: by what the ids say."""
    ids = ["indonesian-19-1", "english-1-0", "indonesian-1-0"]
    assert prefixes(ids, BY_PREFIX) == {"english": 1, "indonesian": 2}


def test_labels_replace_columns_of_that_name() -> None:
    """A data set's own `language` column isn't a language code."""
    rule = LanguageRule(by="fixed", language="en")
    done = labelled(table("a", language=["English"]), "c", rule)
    assert done.to_pylist() == [{"id": "a", "language": "en", "config": "c"}]


def test_concat_keeps_the_order() -> None:
    """One table after the other."""
    assert concat([table("a", "b"), table("c")], "here")["id"].to_pylist() == ["a", "b", "c"]


def test_concat_of_other_columns_is_an_error() -> None:
    """Configs of different data sets."""
    with pytest.raises(DataError, match="the same columns in every config"):
        concat([table("a"), table("b", x=["y"])], "here")


def test_spread_takes_turns() -> None:
    """Row i from config i modulo 2: a of the first, b of the second, c of the first."""
    tables = [table("a", "b", "c", language=[code] * 3) for code in ("ar", "de")]
    done = spread(tables, "here")
    assert done["id"].to_pylist() == ["a", "b", "c"]
    assert done["language"].to_pylist() == ["ar", "de", "ar"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (("a", "c", "b"), r"other ids from row 1 on \(3 and 3 rows\)"),
        (("a", "b"), r"other ids from row 2 on \(3 and 2 rows\)"),
    ],
)
def test_spread_of_configs_that_are_not_parallel(other, message: str) -> None:
    """Mixing them would drop questions and repeat others."""
    with pytest.raises(DataError, match=message):
        spread([table("a", "b", "c"), table(*other)], "here")


def test_selection_by_language_and_limit() -> None:
    """The first row of each wanted language, in the data's order."""
    rows = table("a", "b", "c", "d", language=["ko", "en", "en", "fi"])
    assert select(rows, ["en", "ko"], 1)["id"].to_pylist() == ["a", "b"]
    assert select(rows, None, None)["id"].to_pylist() == ["a", "b", "c", "d"]
