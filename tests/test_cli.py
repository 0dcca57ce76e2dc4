"""The command line: exit statuses, one paragraph for every expected error, JSON on demand."""

import json
import signal
import time

import pytest
from cli_runs import parted, start

from harness.artifacts import Store
from harness.cli import harness

GAIN = "phang2020/tydiqa-english-gain"
NO_BETTER = "phang2020/tydiqa-no-better-multilingual"
TYDIQA = (GAIN, f"{GAIN}-f1", NO_BETTER)
VERBS = sorted(harness.commands)


def paragraph(result):
    """The one line on stderr of an expected error."""
    assert "Traceback" not in result.err
    lines = result.err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def ran(steer):
    """The fake stages that ran."""
    path = steer / "log"
    return path.read_text("utf-8").split() if path.exists() else []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(cli, verb):
    """The example is the verb itself."""
    result = cli(verb, "--help")
    assert result.status == 0
    assert f"Example: harness {verb}" in result.out


def test_help_lists_every_verb(cli):
    """With an example of the whole."""
    out = cli("--help").out
    assert "Example: harness reproduce" in out
    assert all(f"  {verb}" in out for verb in VERBS)


def test_the_version_is_told(cli):
    """One line."""
    from harness import __version__

    assert cli("--version").out.strip().endswith(__version__)


def test_validate_says_what_it_read(cli):
    """Counts, so that an empty folder is noticed."""
    result = cli("validate")
    assert (result.status, result.err) == (0, "")
    assert "1 papers, 22 claims" in result.out


def test_plan_is_json_on_demand(cli):
    """62 stages for three claims under mini, none cached (the count is derived in test_plan)."""
    document = json.loads(cli("plan", *TYDIQA, "--json").out)
    assert len(document["stages"]) == document["to_do"]["stages"] == 62
    assert {one["state"] for one in document["stages"]} == {"new"}
    assert document["to_do"]["seconds"]["this machine"] is None


def test_plan_says_what_is_cached(cli, steer):
    """After a run nothing is left to do, and this machine's speed is known."""
    cli("reproduce", GAIN, "--mirror", steer)
    document = json.loads(cli("plan", GAIN, "--json").out)
    assert {one["state"] for one in document["stages"]} == {"cached"}
    assert document["to_do"]["stages"] == 0
    assert document["to_do"]["seconds"]["this machine"] == 0.0
    assert "0 to run" in cli("plan", GAIN).out


