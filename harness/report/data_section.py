"""What the data checks found: failures by name, languages and lengths, overlap of the data sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.records import CheckOutcome, Comparison, DataUse, Lengths, Overlap
from harness.report.figure import COLOURS, WIDTH, axes, blank, drawing, to_svg
from harness.report.rows import SMALL, clip
from harness.report.tables import Cell, Column, Row, Table, figure, short, table, text
from harness.report.words import count, language, listing, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EXAMPLES, _ROWS = 5, 3
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_BY = {
    "example": "question with its context",
    "context": "context",
    "document": "article",
    "question": "question, with another context",
    "id": "id of a question",
    "language": "language that wasn’t declared",
}
_PANEL, _ROOM, _LEFT = 64, 74, 40
_MOST_PANELS = 6


def checks_table(comparison: Comparison) -> Table:
    """Every check that didn't pass, with the rows that it names; no row where all passed."""
    columns = ("Check", "Data set", "Level", "Found", "Likely cause", "Rows, e.g.")
    rows = [
        _outcome_row(use, one) for use in comparison.data for one in use.outcomes if not one.passed
    ]
    return table("The checks that found something.", columns, rows)


def passed_checks(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """(data set and use, names of the checks that it passed), for a list of facts."""
    return tuple(
        (f"{one.title}, {one.use}", ", ".join(check.name for check in one.outcomes if check.passed))
        for one in comparison.data
        if one.outcomes
    )


def by_target(comparison: Comparison) -> list[tuple[str, list[DataUse]]]:
    """(title, data sets) of each target; what serves all of them comes first."""
    found: dict[str, list[DataUse]] = {"": []}
    found |= {target: [] for target in comparison.claim.targets}
    for one in comparison.data:
        found.setdefault(one.target, []).append(one)
    titles = {"": "Intermediate training, for every target", **comparison.claim.targets}
    return [(titles.get(target, target), uses) for target, uses in found.items() if uses]


def crowded(comparison: Comparison) -> bool:
    """Too many data sets for one column or one panel each."""
    return len(comparison.data) > _MOST_PANELS


def rows_by_language(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """(data set and use, rows of each language), where there are too many for `splits_table`."""
    return tuple(
        (
            f"{one.title}, {one.use}",
            ", ".join(f"{language(code)} {n:,}" for code, n in one.languages.items()),
        )
        for one in comparison.data
    )


def lengths_facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """(data set and use, how many texts are how long), where there are too many to draw."""
    return tuple(
        (f"{one.title}, {one.use}", _bins(one.lengths)) for one in comparison.data if one.lengths
    )


def splits_table(comparison: Comparison) -> Table:
    """Rows of each language in each data set."""
    codes = list(dict.fromkeys(code for use in comparison.data for code in use.languages))
    columns = [Column(label="Language")]
    columns += [Column(label=f"{_capital(one.use)}", numeric=True) for one in comparison.data]
    rows = [
        Row(cells=(text(language(code)), *(_amount(use, code) for use in comparison.data)))
        for code in codes
    ]
    total = (figure(f"{use.rows:,}") for use in comparison.data)
    rows.append(Row(cells=(text("All"), *total), strong=True))
    return table("Rows by language and use.", columns, rows)


def overlaps_table(comparison: Comparison) -> Table:
    """What the data sets have in common; no row where nothing was found."""
    columns = (
        *(Column(label=name) for name in ("In common", "Training data", "Compared with", "Level")),
        Column(label="Exactly", numeric=True),
        Column(label="Nearly", numeric=True),
        Column(label="Of", numeric=True),
        Column(label="Likely cause"),
    )
    rows = [_overlap_row(one) for one in comparison.contamination if not one.passed]
    caption = (
        "Rows of one data set that stand in training data, compared after normalisation (case, "
        "punctuation, white space and Unicode form don’t count). Nearly: most character n-grams "
        "in common."
    )
    return table(caption, columns, rows)


def overlap_examples(comparison: Comparison) -> Table:
    """Up to five pairs of rows for each overlap."""
    columns = (
        Column(label="In common"),
        Column(label="Training row"),
        Column(label="Row it is like"),
        Column(label="Similarity", numeric=True),
    )
    rows = [
        Row(
            cells=(
                text(_BY[one.by], f"{one.training} / {one.against}"),
                text(example.training_text, example.training_id),
                text(example.text, example.id),
                figure(f"{example.similarity:.2f}"),
            )
        )
        for one in comparison.contamination
        if not one.passed
        for example in one.examples[:_EXAMPLES]
    ]
    return table("Rows that overlap, up to five of each kind.", columns, rows)


def contamination_sentence(comparison: Comparison) -> str:
    """What was compared and how it came out; empty for a comparison made before it was."""
    found = comparison.contamination
    if not found:
        return ""
    wrong = [one for one in found if not one.passed]
    made = f"Training and evaluation data were compared in {count(len(found), 'respect')}"
    if not wrong:
        return f"{made}: they have nothing in common."
    levels = [
        count(sum(one.level == level for one in wrong), name)
        for level, name in _LEVELS.items()
        if any(one.level == level for one in wrong)
    ]
    return f"{made}: {listing(levels)}."


def checks_sentence(comparison: Comparison) -> str:
    """How many checks were made and how they came out; empty where none is recorded."""
    made = [one for use in comparison.data for one in use.outcomes]
    if not made:
        return ""
    wrong = sum(not one.passed for one in made)
    of = f"{count(len(made), 'check')} of {count(len(comparison.data), 'data set')}"
    if not wrong:
        return f"{of.capitalize()} passed before a single step of training."
    return f"{of.capitalize()} before a single step of training: {count(wrong, 'finding')}."


def has_lengths(comparison: Comparison) -> bool:
    """Whether there is anything to draw."""
    return any(one.lengths and sum(one.lengths.counts) for one in comparison.data)


def lengths_chart(comparison: Comparison, name: str) -> Markup:
    """A histogram of the contexts' lengths for each use of a data set."""
    shown = [(one, one.lengths) for one in comparison.data if one.lengths]
    step = _PANEL + _ROOM
    with drawing():
        drawn = blank(step * len(shown))
        for place, (use, lengths) in enumerate(shown):
            plot = axes(drawn, _LEFT, 28 + place * step, WIDTH - _LEFT - 8, _PANEL)
            _bars(plot, lengths)
            plot.annotate(
                clip(f"{_capital(use.use)}: {use.title}", 62),
                xy=(0, 1),
                xycoords="axes fraction",
                xytext=(-_LEFT + 4, 12),
                textcoords="offset points",
                color=COLOURS["ink"],
                size=SMALL,
            )
        return to_svg(
            drawn,
            name=name,
            title="Lengths of the contexts",
            description=visible(" ".join(_length_words(use, lengths) for use, lengths in shown)),
        )


def _bars(plot: Axes, lengths: Lengths) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    places = range(len(lengths.counts))
    plot.bar(places, lengths.counts, width=0.86, color=COLOURS["here"])
    plot.set_xlim(-0.5, len(lengths.counts) - 0.5)
    # Edges stand between the bars that they part.
    plot.set_xticks([place - 0.5 for place in places], [_edge(edge) for edge in lengths.edges])
    plot.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, steps=[1, 2, 5, 10]))
    plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    plot.tick_params(axis="both", labelsize=9)
    plot.grid(axis="y", color=COLOURS["rule"], linewidth=0.6)
    plot.set_axisbelow(True)
    plot.set_xlabel("characters", color=COLOURS["muted"], size=9.5, labelpad=1)


