"""The rows that a task reads, out of the tables of its configs: language, order, selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from harness.errors import DataError
from harness.models import LanguageRule


def prefix(row_id: str) -> str:
    """What stands before the first "-" of an id: in TyDi QA, the language's English name."""
    return row_id.split("-", 1)[0]


def languages_of(ids: Sequence[str | None], config: str, rule: LanguageRule) -> list[str]:
    """The language code of every row.

    With `id_prefix`, an entry of `rule.names` that equals a whole id wins over the id's prefix
    (a row that is known to be in another language than its id says).

    Raises:
        DataError: a row whose language the rule can't tell.
    """
    if rule.by == "fixed":
        return [_known(rule.language, "the rule", rule)] * len(ids)
    if rule.by == "config":
        return [_known(rule.names.get(config), f"config {config}", rule)] * len(ids)
    names = rule.names
    return [
        names.get(one or "") or _known(names.get(prefix(one or "")), f"id {one!r}", rule)
        for one in ids
    ]


def prefixes(ids: Iterable[str | None], rule: LanguageRule) -> dict[str, int]:
    """Rows per id prefix, as mirror.yaml counts them; empty where the rule doesn't read ids."""
    if rule.by != "id_prefix":
        return {}
    return counted(prefix(one or "") for one in ids)


def labelled(table: pa.Table, config: str, rule: LanguageRule) -> pa.Table:
    """`table` with the columns `language` and `config` added; DataError as `languages_of`."""
    by_id = rule.by == "id_prefix"
    ids = table.column("id").to_pylist() if by_id else [None] * table.num_rows
    codes = languages_of(ids, config, rule)
    table = table.drop_columns(
        [name for name in ("language", "config") if name in table.schema.names]
    )
    table = table.append_column("language", pa.array(codes, pa.string()))
    return table.append_column("config", pa.array([config] * len(codes), pa.string()))


def concat(tables: Sequence[pa.Table], where: str) -> pa.Table:
    """All rows of all tables, one table after the other.

    Raises:
        DataError: their columns differ.
    """
    for table in tables[1:]:
        if table.schema != tables[0].schema:
            raise DataError(
                where=where,
                got=f"columns {_columns(table)} beside {_columns(tables[0])}",
                expected="the same columns in every config",
                fix="Combine configs of one data set only.",
            )
    return pa.concat_tables(tables)


def spread(tables: Sequence[pa.Table], where: str) -> pa.Table:
    """Row i from table i modulo their number: every row once, the tables taking turns.

    Raises:
        DataError: the tables aren't parallel: the same ids in the same order, or as many rows where
            rows have no ids.
    """
    for table in tables[1:]:
        _check_parallel(tables[0], table, where)
    rows, turns = tables[0].num_rows, len(tables)
    index = np.arange(rows)
    # Row i of table t stands at t * rows + i of the concatenation.
    return concat(tables, where).take(pa.array((index % turns) * rows + index))


def select(table: pa.Table, languages: Sequence[str] | None, limit: int | None) -> pa.Table:
    """The rows in `languages` (None: all), of each language the first `limit` (None: all)."""
    codes = np.asarray(table.column("language").to_pylist(), dtype=object)
    keep = np.ones(len(codes), dtype=bool)
    for code in sorted(set(codes)):
        rows = np.flatnonzero(codes == code)
        if languages is not None and code not in languages:
            keep[rows] = False
        elif limit is not None:
            keep[rows[limit:]] = False
    return table.filter(pa.array(keep))


def count_languages(table: pa.Table) -> dict[str, int]:
    """Rows per language code."""
    return counted(table.column("language").to_pylist())


def counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, by name."""
    return dict(sorted(Counter(names).items()))


def _check_parallel(first: pa.Table, other: pa.Table, where: str) -> None:
    left, right = _ids(first), _ids(other)
    if left == right:
        return
    at = next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
    raise DataError(
        where=where,
        got=f"other ids from row {at} on ({len(left)} and {len(right)} rows)",
        expected="parallel configs: the same ids in the same order",
        fix="Only translations of one set of questions can be spread; use `combine: concat`.",
    )


def _ids(table: pa.Table) -> list[Any]:
    named = "id" in table.column_names
    return list(table.column("id").to_pylist()) if named else list(range(table.num_rows))


def _known(code: str | None, whose: str, rule: LanguageRule) -> str:
    if code is None:
        raise DataError(
            where="language rule",
            got=f"{whose}, which names no language",
            expected=f"one of {', '.join(rule.names) or 'the declared names'}",
            fix="Add the name to the pin's language rule, or fetch the pinned data set.",
        )
    return code


def _columns(table: pa.Table) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in table.schema)