def test_a_claim_that_reaches_its_rung_ends_with_0(cli, steer, tmp_path):
    """Seven right answers in ten instead of four: +30 points."""
    result = cli("reproduce", GAIN, "--mirror", steer, "--out", "run")
    assert (result.status, result.err) == (0, "")
    assert f"{GAIN}: DIRECTION (asked for: DIRECTION)" in result.out
    assert "37 stages run, 0 from the store." in result.out
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_second_run_takes_everything_from_the_store(cli, steer, tmp_path):
    """Same bytes, nothing trained."""
    cli("reproduce", GAIN, "--mirror", steer, "--out", "one")
    before = ran(steer)
    result = cli("reproduce", GAIN, "--mirror", steer, "--out", "two")
    assert "0 stages run, 37 from the store." in result.out
    assert ran(steer) == before
    for name in ("scores.json", "comparison.json", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_contradicted_claim_ends_with_10(cli, steer):
    """Three right answers fewer: -30 points."""
    (steer / "gain").write_text("-3", encoding="utf-8")
    result = cli("reproduce", GAIN, "--mirror", steer)
    assert result.status == 10
    assert f"{GAIN}: CONTRADICTED" in result.out


def test_an_inconclusive_claim_ends_with_11(cli, steer):
    """No difference, and an interval of 3.2 points either way around a margin of 2."""
    result = cli("reproduce", NO_BETTER, "--mirror", steer)
    assert result.status == 11
    assert f"{NO_BETTER}: INCONCLUSIVE" in result.out


def test_of_several_claims_the_worst_status_counts(cli, steer):
    """10 goes before 11 and 0."""
    (steer / "gain").write_text("-3", encoding="utf-8")
    assert cli("reproduce", *TYDIQA, "--mirror", steer).status == 10


def test_json_is_the_one_thing_on_stdout(cli, steer):
    """One document, with everything of the comparison."""
    result = cli("reproduce", GAIN, "--mirror", steer, "--json")
    document = json.loads(result.out)
    assert (result.status, result.err) == (0, "")
    assert document["comparisons"][GAIN]["verdict"]["rung"] == "DIRECTION"
    assert document["stages"] == {"made": 37, "cached": 0}
    assert document["failed"] == {}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["reproduce", "phang2020/tydiqa-englsh-gain"], 2, f"expected `{GAIN}`, perhaps"),
        (["plan", "nobody/*"], 2, "no claim of that name"),
        (["reproduce", GAIN, "--profile", "minni"], 2, "`mini`, perhaps"),
        (["reproduce", GAIN, "--protocol", "xtreme"], 2, "no protocol of that name"),
        (["reproduce", GAIN, "--seeds", "0"], 2, "expected 1 or more"),
        (["reproduce", GAIN, "--device", "tpu"], 2, "expected auto, cpu, cuda or cuda:N"),
        (["reproduce", GAIN, "--files", "squad"], 2, "expected NAME=DIR"),
        (["list", "--manifests", "none"], 2, "no such folder"),
        (["validate", "none"], 2, "no such folder"),
        (["validate", "--pins", "none.yaml"], 2, "No such file"),
        (["report", "none"], 2, "no comparison.json"),
        (["score", "--task", "x", "--language", "en", "--gold", "g", "--predictions", "p"], 2, "x"),
        (["reproduce", GAIN, "--mirror", "nonexistent"], 3, "harness fetch"),
        (["plan", GAIN, "--profile", "small", "--mirror", "nonexistent"], 3, "harness fetch"),
        (["reproduce", GAIN, "--device", "cuda"], 6, "no NVIDIA GPU on this machine"),
        (["plan", GAIN, "--device", "cuda:1"], 6, "no NVIDIA GPU on this machine"),
    ],
)
def test_an_expected_error_is_one_paragraph(cli, arguments, status, message):
    """Where, got, expected and the way out; no traceback, nothing on stdout."""
    result = cli(*arguments)
    assert (result.status, result.out) == (status, "")
    assert message in paragraph(result)
    assert paragraph(result).startswith("harness: ")


@pytest.mark.parametrize(
    "arguments",
    [["reproduce"], ["nonsense"], ["list", "--nonsense"], ["store", "burn"], ["plan", "x", "-q"]],
)
def test_a_wrong_command_line_ends_with_2(cli, arguments):
    """Click's own message."""
    result = cli(*arguments)
    assert (result.status, result.out) == (2, "")
    assert "Error: " in result.err
    assert "Traceback" not in result.err


def test_a_bad_manifest_names_file_line_and_key(cli, tmp_path):
    """Exit 2."""
    (tmp_path / "mine/profiles").mkdir(parents=True)
    (tmp_path / "mine/profiles/x.yaml").write_text("format: 1\nid: x\nsize: 3\n", encoding="utf-8")
    result = cli("validate", "mine")
    assert result.status == 2
    assert "x.yaml, line 3: size: got unknown key `size`" in paragraph(result)


def test_small_without_a_mirror_ends_before_any_work(cli):
    """Exit 3 with the way out; not even the packaged encoder was made."""
    result = cli("reproduce", GAIN, "--profile", "small")
    assert result.status == 3
    assert "harness fetch" in paragraph(result)
    assert result.out == (
        f"{GAIN}: INVALID (no verdict: data unavailable or refused)\n"
        "No report: no claim has a verdict.\n"
    )
    assert cli("store", "list").out.startswith("0 artifacts, ")


def test_a_failed_claim_is_told_in_json_too(cli, steer):
    """Still one document on stdout; the status is in it."""
    (steer / "checks").write_text("DataError", encoding="utf-8")
    result = cli("reproduce", GAIN, "--mirror", steer, "--json")
    document = json.loads(result.out)
    assert result.status == 3
    assert document["failed"][GAIN]["exit"] == 3
    assert (document["run"], document["comparisons"]) == (None, {})


def test_a_data_error_of_one_claim_leaves_the_others(cli, steer):
    """`intermediate` is needed by every claim; `predict` of none of the failed ones runs."""
    (steer / "intermediate").write_text("StageError", encoding="utf-8")
    result = cli("reproduce", *TYDIQA, "--mirror", steer)
    assert result.status == 4
    assert result.out.count("INVALID") == 3
    (steer / "intermediate").unlink()
    assert cli("reproduce", GAIN, "--mirror", steer).status == 0