def _edge(edge: int) -> str:
    return f"{edge // 1000}k" if edge >= 1000 and edge % 1000 == 0 else f"{edge}"


def _length_words(use: DataUse, lengths: Lengths) -> str:
    return f"{use.title}, {use.use}: {_bins(lengths)}."


def _bins(lengths: Lengths) -> str:
    ends = [f"to {end - 1:,}" for end in lengths.edges[1:]] + ["or more"]
    bins = [
        f"{start:,} {end} characters {amount:,}"
        for start, end, amount in zip(lengths.edges, ends, lengths.counts, strict=True)
        if amount
    ]
    return "; ".join(bins) or "none"


def _outcome_row(use: DataUse, one: CheckOutcome) -> Row:
    examples = [f"{row['id']}: {row['text'][:80]}" for row in one.rows[:_ROWS]]
    return Row(
        cells=(
            text(one.name),
            text(use.title, use.use),
            short(_LEVELS[one.level]),
            text(one.observed[:300], f"expected: {one.expected[:300]}"),
            text(one.cause),
            Cell(lines=tuple(examples) or ("–",)),
        )
    )


def _overlap_row(one: Overlap) -> Row:
    return Row(
        cells=(
            text(_BY[one.by]),
            text(one.training),
            text(one.against if one.against != one.training else "itself"),
            short(_LEVELS[one.level]),
            *(figure(f"{amount:,}") for amount in (one.exact, one.near, one.of)),
            text(one.cause),
        )
    )


def _amount(use: DataUse, code: str) -> Cell:
    amount = use.languages.get(code)
    return figure("" if amount is None else f"{amount:,}")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def findings(comparison: Comparison) -> Iterator[str]:
    """The two sentences that introduce the section."""
    yield from filter(None, (checks_sentence(comparison), contamination_sentence(comparison)))
