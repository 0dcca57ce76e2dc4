"""Claims over several targets, with many systems, and the kinds that they come in."""

import re

import pytest
from example import gain, no_better
from systems_example import (
    TARGETS,
    aggregate,
    best_of,
    groups,
    many,
    ordering,
)
from test_report_page import Page

from harness.records import Deviation
from harness.report import charts, panels, shape
from harness.report.data_section import by_target
from harness.report.language_table import candidates_table, languages_tables, tasks_table
from harness.report.material import merged_deviations, shared_deviations, training_table
from harness.report.render import render_claim, render_run
from harness.report.scoreboard import scoreboard, shared_flags, summary
from harness.report.sentences import pair, verdict_sentence
from harness.report.terms import reachable, rung_words

EVERY = (aggregate, best_of, many, ordering, groups)


def lines(table):
    """Each row's cells as their first lines."""
    return [[cell.lines[0] for cell in row.cells] for row in table.rows if not row.heading]


def labels(table):
    """The columns' headings."""
    return [column.label for column in table.columns]


def nowhere(_):
    """No link."""
    return ()


@pytest.mark.parametrize("make", EVERY)
def test_every_kind_has_a_well_formed_page(make):
    """Tags close, ids are unique, and links lead somewhere."""
    tags = Page(render_claim(make())).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"][1:] for _, attrs in tags if attrs.get("href", "").startswith("#")}
    assert links <= set(ids)


def test_aggregate_sentence_counts_tasks():
    """The gain's sentence, averaged over tasks instead of languages."""
    assert re.match(
        r"At this small scale the re-run agrees with the paper\u2019s direction: SQuAD 1\.1 first "
        r"scored \d\.\d points \(90\u00a0% interval .*\) above No intermediate training, "
        r"averaged over nine tasks and two seeds\. It says nothing about the paper\u2019s size, "
        r"\+8\.2\.$",
        verdict_sentence(aggregate()),
    )


def test_direction_with_alternatives_counts_them():
    """So many as the claim asks for; the bounds shown are not the rule's, so no more is said."""
    sentence = verdict_sentence(many())
    assert "at least five of ten alternatives are established to be better than No int" in sentence
    assert "from +1.5 (SQuAD 2.0 first) to +7.5 (QQP first)" in sentence


@pytest.mark.parametrize(
    ("rung", "words"),
    [
        ("CONTRADICTED", "too many are established to be worse"),
        ("INCONCLUSIVE", "can\u2019t decide whether five of ten alternatives are better"),
        ("INVALID", "There is no verdict"),
    ],
)
def test_other_rungs_of_a_direction_with_alternatives(rung, words):
    """Each has its own sentence."""
    assert words in verdict_sentence(many(rung))


@pytest.mark.parametrize(
    ("rung", "words", "title"),
    [
        ("DIRECTION", "agrees with the paper\u2019s order", "Same order"),
        ("CONTRADICTED", "contradicts the paper\u2019s order", "Order contradicted"),
        ("INCONCLUSIVE", "leaves room for both signs", "Undecided"),
    ],
)
def test_ordering_sentences(rung, words, title):
    """The order in the reader's words, then every adjacent difference."""
    comparison = ordering(rung)
    sentence = verdict_sentence(comparison)
    assert words in sentence
    order = "SQuAD 1.1 first > MNLI first > HellaSwag first > No intermediate training"
    assert order in sentence
    assert rung_words(comparison).title == title


def test_an_undecided_order_names_the_pairs_that_leave_it_open():
    """The third interval excludes 0 and isn't among them."""
    open_pairs = verdict_sentence(ordering()).split(": of ")[1].split(" the interval")[0]
    assert open_pairs == ("SQuAD 1.1 first \u2212 MNLI first and MNLI first \u2212 HellaSwag first")


