"""The scorers against figures of the official ones (XTREME @838c13b, MLQA script @24bf470).

The files hold predictions (answers damaged in many ways) and the figures that the official
scripts gave them; the gold answers come from the data sets themselves, where the golden file
doesn't hold them.
"""

import json
import os
from math import fsum
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.manifest import load_manifests
from harness.metrics import SCORERS, load_items, load_scorer
from harness.score_files import score_files

TYDIQA = ["ar", "en", "fi", "id", "ko", "ru"]
XQUAD = ["ar", "de", "en", "es", "hi", "ru", "vi", "zh"]
NAMES = {"arabic": "ar", "english": "en", "finnish": "fi", "indonesian": "id", "korean": "ko"}
NAMES |= {"russian": "ru"}
# Counted as Korean by XTREME and in the golden files.
EXCEPTION = {"indonesian-1906590851264221380-1": "ko"}


def _folder(name):
    if not (os.environ.get("HARNESS_GOLDENS") and os.environ.get("HARNESS_MIRROR")):
        pytest.skip("needs HARNESS_GOLDENS and HARNESS_MIRROR")
    return Path(os.environ[name])


def _language(id_):
    return EXCEPTION.get(id_) or NAMES[id_.partition("-")[0]]


def _answers(dataset, language):
    owner = {
        "tydiqa": "google-research-datasets/tydiqa/secondary_task",
        "xquad": f"google/xquad/xquad.{language}",
    }
    path = "datasets/" + owner[dataset] + "/validation-00000-of-00001.parquet"
    rows = pq.read_table(_folder("HARNESS_MIRROR") / path, columns=["id", "answers"]).to_pylist()
    return {
        row["id"]: row["answers"]["text"]
        for row in rows
        if dataset == "xquad" or _language(row["id"]) == language
    }


@pytest.mark.parametrize(
    ("dataset", "language"), [("tydiqa", one) for one in TYDIQA] + [("xquad", one) for one in XQUAD]
)
def test_scores_equal_the_official_ones(dataset, language):
    """Exact match and F1 of each scorer that defines the language, to 1e-9 points."""
    path = _folder("HARNESS_GOLDENS") / f"{dataset}.{language}.json"
    golden = json.loads(path.read_text(encoding="utf-8"))
    gold, predictions = _answers(dataset, language), golden["predictions"]
    official = {name: figures for name, figures in golden["scores"].items() if figures}
    assert "squad_v1" in official
    assert set(official) <= set(SCORERS)
    for name, figures in official.items():
        scored = load_scorer(name)(gold, predictions, language)
        assert scored.em == pytest.approx(figures["exact_match"], rel=0, abs=1e-9), name
        assert scored.f1 == pytest.approx(figures["f1"], rel=0, abs=1e-9), name
        items = [item.f1 for item in scored.items.values()]
        assert 100 * fsum(items) / len(items) == pytest.approx(figures["f1"], rel=0, abs=1e-9)


def _telugu():
    path = "datasets/google/xtreme/udpos.Telugu/test-00000-of-00001.parquet"
    names = load_manifests().tasks["udpos"].labels
    rows = pq.read_table(_folder("HARNESS_MIRROR") / path, columns=["pos_tags"]).to_pylist()
    return [[names[tag] for tag in row["pos_tags"]] for row in rows]


@pytest.mark.parametrize("name", ["udpos.te", "panx.random", "bucc.random"])
def test_figures_of_tags_and_pairs_equal_the_official_ones(name, tmp_path):
    """F1, precision and recall of XTREME's evaluate.py, from files, to 1e-9 points."""
    path = _folder("HARNESS_GOLDENS") / "tagging_and_bitext.json"
    golden = json.loads(path.read_text(encoding="utf-8"))[name]
    task, _, language = name.partition(".")
    files = {"gold": golden["labels"] if "labels" in golden else _telugu()}
    files["predictions"] = golden["predictions"]
    for kind, value in files.items():
        lines = [line for one in value for line in ([one] if isinstance(one, str) else [*one, ""])]
        (tmp_path / kind).write_text("\n".join(lines), encoding="utf-8")
    row = load_manifests().tasks[task]
    paths = tmp_path / "gold", tmp_path / "predictions"
    found = score_files(task, row.scorer, language, *paths, row.labels)
    for metric, figure in golden["scores"].items():
        assert found[metric] == pytest.approx(figure, rel=0, abs=1e-9), metric


@pytest.mark.parametrize("name", ["udpos.te", "panx.random"])
def test_the_mean_over_sentences_is_the_official_f1(name):
    """Of the linearised values, to 1e-9 points."""
    path = _folder("HARNESS_GOLDENS") / "tagging_and_bitext.json"
    golden = json.loads(path.read_text(encoding="utf-8"))[name]
    gold = golden["labels"] if "labels" in golden else _telugu()
    found = load_items("seqeval")(gold, golden["predictions"], name)
    assert len(found) == len(gold)
    assert fsum(found) / len(found) == pytest.approx(golden["scores"]["f1"], rel=0, abs=1e-9)
