"""The XTREME score: who weighs what, and what is refused."""

import pytest

from harness.errors import DataError
from harness.manifest import load_manifests
from harness.metrics.xtreme import METRICS, aggregate

LANGUAGES = {name: ("en", "de", "ru") for name in METRICS} | {
    "bucc": ("de", "ru"),
    "tatoeba": ("de",),
}


def scores(**changes):
    """Every figure is 50 but those of the languages that are given: task=({language: figures})."""
    plain = {"accuracy": 50.0, "f1": 50.0, "em": 50.0}
    found = {task: dict.fromkeys(languages, plain) for task, languages in LANGUAGES.items()}
    return {task: found[task] | changes.get(task, {}) for task in found}


def test_languages_weigh_the_same():
    """(80 + 50 + 50) / 3; without English the mean of 50 and 50."""
    xnli = aggregate(scores(xnli={"en": {"accuracy": 80.0}}), LANGUAGES).tasks["xnli"]
    assert (xnli.all, xnli.without_english) == (60.0, 50.0)


@pytest.mark.parametrize("task", ["xquad", "mlqa", "tydiqa"])
def test_a_question_answering_task_is_the_mean_of_its_two_metrics(task):
    """German (20 + 60) / 2 = 40: (50 + 40 + 50) / 3, and (40 + 50) / 2."""
    found = aggregate(scores(**{task: {"de": {"em": 20.0, "f1": 60.0}}}), LANGUAGES).tasks[task]
    assert found.all == pytest.approx(140 / 3)
    assert found.without_english == 45.0


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        *(("xnli", "accuracy"), ("pawsx", "accuracy"), ("tatoeba", "accuracy")),
        *(("udpos", "f1"), ("panx", "f1"), ("bucc", "f1")),
    ],
)
def test_a_task_reads_its_own_metric(task, metric):
    """Precision, recall and the like stand beside it and don't count."""
    figures = {key: {metric: 90.0, "precision": 1.0, "recall": 2.0} for key in LANGUAGES[task]}
    assert aggregate(scores(**{task: figures}), LANGUAGES).tasks[task].all == 90.0


def test_tasks_weigh_the_same():
    """Eight tasks at 50, Tatoeba at 95 in its one language: (8 * 50 + 95) / 9, English or not."""
    found = aggregate(scores(tatoeba={"de": {"accuracy": 95.0}}), LANGUAGES)
    assert found.overall.all == pytest.approx(55.0)
    assert found.overall.without_english == pytest.approx(55.0)
    assert list(found.tasks) == list(METRICS)


def test_english_may_be_left_out_of_the_whole():
    """XNLI's English at 95 instead of 50: 15 / 9 more with it, nothing without."""
    found = aggregate(scores(xnli={"en": {"accuracy": 95.0}}), LANGUAGES).overall
    assert found.all == pytest.approx(50 + 15 / 9)
    assert found.without_english == 50.0


def test_a_missing_task_is_refused():
    """Eight tasks are another average."""
    some = scores()
    del some["bucc"]
    with pytest.raises(DataError, match="XTREME: got no task bucc; expected all 9"):
        aggregate(some, LANGUAGES)


def test_a_missing_language_is_refused():
    """So are fewer languages."""
    some = scores()
    del some["panx"]["ru"]
    with pytest.raises(DataError, match="panx: got no language ru; expected all 3"):
        aggregate(some, LANGUAGES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xnli": {"fr": {"accuracy": 1.0}}}, "xnli: got language fr; expected only en, de, ru"),
        ({"xquad": {"de": {"em": 1.0}}}, "xquad, de: got no f1; expected f1 in points"),
        ({"xquad": {"de": {"em": float("nan"), "f1": 1.0}}}, "xquad, de: got em nan"),
        ({"pawsx": {"de": {"accuracy": 100.1}}}, "pawsx, de: got accuracy 100.1"),
    ],
)
def test_a_figure_that_does_not_belong_is_refused(changes, message):
    """Nothing is left out silently, nothing unknown averaged."""
    with pytest.raises(DataError, match=message):
        aggregate(scores(**changes), LANGUAGES)


def test_an_unknown_task_is_refused():
    """SQuAD is none of the nine."""
    with pytest.raises(DataError, match="XTREME: got task squad; expected only xnli"):
        aggregate(scores() | {"squad": {}}, LANGUAGES)


def test_the_table_of_tasks_has_the_nine_with_their_languages():
    """As many languages each as the XTREME paper's table 1 counts."""
    tasks = load_manifests().tasks
    assert {name: len(tasks[name].languages) for name in METRICS} == {
        "xnli": 15,
        "pawsx": 7,
        "udpos": 33,
        "panx": 40,
        "xquad": 11,
        "mlqa": 7,
        "tydiqa": 9,
        "bucc": 4,
        "tatoeba": 36,
    }
    assert all(len(set(task.languages)) == len(task.languages) for task in tasks.values())
    assert set(tasks["panx"].languages) - set(tasks["tatoeba"].languages) == {
        "en",
        "ms",
        "my",
        "yo",
    }
    assert set(tasks["panx"].languages) - set(tasks["udpos"].languages) == set(
        ["bn", "jv", "ka", "ml", "ms", "my", "sw"]
    )