def test_groups_of_targets_are_named_by_their_titles():
    """What an ordering of groups compares is two gains."""
    comparison = groups()
    assert pair(comparison, comparison.effects[0]) == (
        "gain of BUCC 2018 and Tatoeba \u2212 gain of XNLI, PAWS-X, Universal Dependencies, PAN-X, "
        "XQuAD, MLQA and TyDi QA GoldP (SQuAD 1.1 first \u2212 No intermediate training)"
    )
    assert "order, gain of BUCC 2018 and Tatoeba > gain of XNLI" in verdict_sentence(comparison)


def test_ladders_of_the_new_kinds():
    """An ordering has no size; an aggregate is a gain."""
    assert reachable(ordering()) == (("DIRECTION", True),)
    assert [rung for rung, _ in reachable(aggregate())] == [
        "DIRECTION",
        "SUBSTANTIAL",
        "QUANTITATIVE",
    ]


def test_no_better_over_many_alternatives_names_the_ends_only():
    """Ten differences in a sentence would be no sentence."""
    sentence = verdict_sentence(many("INCONCLUSIVE", "no_better"))
    assert "2.0 points or more. Difference to it" in sentence
    assert sentence.count("interval") == 0


def test_a_row_for_each_task_and_one_for_the_mean():
    """Languages, items, both systems, difference: the mean is over tasks."""
    rows = lines(tasks_table(aggregate()))
    assert [row[0] for row in rows] == [title for title, *_ in TARGETS.values()] + ["Average"]
    xnli, average = rows[0], rows[-1]
    assert xnli[1:3] == ["15", "9,270"]
    assert float(average[3]) == pytest.approx(
        sum(float(row[3]) for row in rows[:-1]) / 9, abs=0.051
    )
    assert average[5] == "+6.5"


def test_differences_of_an_ordering_of_groups_are_gains():
    """The estimate is a difference of gains; the tasks' own come from the levels."""
    assert [row[5] for row in lines(tasks_table(groups()))] == [
        row[5] for row in lines(tasks_table(aggregate()))
    ]


def test_a_best_of_says_what_was_chosen_where():
    """In the table of tasks, and beside each component's scores."""
    comparison = best_of()
    tasks = {row[0]: row[-1] for row in lines(tasks_table(comparison))}
    assert tasks["BUCC 2018, mined sentence pairs"] == "MNLI first"
    parts = {row.cells[0].lines[0]: row for row in candidates_table(comparison).rows}
    assert len(parts) == 10
    assert parts["MNLI first"].cells[8].lines[1] == "chosen"
    assert len(parts["QQP first"].cells[8].lines) == 1


def test_components_of_a_best_of_stay_out_of_the_chart():
    """Two systems are drawn, not twelve."""
    svg = panels.tasks_chart(best_of(), "t")
    assert svg.count("Best intermediate training") == 2  # legend and description
    assert "QQP first" not in svg


def test_languages_of_each_task_are_folded():
    """Nine folds, one with 40 rows and an average."""
    comparison = aggregate()
    html = render_claim(comparison)
    folds = re.findall(r"<summary dir=\"auto\">(.*?)</summary>", html)
    assert "PAN-X, named entities: 40 languages, 24,720 items" in folds
    (table,) = languages_tables(comparison, "panx")
    assert len(table.rows) == 41
    assert lines(table)[-1][0] == "Average"


def test_many_systems_get_a_table_for_each_metric_without_differences():
    """Eleven systems: language, items, eleven scores."""
    (table,) = languages_tables(many(), "tydiqa")
    assert len(table.columns) == 2 + 11


def test_many_alternatives_share_a_marker_and_a_line_each():
    """The chart of differences has ten lines, the legend of languages two entries."""
    comparison = many()
    assert charts.compact(comparison)
    drawn = panels.languages_chart(comparison, "score", "l")
    assert "each of the ten other systems" in drawn
    height = float(
        re.search(r'viewBox="0 0 400 ([\d.]+)"', charts.effects_chart(comparison, "e"))[1]
    )
    assert height < 300


