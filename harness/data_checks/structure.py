"""Checks on the rows of an extractive-QA data set, made before any repair.

Works on whole columns; 130,000 rows take seconds. A check never changes a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from harness.data_checks.offsets import Astray, diagnose, moves, survey
from harness.data_checks.scripts import implausible

COLUMNS = ("id", "context", "question", "answers", "language", "config")
SHOWN = 10
Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Case:
    table: pa.Table
    expected: Mapping[str, Any]
    no_answer: bool
    realign_max: int

    @cached_property
    def astray(self) -> list[Astray]:
        """Read by two checks, computed once."""
        return survey(self.table)


def run_checks(
    table: pa.Table,
    *,
    expected: Mapping[str, Any],
    no_answer: bool,
    realign_max: int,
) -> list[Result]:
    """Every check's outcome, in a fixed order.

    Args:
        table: columns id, context, question, answers {text, answer_start}, language, config.
        expected: {"rows": n or None, "languages": {code: n}}, of the selected rows; an empty
            `languages` promises nothing.
        no_answer: questions without an answer are part of the data set (SQuAD 2.0).
        realign_max: answers that may stand elsewhere in the context than their offset says.

    Returns:
        One {name, level, passed, observed, expected, rows, cause} per check. `level` is "error"
        or "warning"; `rows` holds up to ten offending {id, text}; `cause` is the likely reason
        of a failure, else "". Where there are no rows or columns are missing, the checks that
        would read them aren't made.
    """
    case = _Case(table=table, expected=expected, no_answer=no_answer, realign_max=realign_max)
    results = []
    for check in _CHECKS:
        results.append(check(case))
        if check in _PRECONDITIONS and not results[-1]["passed"]:
            break
    return results


def _result(
    name: str,
    observed: object,
    expected: object,
    *,
    rows: Sequence[Mapping[str, str]] = (),
    passed: bool,
    cause: str = "",
    level: str = "error",
) -> Result:
    return {
        "name": name,
        "level": level,
        "passed": passed,
        "observed": observed,
        "expected": expected,
        "rows": [] if passed else [dict(row) for row in rows[:SHOWN]],
        "cause": "" if passed else cause,
    }


def _columns(case: _Case) -> Result:
    missing = [name for name in COLUMNS if name not in case.table.column_names]
    return _result(
        "columns",
        case.table.column_names,
        list(COLUMNS),
        passed=not missing,
        cause=f"without {', '.join(missing)}: another data set, or another conversion of it?",
    )


def _not_empty(case: _Case) -> Result:
    rows = case.table.num_rows
    cause = "an empty split, or a filter that keeps nothing"
    return _result("not_empty", rows, "at least 1 row", passed=rows > 0, cause=cause)


def _blank(name: str, column: str) -> Callable[[_Case], Result]:
    def check(case: _Case) -> Result:
        text = pc.fill_null(case.table.column(column), "")
        found = case.table.filter(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0))
        return _result(
            name,
            f"{found.num_rows} blank",
            "none blank",
            rows=_rows(found.slice(0, SHOWN), "question" if column != "question" else "context"),
            passed=found.num_rows == 0,
            cause=f"a conversion lost `{column}`",
        )

    return check


def _ids_unique(case: _Case) -> Result:
    # XQuAD and MLQA use an id once in each language, so it is unique within a language only.
    keys = list(zip(_list(case.table, "language"), _list(case.table, "id"), strict=True))
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    return _result(
        "ids_unique",
        f"{len(repeated)} repeated",
        "each id once in a language",
        rows=[{"id": str(one), "text": f"twice or more in {code}"} for code, one in repeated],
        passed=not repeated,
        cause="rows were appended twice, or two splits were joined",
    )


def _answer_lists(case: _Case) -> Result:
    answers = case.table.column("answers")
    texts, starts = (
        pc.fill_null(pc.list_value_length(pc.struct_field(answers, name)), 0)
        for name in ("text", "answer_start")
    )
    found = case.table.filter(pc.not_equal(texts, starts))
    return _result(
        "answer_lists",
        f"{found.num_rows} rows with unequal lists",
        "as many starts as texts",
        rows=_rows(found.slice(0, SHOWN), "question"),
        passed=found.num_rows == 0,
        cause="a conversion flattened the answers wrongly",
    )


def _answered(case: _Case) -> Result:
    lengths = pc.list_value_length(pc.struct_field(case.table.column("answers"), "text"))
    found = case.table.filter(pc.equal(pc.fill_null(lengths, 0), 0))
    promise = "any number" if case.no_answer else "none"
    return _result(
        "answered",
        f"{found.num_rows} questions without an answer",
        promise,
        rows=_rows(found.slice(0, SHOWN), "question"),
        passed=case.no_answer or found.num_rows == 0,
        cause="SQuAD 2.0 where 1.1 is declared, or a test split whose answers are withheld?",
    )


def _answers_not_blank(case: _Case) -> Result:
    found = [
        {"id": str(one), "text": str(question)}
        for one, question, texts in zip(
            _list(case.table, "id"), _list(case.table, "question"), _texts(case.table), strict=True
        )
        if any(not (text or "").strip() for text in texts or ())
    ]
    return _result(
        "answers_not_blank",
        f"{len(found)} rows with a blank answer",
        "none",
        rows=found,
        passed=not found,
        cause="unanswerable questions written as empty strings?",
    )


def _answers_in_context(case: _Case) -> Result:
    lost = [one for one in case.astray if one.nearest is None]
    return _result(
        "answers_in_context",
        f"{len(lost)} answers that occur nowhere in their context",
        "none",
        rows=[{"id": one.id, "text": one.text} for one in lost],
        passed=not lost,
        cause=diagnose(case.table, lost),
    )


def _answers_at_offset(case: _Case) -> Result:
    astray = [one for one in case.astray if one.nearest is not None]
    return _result(
        "answers_at_offset",
        f"{len(astray)} answers that stand elsewhere",
        f"at most {case.realign_max}",
        rows=[{"id": one.id, "text": f"{one.text} ({moves(one)})"} for one in astray],
        passed=len(astray) <= case.realign_max,
        cause=diagnose(case.table, astray),
    )


def _row_count(case: _Case) -> Result:
    promised, rows = case.expected.get("rows"), case.table.num_rows
    return _result(
        "row_count",
        rows,
        "any number" if promised is None else promised,
        passed=promised is None or rows == promised,
        cause="rows lost or added: a partial copy, a filter, or another revision?",
    )


def _language_counts(case: _Case) -> Result:
    promised = dict(sorted((case.expected.get("languages") or {}).items()))
    observed = dict(sorted(Counter(_list(case.table, "language")).items()))
    wrong = [code for code in promised | observed if promised.get(code) != observed.get(code)]
    return _result(
        "language_counts",
        observed,
        promised or "any",
        passed=not promised or not wrong,
        cause=f"other counts for {', '.join(wrong)}: a partial copy, or a filter?",
    )


def _language_script(case: _Case) -> Result:
    doubtful = implausible(case.table)
    return _result(
        "language_script",
        {code: len(rows) for code, rows in doubtful.items()},
        "questions in their language's script",
        rows=[row for rows in doubtful.values() for row in rows[:SHOWN]],
        passed=not doubtful,
        cause=f"rows labelled {', '.join(doubtful)} look like another language",
        level="warning",
    )


def _rows(table: pa.Table, column: str) -> list[dict[str, str]]:
    pairs = zip(_list(table, "id"), _list(table, column), strict=True)
    return [{"id": str(one), "text": str(text)[:200]} for one, text in pairs]


def _list(table: pa.Table, column: str) -> list[Any]:
    return list(table.column(column).to_pylist())


def _texts(table: pa.Table) -> list[Any]:
    return list(pc.struct_field(table.column("answers"), "text").to_pylist())


_PRECONDITIONS = (_columns, _not_empty, _answer_lists)
_CHECKS: tuple[Callable[[_Case], Result], ...] = (
    _columns,
    _not_empty,
    _blank("ids_not_blank", "id"),
    _ids_unique,
    _blank("questions_not_blank", "question"),
    _blank("contexts_not_blank", "context"),
    _answer_lists,
    _answered,
    _answers_not_blank,
    _answers_in_context,
    _answers_at_offset,
    _row_count,
    _language_counts,
    _language_script,
)