def test_another_thing_at_out_is_not_touched(cli, steer, tmp_path):
    """Said before anything runs."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").write_text("cat", encoding="utf-8")
    result = cli("reproduce", GAIN, "--mirror", steer, "--out", "photos")
    assert result.status == 2
    assert "not a run folder" in paragraph(result)
    assert ran(steer) == []
    assert (tmp_path / "photos/cat.jpg").read_text("utf-8") == "cat"


def test_an_out_that_cannot_be_written_is_told_before_anything_runs(cli, steer, tmp_path):
    """Hours of training shouldn't end there."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = cli("reproduce", GAIN, "--mirror", steer, "--out", "file/run")
    assert result.status == 6
    assert "--out file/run: got" in paragraph(result)
    assert ran(steer) == []


def test_a_store_that_cannot_be_written_ends_with_6(cli, tmp_path):
    """A file stands where the store should be."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = cli("reproduce", GAIN, "--store", "file")
    assert result.status == 6
    assert "a file in the way" in paragraph(result)


def test_a_machine_error_of_a_stage_ends_with_6(cli, steer):
    """A full disk, say."""
    (steer / "predict").write_text("MachineError", encoding="utf-8")
    result = cli("reproduce", GAIN, "--mirror", steer)
    assert (result.status, result.out) == (6, "")
    assert "a fault" in paragraph(result)


def test_a_bug_keeps_its_traceback(cli, steer):
    """Ours to mend."""
    (steer / "predict").write_text("bug", encoding="utf-8")
    with pytest.raises(RuntimeError, match="a bug"):
        cli("reproduce", GAIN, "--mirror", steer)


def test_a_log_has_a_line_for_each_stage_that_ran(cli, steer):
    """At its end, with its time; a stage from the store has none, nor has a run with --json."""
    first = cli("reproduce", GAIN, "--mirror", steer)
    assert len(first.progress) == 37
    assert first.progress[0].startswith("1/37 encoder multilingual-e5-small: ")
    assert cli("reproduce", GAIN, "--mirror", steer).progress == ()
    assert cli("reproduce", NO_BETTER, "--mirror", steer, "--json").progress == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_ends_with_130_and_resumes(cli, steer, tmp_path, number):
    """One line, a sound store, and the same command goes on."""
    (steer / "finetune").write_text("sleep", encoding="utf-8")
    store = tmp_path / "store"
    process = start("reproduce", GAIN, "--mirror", steer, "--out", tmp_path / "run", store=store)
    while "finetune" not in ran(steer):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert parted(err)[0].strip() == (
        "harness: interrupted. What was finished is kept; the same command goes on."
    )
    (steer / "finetune").unlink()
    kept = Store(store)
    finished = list(kept.keys())
    assert finished
    assert all(kept.verify(key) == [] for key in finished)
    result = cli("reproduce", GAIN, "--mirror", steer, "--out", tmp_path / "run")
    assert f"{37 - len(finished)} stages run, {len(finished)} from the store." in result.out


def test_store_lists_and_verifies(cli, steer):
    """Every artifact with its stage; every file as recorded."""
    cli("reproduce", GAIN, "--mirror", steer)
    *rows, total = cli("store", "list").out.splitlines()
    assert len(rows) == 37
    assert rows[0].split()[1] == "encoder"
    assert rows[-1].split()[1:2] + rows[-1].split()[-1:] == ["compare", "tydiqa-english-gain"]
    assert total.startswith("37 artifacts, ")
    assert cli("store", "verify").out == "37 artifacts, every file as recorded\n"


def test_a_damaged_store_ends_with_5_and_gc_mends_it(cli, steer, tmp_path):
    """A flipped bit is found; gc drops the artifact; the next run makes it again."""
    cli("reproduce", GAIN, "--mirror", steer)
    store = Store(tmp_path / "store")
    key = next(key for key in store.keys() if store.meta(key)["stage"] == "predict")  # noqa: SIM118
    path = store.get(key) / "predictions" / "en.jsonl"
    path.write_bytes(path.read_bytes().replace(b"yes", b"yet", 1))
    result = cli("store", "verify")
    assert result.status == 5
    assert f"{key[:12]}/predictions/en.jsonl: sha256 differs" in result.err
    assert "gc --broken" in result.err
    assert cli("store", "gc", "--broken", "--dry-run").out.startswith("would remove broken")
    assert cli("store", "gc", "--broken").out == f"removed broken artifact {key[:16]}\n"
    assert "1 stage run" in cli("reproduce", GAIN, "--mirror", steer).out
    assert cli("store", "verify").status == 0


def test_the_report_can_be_written_again(cli, steer, tmp_path):
    """It follows from comparison.json alone, byte for byte."""
    cli("reproduce", GAIN, "--mirror", steer, "--out", "run")
    path = tmp_path / "run" / "report.html"
    before = path.read_bytes()
    path.unlink()
    assert cli("report", "run").status == 0
    assert path.read_bytes() == before


def test_a_damaged_comparison_ends_with_5(cli, tmp_path):
    """Nothing is shown that no run computed."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/comparison.json").write_text('{"comparisons": [{}]}', encoding="utf-8")
    result = cli("report", "run")
    assert result.status == 5
    assert "expected the comparison that the run wrote" in paragraph(result)