def test_score_is_no_metric_of_a_claim_about_another():
    """XTREME's figure stands beside EM and F1 only where the claim is about it."""
    comparison = gain()
    score = comparison.systems[0].levels[0].model_copy(update={"metric": "score"})
    first = comparison.systems[0]
    more = first.model_copy(update={"levels": (*first.levels, score)})
    systems = (more, *comparison.systems[1:])
    assert shape.metrics_of(comparison.model_copy(update={"systems": systems})) == ["em", "f1"]


def test_data_stand_under_their_target():
    """Intermediate training first, then training and evaluation of each target."""
    found = by_target(aggregate())
    titles = [title for title, _ in found]
    assert titles == [
        "Intermediate training, for every target",
        *(title for title, *_ in TARGETS.values()),
    ]
    assert [one.use for one in dict(found)["XNLI"]] == ["target training: XNLI", "evaluation: XNLI"]


def test_a_training_that_targets_share_is_one_row():
    """Two fine-tunings with one artifact are one training."""
    comparison = aggregate()
    copy = comparison.training[-1].model_copy(update={"target": "mlqa"})
    doubled = comparison.model_copy(update={"training": (*comparison.training, copy)})
    assert len(training_table(doubled, nowhere).rows) == len(comparison.training)


def test_each_deviation_once_with_all_who_ask_for_it():
    """The learning rate is asked for twice in the example."""
    found = {one.what: one.why for one in merged_deviations(aggregate().deviations)}
    assert found["learning rate"] == "profile mini, user"


def test_deviations_that_all_claims_share_stand_on_top():
    """What only one has stays with it."""
    own = Deviation(what="own", paper="a", here="b", why="claim")
    first = gain()
    first = first.model_copy(update={"deviations": (*first.deviations, own)})
    assert [one.what for one in shared_deviations([first, no_better()])] == [
        "encoder",
        "learning rate",
        "intermediate task",
    ]
    html = render_run([first, no_better()])
    # Once in the table on top; the short list beside each verdict keeps it.
    assert html.count("xlm-roberta-large") == 3
    assert html.count("<bdi>own</bdi>") == 2


def test_missing_languages_name_their_target():
    """German is missing in one task of nine."""
    assert "No data for German (BUCC 2018)" in render_claim(aggregate())


def test_the_scoreboard_has_a_row_for_each_claim():
    """Ten differences take one row; what was reported and found stands beside the rung."""
    claims = [aggregate(), many(), ordering(), gain()]
    table = scoreboard(claims, ["a", "b", "c", "d"])
    assert len(table.rows) == 4
    cells = table.rows[1].cells
    assert cells[3].lines == (
        "+1.5 to +7.5 points",
        "ten differences, seven with an interval above 0",
    )
    assert table.rows[0].cells[2].lines == ("+8.2 points",)
    assert table.rows[0].cells[0].lines == ("aggregate, nine tasks",)


def test_a_variant_is_no_row_of_the_scoreboard():
    """It is shown with its claim; what the verdict doesn't read adjusts no p-value either."""
    claim = gain()
    other = claim.effects[0].model_copy(update={"treatment": "squad_v1"})
    more = claim.model_copy(update={"effects": (*claim.effects, other)})
    assert (
        scoreboard([more, claim], ["a", "b"]).rows[0].cells[3:5]
        == (scoreboard([claim, claim], ["a", "b"]).rows[0].cells[3:5])
    )


def test_flags_of_every_claim_are_said_once():
    """The row has the others, as words."""
    claims = [aggregate(), gain()]
    assert shared_flags(claims) == ("SCALED_DOWN", "PRIOR_DRIVEN")
    flags = [row.cells[5].lines[0] for row in scoreboard(claims, ["a", "b"]).rows]
    assert flags == ["\u2013", "protocol deviation, paper variance unknown"]


def test_summary_counts_rungs():
    """Two words a rung, and how many met what was required."""
    assert summary([aggregate(), many("INCONCLUSIVE"), gain()]) == (
        "Three claims: two same direction and one undecided. "
        "What was required of this run is met by two."
    )


def test_pages_stay_light():
    """Nine targets with twelve systems and 300 items: below a megabyte and a half."""
    assert len(render_claim(best_of()).encode()) < 1_500_000
