"""Surveys of a whole table: what an expectation about more than one row, or one value, found.

Each takes the rows as a pandas frame whose columns hold plain Python objects, and the arguments
that a suite gives it. A survey never changes a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.data_checks.languages import foreign, known, outvoted, votes_of
from harness.data_checks.offsets import Astray, diagnose, moves
from harness.data_checks.offsets import survey as survey_offsets

SHOWN = 10
# Fewer rows than this don't show a distribution.
ENOUGH = 50
_TEXT = 200
# Items of a list that tell its language: a mining task's holds half a million sentences.
_SAMPLE = 1000
# Characters of a text that do: an article may have a million.
_LONG = 10_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a survey found."""

    passed: bool
    observed: Any
    """Plain JSON."""
    expected: Any
    rows: tuple[tuple[int, str], ...] = ()
    """(row number, what to show of it), of up to `SHOWN` offending rows."""
    cause: str = ""
    """Where the rows themselves show it; "" leaves the suite's words."""


def row_count(frame: Any, *, rows: int | None) -> Finding:
    """As many rows as promised; None promises nothing."""
    passed = rows is None or len(frame) == rows
    lost = (rows or 0) - len(frame)
    cause = "" if passed else f"{abs(lost)} rows {'lost' if lost > 0 else 'too many'}: "
    more = "a partial copy, a filter, quoting that ate rows, or another revision?"
    return Finding(
        passed=passed,
        observed=len(frame),
        expected="any number" if rows is None else rows,
        cause=cause and cause + more,
    )


def language_counts(frame: Any, *, languages: Mapping[str, int]) -> Finding:
    """As many rows of each language as promised; an empty promise is no promise."""
    promised = dict(sorted(languages.items()))
    codes = list(frame["language"])
    observed = dict(sorted(Counter(codes).items()))
    wrong = [code for code in promised | observed if promised.get(code) != observed.get(code)]
    strays = [row for row, code in enumerate(codes) if promised and code not in promised]
    cause = f"other counts for {', '.join(wrong)}: a partial copy, or a filter?"
    if strays:
        cause = f"languages that weren't declared: {', '.join(set(observed) - set(promised))}"
    return Finding(
        passed=not promised or not wrong,
        observed=observed,
        expected=promised or "any",
        rows=tuple((row, codes[row]) for row in strays[:SHOWN]),
        cause=cause if promised and wrong else "",
    )


def answers_in_context(frame: Any) -> Finding:
    """No answer that occurs nowhere in its context."""
    lost = [one for one in _astray(frame) if one.nearest is None]
    return Finding(
        passed=not lost,
        observed=f"{len(lost)} answers that occur nowhere in their context",
        expected="none",
        rows=tuple((one.row, one.text) for one in lost[:SHOWN]),
        cause=diagnose(list(frame["context"]), lost),
    )


def answers_at_offset(frame: Any, *, allowed: int) -> Finding:
    """At most `allowed` answers stand elsewhere in their context than their offset says."""
    astray = [one for one in _astray(frame) if one.nearest is not None]
    return Finding(
        passed=len(astray) <= allowed,
        observed=f"{len(astray)} answers that stand elsewhere",
        expected=f"at most {allowed}",
        rows=tuple((one.row, f"{one.text} ({moves(one)})") for one in astray[:SHOWN]),
        cause=diagnose(list(frame["context"]), astray),
    )


def text_in_its_language(frame: Any, *, column: str, share: float) -> Finding:
    """In no language are more than `share` of the rows' texts foreign to it.

    Sentences too short to be judged alone are judged together, by all of their function words.
    """
    totals: Counter[str] = Counter(frame["language"])
    doubtful, votes = _doubtful(frame[column], frame["language"])
    likely, rows = {}, []
    for code in sorted(totals):
        some = doubtful.get(code, [])
        together = outvoted(votes.get(code, Counter()), code)
        if together or len(some) > share * totals[code]:
            likely[code] = together or Counter(why for _, why in some).most_common(1)[0][0]
            rows += [row for row, _ in some]
            rows += [] if some else _first(frame["language"], code)
    return Finding(
        passed=not likely,
        observed={code: len(doubtful.get(code, ())) for code in likely},
        expected=f"at most {share:.0%} of a language's rows in another",
        rows=tuple((row, _shown(frame[column].iloc[row])) for row in rows[:SHOWN]),
        cause="; ".join(f"rows declared {code} look like {why}" for code, why in likely.items()),
    )