def test_fetch_of_generated_data_needs_no_network(cli, tmp_path):
    """`mini` is generated and its encoder packaged: nothing to download."""
    assert cli("fetch", GAIN, "--to", "mirror").out == "Nothing to fetch for profile mini.\n"
    assert not (tmp_path / "mirror").exists()


def test_score_prints_the_official_metric(cli, tmp_path):
    """One of two answers right: 50 points."""
    qas = [{"id": i, "question": "?", "answers": [{"text": text}]} for i, text in ("ax", "by")]
    gold = {"version": "1.1", "data": [{"paragraphs": [{"context": "", "qas": qas}]}]}
    (tmp_path / "g.json").write_text(json.dumps(gold), encoding="utf-8")
    (tmp_path / "p.json").write_text(json.dumps({"a": "x", "b": "z"}), encoding="utf-8")
    arguments = ["score", "--task", "tydiqa", "--language", "en"]
    arguments += ["--gold", "g.json", "--predictions", "p.json"]
    assert cli(*arguments).out == "tydiqa en: EM 50.00, F1 50.00 (2 questions, squad_v1/1)\n"
    assert json.loads(cli(*arguments, "--json").out)["em"] == 50.0


def test_score_knows_every_target(cli, tmp_path):
    """Each reads its own form: labels, tags, pairs."""
    forms = {
        "xnli": ("neutral", "accuracy 100.00 (1 items, accuracy/1)"),
        "pawsx": ("1", "accuracy 100.00 (1 items, accuracy/1)"),
        "tatoeba": ("0", "accuracy 100.00 (1 items, accuracy/1)"),
        "udpos": ("VERB", "F1 100.00, precision 100.00, recall 100.00 (1 sentences, seqeval/1)"),
        "panx": ("I-LOC", "F1 100.00, precision 100.00, recall 100.00 (1 sentences, seqeval/1)"),
        "bucc": (
            "de-1\ten-1",
            "F1 100.00, precision 100.00, recall 100.00 (1 gold pairs, bucc_f1/1)",
        ),
    }
    for task, (line, said) in forms.items():
        (tmp_path / "f").write_text(line, encoding="utf-8")
        arguments = ["score", "--task", task, "--language", "de", "--gold", "f"]
        assert cli(*arguments, "--predictions", "f").out == f"{task} de: {said}\n"


def test_score_refuses_a_language_that_the_task_lacks(cli, tmp_path):
    """A number under a wrong name would be averaged with others."""
    (tmp_path / "f").write_text("0", encoding="utf-8")
    files = ["--gold", "f", "--predictions", "f"]
    result = cli("score", "--task", "tatoeba", "--language", "en", *files)
    assert result.status == 2
    assert "task `tatoeba`: got language `en`; expected one of af, ar" in paragraph(result)


def test_score_says_that_a_repeated_pair_counts_once(cli, tmp_path):
    """As the official script counts."""
    (tmp_path / "g").write_text("a\tb", encoding="utf-8")
    (tmp_path / "p").write_text("a\tb\na\tb", encoding="utf-8")
    files = ["--gold", "g", "--predictions", "p"]
    result = cli("score", "--task", "bucc", "--language", "de", *files)
    assert result.out.endswith("(1 gold pairs, bucc_f1/1, 1 repeated lines not counted)\n")
