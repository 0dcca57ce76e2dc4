"""`harness list`, `show` and `plan` of many claims: what a reader of the paper sees."""

import json

import pytest

from harness.manifest import load_manifests

GAIN = "phang2020/tydiqa-english-gain"
FACTS = {
    # docs of the paper: claim -> reported difference
    "best-average-gain": 5.4,
    "hellaswag-average-gain": 7.0,
    "mlqa-gain": 0.5,
    "mlqa-gain-f1": 0.8,
    "mnli-average-gain": 7.5,
    "multi-task-average-gain": 8.7,
    "panx-gain": -1.4,
    "pawsx-gain": 1.5,
    "squad-average-gain": 8.2,
    "tydiqa-english-gain": 14.5,
    "tydiqa-english-gain-f1": 10.9,
    "udpos-gain": 1.1,
    "xnli-gain": 0.8,
    "xquad-gain": 2.5,
    "xquad-gain-f1": 2.1,
}
UNVERIFIED = {
    "hellaswag-average-gain",
    "intermediate-task-order",
    "mnli-average-gain",
    "multi-task-average-gain",
    "multi-task-best",
    "squad-average-gain",
    "tydiqa-many-gain",
    "xnli-none-gain",
}


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """80 columns, whatever the terminal has."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def claims():
    """Name without the paper -> claim."""
    found = load_manifests().claims
    return {name.partition("/")[2]: claim for name, claim in found.items()}


def words(text):
    """The text on one line."""
    return " ".join(text.split())


def test_reported_differences_are_the_papers(claims):
    """Fifteen claims print a number; seven don't."""
    found = {
        name: claim.reported.effect.value for name, claim in claims.items() if claim.reported.effect
    }
    assert found == FACTS


def test_what_nobody_read_is_unverified(cli):
    """Such a claim is judged by its sign alone, so it has to be said."""
    rows = json.loads(cli("list", "--json").out)["claims"]
    doubted = {row["claim"].partition("/")[2] for row in rows if not row["verified"]}
    assert doubted == UNVERIFIED


def test_margins_are_the_rules(claims):
    """max(1.0, 0.25 * |gain|), written down before any run."""
    for name, gain in FACTS.items():
        assert claims[name].verdict.margin == max(1.0, abs(gain) / 4), name


def test_the_paper_has_its_setup_as_preconditions():
    """Encoder, phases, and the nine intermediate tasks."""
    setup = load_manifests().papers["phang2020"].setup
    assert [one.what for one in setup] == ["encoder", "phases of training", "intermediate tasks"]
    assert len(setup[2].tasks) == 9


def test_list_has_two_lines_a_claim(cli):
    """Id, kind, targets, what is reported; the title below, within 80 columns."""
    lines = cli("list").out.splitlines()
    assert max(map(len, lines)) <= 80
    ids = [line.split()[0] for line in lines if line.startswith("phang2020/")]
    assert ids == [row["claim"] for row in json.loads(cli("list", "--json").out)["claims"]]
    row = next(line for line in lines if line.startswith(f"{GAIN} "))
    assert row.split()[1:] == ["gain", "tydiqa", "em", "45.0", "→", "59.5"]


def test_show_tells_numbers_with_their_place(cli):
    """What a reader of the paper would want."""
    out = words(cli("show", GAIN).out)
    assert "difference: +14.5, arXiv 2010.12821, Table 16" in out
    assert "english: 59.5" in out
    assert "none by language: en 56.8" in out
    (claim,) = json.loads(cli("show", GAIN, "--json").out)["claims"]
    assert (claim["id"], claim["reported"]["effect"]["value"]) == (GAIN, 14.5)


def test_show_of_several_claims_is_one_document(cli):
    """A pattern may name more than one."""
    shown = json.loads(cli("show", "phang2020/*", "--json").out)["claims"]
    assert len(shown) == 22
    assert "─" * 80 in cli("show", "phang2020/tydiqa-*").out


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("tydiqa-english-gain", "SUBSTANTIAL: surely beyond +7.25, 50 % of the paper's."),
        ("panx-gain", "DIRECTION: surely below 0."),
        ("squad-average-gain", "DIRECTION: the whole interval of the difference is above 0."),
        (
            "tydiqa-many-gain",
            "DIRECTION: 5 of 9 alternatives are surely above none, with bounds at 95 % divided",
        ),
        ("xnli-none-gain", "every alternative is surely less than 2.0 points above none."),
        ("multi-task-best", "The order: multi-task > squad > none."),
        ("retrieval-gains-most", "group of targets: (bucc, tatoeba) > (xnli, pawsx,"),
    ],
)
def test_show_says_how_it_will_be_judged(cli, claim, said):
    """The rule of each kind, with this claim's numbers."""
    out = words(cli("show", f"phang2020/{claim}").out.replace("\N{NO-BREAK SPACE}", " "))
    assert said in out


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("best-average-gain", "for each target the best of: squad-v2, mnli, multi-task,"),
        ("no-better-multilingual", "(50 % of all steps) → each target, in English"),
        ("udpos-gain", "known inconsistency: the same paper's Table 7 needs 72.6"),
        ("xnli-gain", "80.4 in the README of multilingual-t5"),
    ],
)
def test_show_tells_recipes_doubts_and_second_numbers(cli, claim, said):
    """Nothing that the manifest knows is kept back."""
    out = words(cli("show", f"phang2020/{claim}").out.replace("\N{NO-BREAK SPACE}", " "))
    assert said in out


def test_plan_of_many_claims_has_a_row_for_each(cli):
    """Each alone, and all together with every stage once; a wall of stages is left to --json."""
    result = cli("plan", "phang2020/*", "--profile", "paper")
    lines = result.out.splitlines()
    table = lines[lines.index("") + 1 :]
    rows = {line.split()[0]: line.split()[1:] for line in table if line}
    assert {"tydiqa-english-gain", "best-average-gain", "xquad-gain-f1"} <= set(rows)
    together = next(line for line in table if line.startswith("all together")).split()[2:]
    added = int(
        next(line for line in table if line.startswith("added up")).split()[2].replace(",", "")
    )
    assert added > 3 * int(together[0].replace(",", ""))
    assert len(lines) < 60
    assert max(map(len, table[:24])) <= 80


def test_plan_json_has_the_work_of_each_claim(cli):
    """Tokens, operations, bytes and seconds; the whole is less than the sum."""
    document = json.loads(cli("plan", "phang2020/*", "--profile", "paper", "--json").out)
    alone = document["by_claim"]
    assert len(alone) == 22
    whole = document["to_do"]
    for key in ("stages", "tokens", "training_flops", "download_bytes", "disk_bytes"):
        assert max(one[key] for one in alone.values()) < whole[key] or key == "download_bytes"
        assert whole[key] < sum(one[key] for one in alone.values())
    assert whole["seconds"]["h100"] > 3600


def test_plan_tells_what_several_devices_would_gain(cli):
    """One takes all the time of the stages; no number of them less than the longest chain."""
    document = json.loads(cli("plan", "phang2020/*", "--profile", "paper", "--json").out)
    found = document["side_by_side"]["h100"]
    one, eight, many = (found["devices"][count] for count in ("1", "8", "64"))
    assert one == pytest.approx(document["to_do"]["seconds"]["h100"], abs=1)
    assert one / 8 < eight < one / 7
    assert eight > many >= found["longest_chain"] > 0
    lines = cli("plan", "phang2020/*", "--profile", "paper").out.splitlines()
    assert lines[-1].startswith("h100, several side by side: ")