def code_names_language(
    frame: Any,
    *,
    column: str,
    names: Mapping[str, str],
    prefix: bool = False,
    exceptions: Sequence[str] = (),
) -> Finding:
    """Each code (of an id: what stands before the first "-") names the row's language.

    Ids among `exceptions` may name another.
    """
    wrong = []
    for row, (value, language) in enumerate(zip(frame[column], frame["language"], strict=True)):
        code = str(value).split("-", 1)[0] if prefix else str(value)
        if names.get(code) != language and value not in exceptions:
            wrong.append((row, f"{code}, declared {language}"))
    pairs = Counter(text for _, text in wrong)
    return Finding(
        passed=not wrong,
        observed=dict(pairs.most_common(SHOWN)),
        expected="every code names its row's language",
        rows=tuple(wrong[:SHOWN]),
    )


def lengths_within(
    frame: Any,
    *,
    column: str,
    median: tuple[float, float],
    longest: int,
) -> Finding:
    """The lengths (characters; of a list, items) have their median in a range, none is too long."""
    lengths = np.array([len(value) for value in frame[column]])
    middle, most = float(np.median(lengths)), int(lengths.max())
    rows = [int(row) for row in np.flatnonzero(lengths > longest)[:SHOWN]]
    low, high = median
    return Finding(
        passed=(low <= middle <= high or len(lengths) < ENOUGH) and not rows,
        observed={"median": middle, "longest": most},
        expected={"median": [low, high], "longest": longest},
        rows=tuple((row, f"{lengths[row]} long") for row in rows),
        cause="quoting that joined rows, texts cut off, or another column?",
    )


def labels_balanced(
    frame: Any, *, column: str, least: float, most: float, labels: Sequence[Any]
) -> Finding:
    """Each of `labels` has a share of the rows (of a list: of the items) in [least, most]."""
    values = _items(frame[column])
    counts = Counter(values)
    total = max(sum(counts.values()), 1)
    shares = {label: counts[label] / total for label in labels}
    wrong = [label for label, share in shares.items() if not least <= share <= most]
    return Finding(
        passed=total < ENOUGH or not wrong,
        observed={str(label): round(share, 4) for label, share in shares.items()},
        expected=f"each label {least:.1%} to {most:.1%}",
        cause=f"labels {', '.join(map(str, wrong))}: sorted and cut, or a label lost?"
        if wrong
        else "",
    )


def configs_parallel(frame: Any) -> Finding:
    """Configs that share ids (translations) have the same; ones that take turns, equal sizes."""
    ids: dict[str, list[Any]] = {}
    for config, one in zip(frame["config"], frame["id"], strict=True):
        ids.setdefault(config, []).append(one)
    sizes = {config: len(some) for config, some in sorted(ids.items())}
    sets = [set(some) for some in ids.values()]
    shared = len(sets) > 1 and any(sets[0] & other for other in sets[1:])
    alone = set.union(*sets) - set.intersection(*sets) if shared else set()
    rows = [row for row, one in enumerate(frame["id"]) if one in alone][:SHOWN]
    unequal = max(sizes.values()) - min(sizes.values()) > 1
    return Finding(
        passed=not unequal and not alone,
        observed=sizes,
        expected="equally many rows, and the same ids where any are shared",
        rows=tuple((row, f"only in {frame['config'].iloc[row]}, or not in all") for row in rows),
        cause="a parallel file lost rows, or comes from another revision",
    )


def gold_pairs_in_range(frame: Any, *, source: str, target: str, gold: str) -> Finding:
    """Each row's gold pairs (1-based) lie inside its two lists of sentences, each pair once."""
    wrong: list[tuple[int, str]] = []
    total = 0
    for row, (left, right, pairs) in enumerate(
        zip(frame[source], frame[target], frame[gold], strict=True)
    ):
        seen: set[tuple[int, ...]] = set()
        for pair in map(tuple, pairs):
            total += 1
            inside = len(pair) == 2 and 1 <= pair[0] <= len(left) and 1 <= pair[1] <= len(right)
            if not inside or pair in seen:
                wrong.append((row, f"pair {pair}"))
            seen.add(pair)
    return Finding(
        passed=not wrong and total > 0,
        observed=f"{len(wrong)} of {total} pairs",
        expected="none out of range or repeated, and at least one pair",
        rows=tuple(wrong[:SHOWN]),
        cause="pairs counted from 0, or sentences lost",
    )


def label_order(
    frame: Any,
    *,
    tokens: str,
    tags: str,
    labels: Sequence[str],
    anchors: Mapping[str, Sequence[str]],
    share: float,
) -> Finding:
    """Of the anchors' tokens (label -> tokens), at least `share` carry that label's index."""
    wanted = {token: labels.index(label) for label, some in anchors.items() for token in some}
    seen, wrong = 0, []
    for row, (words, given) in enumerate(zip(frame[tokens], frame[tags], strict=True)):
        for word, tag in zip(words, given, strict=False):
            if word in wanted:
                seen += 1
                if tag != wanted[word]:
                    wrong.append((row, f"{word} is {tag}, not {wanted[word]}"))
    right = (seen - len(wrong)) / seen if seen else 1.0
    return Finding(
        passed=right >= share,
        observed=round(right, 4),
        expected=f"at least {share} of {', '.join(wanted)} tagged as ever",
        rows=tuple(wrong[:SHOWN]),
    )


def no_other_columns(frame: Any, *, columns: Sequence[str]) -> Finding:
    """No column besides `columns`."""
    others = [name for name in frame.columns if name not in columns]
    return Finding(
        passed=not others,
        observed=others,
        expected=f"only {', '.join(columns)}",
        cause=f"{', '.join(others)}: an index written as a column, or another conversion?",
    )


def sentences_unique(frame: Any, *, column: str, share: float) -> Finding:
    """At most `share` of the rows repeat a text, or a list of tokens, of an earlier row."""
    seen: set[Any] = set()
    repeated = []
    for row, (value, language) in enumerate(zip(frame[column], frame["language"], strict=True)):
        key = (language, tuple(value) if isinstance(value, list) else value)
        if key in seen:
            repeated.append((row, _shown(value)))
        seen.add(key)
    return _at_most(repeated, share, len(frame), "repeated rows")


def sides_differ(frame: Any, *, source: str, target: str, share: float) -> Finding:
    """At most `share` of the pairs have two equal sides."""
    pairs = enumerate(zip(frame[source], frame[target], strict=True))
    equal = [(row, _shown(left)) for row, (left, right) in pairs if left == right]
    return _at_most(equal, share, len(frame), "pairs with equal sides")


SURVEYS: dict[str, Callable[..., Finding]] = {
    one.__name__: one
    for one in (
        row_count,
        language_counts,
        answers_in_context,
        answers_at_offset,
        text_in_its_language,
        code_names_language,
        lengths_within,
        labels_balanced,
        configs_parallel,
        gold_pairs_in_range,
        label_order,
        no_other_columns,
        sentences_unique,
        sides_differ,
    )
}


Doubts = dict[str, list[tuple[int, str]]]


def _doubtful(texts: Iterable[Any], codes: Iterable[str]) -> tuple[Doubts, dict[str, Counter[str]]]:
    """Language -> its foreign rows (number, why); language -> the votes of all its words."""
    doubts: Doubts = {}
    totals: dict[str, Counter[str]] = {}
    judged: dict[tuple[str, str], str] = {}
    for row, (value, code) in enumerate(zip(texts, codes, strict=True)):
        text = " ".join(value[:_SAMPLE]) if isinstance(value, list) else (value or "")[:_LONG]
        if not known(code):
            continue
        if (text, code) not in judged:
            votes = votes_of(text)
            judged[text, code] = foreign(text, code, votes)
            totals.setdefault(code, Counter()).update(votes)
        if judged[text, code]:
            doubts.setdefault(code, []).append((row, judged[text, code]))
    return doubts, totals


def _first(codes: Iterable[str], code: str) -> list[int]:
    return [row for row, one in enumerate(codes) if one == code][:SHOWN]


def _astray(frame: Any) -> list[Astray]:
    return survey_offsets(frame["id"], frame["context"], frame["answers"])


def _at_most(rows: Sequence[tuple[int, str]], share: float, total: int, what: str) -> Finding:
    return Finding(
        passed=len(rows) <= share * total,
        observed=f"{len(rows)} {what}",
        expected=f"at most {share:.0%} of the rows",
        rows=tuple(rows[:SHOWN]),
    )


def _items(column: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in column:
        found += value if isinstance(value, list) else [value]
    return found


def _shown(value: Any) -> str:
    text = " ".join(map(str, value[:_TEXT])) if isinstance(value, list) else str(value)
    return text[:_TEXT]
