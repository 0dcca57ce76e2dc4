"""Bad input at the command line: one clear paragraph, the right status, nothing trained or lost.

The stages that read data are the real ones, on a mirror of a few questions; training is faked.
"""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import yaml
from small_mirror import (
    ARABIC,
    PROFILE,
    TRAIN,
    TYDIQA,
    VALIDATION,
    XQUAD,
    entry,
    place,
    read_yaml,
    rows,
    sound,
    write_mirror,
    write_yaml,
)

from harness.artifacts import Store
from harness.canonical import file_sha256
from harness.resources import resource_dir
from harness.stages import contract
from harness.worker import checked_input

GAIN = "phang2020/tydiqa-english-gain"
NO_BETTER = "phang2020/tydiqa-no-better-multilingual"
CLAIMS = (GAIN, f"{GAIN}-f1", NO_BETTER)
REAL = {name: f"harness.stages.{name}:run" for name in ("dataset", "checks", "examples")}


@pytest.fixture
def cli(cli, monkeypatch):
    """`harness ARGUMENTS`, reading data in earnest."""
    stages = [replace(one, run=REAL.get(one.name, one.run)) for one in contract.STAGES]
    monkeypatch.setattr(contract, "STAGES", tuple(stages))
    return cli


@pytest.fixture
def mirror(tmp_path):
    """A sound mirror."""
    write_mirror(tmp_path / "mirror", sound())
    return tmp_path / "mirror"


@pytest.fixture
def reproduce(cli, mirror, tmp_path):
    """`harness reproduce CLAIM ...` on the mirror, with the profile of a few questions."""
    mine = tmp_path / "mine"
    (mine / "profiles").mkdir(parents=True)
    (mine / "profiles/few.yaml").write_text(PROFILE, encoding="utf-8")

    def run(*arguments):
        given = ["--manifests", mine, "--profile", "few", "--mirror", mirror, "--out", "run"]
        return cli("reproduce", *(arguments or (GAIN,)), *given)

    return run


def changed(split, edit):
    """The sound data with one split's rows edited."""
    held = sound()
    held[split] = edit(held[split])
    return held


def refusal(result, tmp_path, status=3):
    """The paragraph; asserts that nothing but data was made, no report, no traceback."""
    assert result.status == status
    assert result.out == (
        f"{GAIN}: INVALID (no verdict: data unavailable or refused)\n"
        "No report: no claim has a verdict.\n"
    )
    (line,) = result.err.splitlines()
    assert line.startswith("harness: ")
    store = Store(tmp_path / "store")
    made = {store.meta(key)["stage"] for key in store.keys()}  # noqa: SIM118
    assert made <= {"encoder", "dataset", "checks", "examples"}
    assert not (tmp_path / "run").exists()
    return line


def test_the_sound_mirror_runs(reproduce):
    """So that every refusal below is about its own damage."""
    result = reproduce()
    assert result.err == ""
    assert "stages run, 0 from the store." in result.out


def first(**changes):
    """An edit of the first row."""

    def edit(held):
        return [{**held[0], **changes}, *held[1:]]

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            first(answers={"text": [], "answer_start": []}),
            "data set tydiqa, split train, check answered: got 1 of 8 rows (e.g. english-0-0",
        ),
        (
            first(answers={"text": ["London"], "answer_start": [0]}),
            "check answers_in_context: got 1 answers that occur nowhere in their context "
            "(e.g. english-0-0: London)",
        ),
        (first(id="english-1-0"), "check ids_unique: got 2 of 8 rows (e.g. english-1-0"),
        (first(context=""), "check not_blank.context: got 1 of 8 rows (e.g. english-0-0"),
        (first(question=" "), "check not_blank.question: got 1 of 8 rows"),
        (
            first(answers={"text": ["Paris", "is"], "answer_start": [0]}),
            "check answer_lists: got 1 of 8 rows",
        ),
        (
            first(id="klingon-0-0"),
            "data set tydiqa, secondary_task/train, language rule: got id 'klingon-0-0'",
        ),
        (first(id=None), "secondary_task/train, language rule: got id None"),
        (
            lambda held: [],
            "data set tydiqa, secondary_task/train: got no row in en; expected at least one",
        ),
        (
            lambda held: [{**row, "id": n} for n, row in enumerate(held)],
            "secondary_task/train, column `id`: got int64; expected string",
        ),
        (
            lambda held: [{**row, "answers": "Paris"} for row in held],
            "secondary_task/train, column `answers`: got string; expected struct<",
        ),
        (
            lambda held: [
                {name: row[name] for name in ("id", "question", "answers")} for row in held
            ],
            "got columns id, question, answers; expected context among them",
        ),
    ],
    ids=[
        *("no answer", "answer elsewhere", "same id", "no context", "no question"),
        *("unequal lists", "unknown language", "no id", "empty split"),
        *("ids are numbers", "answers are text", "no column"),
    ],
)
def test_bad_rows_are_refused_before_training(reproduce, mirror, tmp_path, edit, message):
    """The data set, the check, an example and the likely cause."""
    write_mirror(mirror, changed(TRAIN, edit))
    assert message in refusal(reproduce(), tmp_path)


def test_an_empty_evaluation_is_refused_before_training(reproduce, mirror, tmp_path):
    """No score can come of it."""
    write_mirror(mirror, changed(VALIDATION, lambda held: []))
    assert "secondary_task/validation: got no row" in refusal(reproduce(), tmp_path)


def flip(path):
    """Turn a bit in the middle."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip, "(mirror.yaml). The mirror is damaged"),
        (lambda path: path.unlink(), "got no such file; expected the file that mirror.yaml names"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "(mirror.yaml). The mirror is dam"),
    ],
    ids=["altered", "missing", "truncated"],
)
def test_a_damaged_file_is_refused_before_training(reproduce, mirror, tmp_path, damage, message):
    """Which file, what was found and what was promised."""
    damage(mirror / place(*TRAIN))
    line = refusal(reproduce(), tmp_path)
    assert f"harness: {mirror / place(*TRAIN)}: got " in line
    assert message in line


@pytest.mark.parametrize("keep", [0, 40, -9])
def test_a_truncated_file_with_a_true_hash_is_refused(reproduce, mirror, tmp_path, keep):
    """Whoever made the mirror hashed half a download."""
    path = mirror / place(*TRAIN)
    path.write_bytes(path.read_bytes()[:keep])
    document = read_yaml(mirror)
    entry(document, TRAIN)["sha256"] = file_sha256(path)
    write_yaml(mirror, document)
    assert "expected a whole Parquet file. Fetch" in refusal(reproduce(), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, f"expected sha256 {'0' * 64} (mirror.yaml)"),
        ({"rows": 99}, "got 8 rows; expected 99 rows (mirror.yaml)"),
        ({"languages": {"english": 9}}, "check row_count: got 8; expected 9"),
        ({"file": "datasets/elsewhere.parquet"}, "elsewhere.parquet: got no such file"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_mirror_that_promises_more_than_it_holds(reproduce, mirror, tmp_path, change, message):
    """mirror.yaml was edited, or belongs to another folder."""
    document = read_yaml(mirror)
    entry(document, TRAIN).update(change)
    write_yaml(mirror, document)
    assert message in refusal(reproduce(), tmp_path)


def test_a_language_that_the_mirror_only_promises(reproduce, mirror, tmp_path):
    """It is counted before anything is trained."""
    document = read_yaml(mirror)
    entry(document, VALIDATION)["languages"]["bengali"] = 4
    write_yaml(mirror, document)
    assert "check row_count: got 8; expected 12" in refusal(reproduce(), tmp_path)


def test_a_mirror_of_another_revision(reproduce, mirror, tmp_path):
    """Told by the plan."""
    document = read_yaml(mirror)
    document["datasets"][TYDIQA]["revision"] = "1" * 40
    write_yaml(mirror, document)
    assert f"mirror.yaml: {TYDIQA}: got revision {'1' * 40}" in refusal(reproduce(), tmp_path)


def test_bytes_that_are_not_the_pinned_ones(reproduce, mirror, tmp_path):
    """A mirror that calls itself complete must have the pin's sha256, whatever it says."""
    pins = yaml.safe_load((resource_dir("manifests") / "pins.yaml").read_text("utf-8"))
    pins["datasets"]["tydiqa"]["configs"]["secondary_task"]["train"]["sha256"] = "a" * 64
    (tmp_path / "mine/pins.yaml").write_text(yaml.safe_dump(pins), encoding="utf-8")
    document = read_yaml(mirror)
    document["datasets"][TYDIQA]["partial"] = False
    write_yaml(mirror, document)
    line = refusal(reproduce(), tmp_path)
    assert f"expected {'a' * 64}, as tydiqa is pinned" in line


def test_categories_are_no_text(reproduce, mirror, tmp_path):
    """A column of categories, as pandas writes them."""
    table = pq.read_table(mirror / place(*TRAIN))
    index = table.column_names.index("question")
    table = table.set_column(index, "question", table["question"].dictionary_encode())
    write_mirror(mirror, {**sound(), TRAIN: table})
    assert "column `question`: got dictionary<" in refusal(reproduce(), tmp_path)


def test_a_claim_without_its_data_leaves_the_others(reproduce, mirror, tmp_path):
    """The mirror lacks Arabic XQuAD: one claim is refused, two run, and 3 goes before 10 and 11."""
    held = sound()
    del held[ARABIC]
    write_mirror(mirror, held)
    result = reproduce(*CLAIMS)
    assert result.status == 3
    assert f"{NO_BETTER}: INVALID (no verdict: data unavailable or refused)\n" in result.out
    assert f"{GAIN}: " in result.out
    assert "Report: run/report.html (without the 1 INVALID)\n" in result.out
    assert result.err == (
        f"harness: {NO_BETTER}: mirror: xquad: got no xquad.ar validation; expected the rows that "
        "the claim needs. Fetch them with `harness fetch`, or name another --mirror.\n"
    )
    run = json.loads((tmp_path / "run/run.json").read_bytes())
    assert set(run["claims"]) == {GAIN, f"{GAIN}-f1"}


def test_failures_and_results_are_one_json_document(reproduce, mirror):
    """What failed says where, what and why; the others have their comparison."""
    held = sound()
    del held[ARABIC]
    write_mirror(mirror, held)
    result = reproduce(*CLAIMS, "--json")
    document = json.loads(result.out)
    assert result.status == 3
    assert list(document["failed"]) == [NO_BETTER]
    assert document["failed"][NO_BETTER]["got"] == "no xquad.ar validation"
    assert set(document["comparisons"]) == {GAIN, f"{GAIN}-f1"}


def test_one_reason_is_told_once(reproduce, mirror):
    """Three claims read the same damaged file."""
    flip(mirror / place(*TRAIN))
    result = reproduce(*CLAIMS)
    assert result.out.count(": INVALID (") == 3
    (line,) = result.err.splitlines()
    assert line.startswith(f"harness: {mirror / place(*TRAIN)}: got sha256 ")


def test_a_reason_of_some_names_them(reproduce, mirror):
    """One claim of two reads Arabic."""
    flip(mirror / place(*ARABIC))
    result = reproduce(GAIN, NO_BETTER)
    assert result.err.startswith(f"harness: {NO_BETTER}: {mirror / place(*ARABIC)}: got sha256 ")


def test_an_earlier_report_is_not_taken_for_this_run(reproduce, mirror, tmp_path):
    """The old folder stays, and the last line says so."""
    reproduce()
    before = (tmp_path / "run/report.html").read_bytes()
    write_mirror(mirror, changed(TRAIN, first(context="")))
    result = reproduce()
    assert result.out.endswith("No report: no claim has a verdict. run is an earlier run's.\n")
    assert (tmp_path / "run/report.html").read_bytes() == before


def test_the_plan_tells_what_the_mirror_lacks(cli, mirror, reproduce):
    """The stages of the others on stdout, the refusal on stderr, status 3; in JSON both."""
    held = sound()
    del held[ARABIC]
    write_mirror(mirror, held)
    given = [*CLAIMS, "--manifests", "mine", "--profile", "few", "--mirror", mirror]
    result = cli("plan", *given)
    assert result.status == 3
    assert "to run" in result.out
    assert result.err.startswith(f"harness: {NO_BETTER}: mirror: xquad: got no xquad.ar")
    document = json.loads(cli("plan", *given, "--json").out)
    assert document["refused"][NO_BETTER]["got"] == "no xquad.ar validation"
    assert NO_BETTER not in document["claims"]


def test_a_plan_of_nothing_prints_no_stages(cli, mirror, reproduce):
    """Every claim is refused."""
    write_mirror(mirror, {TRAIN: rows("english-0-0")})
    result = cli("plan", GAIN, "--manifests", "mine", "--profile", "few", "--mirror", mirror)
    assert (result.status, result.out) == (3, "")
    assert XQUAD not in result.err
    assert "got no " in result.err


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("", 2, "mirror.yaml, line 1: the document: got nothing; expected keys and values"),
        ("format: 1\ndata: {}\n", 2, "line 2: data: got unknown key `data`; expected `datasets`"),
        ("format: 1\ndatasets: [\n", 2, "expected valid YAML"),
        ("\udcff", 2, "expected UTF-8 text"),
    ],
    ids=["empty", "unknown key", "syntax", "no text"],
)
def test_a_broken_mirror_yaml_names_the_line(reproduce, mirror, text, status, message):
    """It is a manifest like the others."""
    (mirror / "mirror.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    result = reproduce()
    assert (result.status, result.out) == (status, "")
    assert message in result.err


def made(tmp_path, stage, name):
    """A file of the first artifact of that stage, and the store."""
    store = Store(tmp_path / "store")
    keys = [key for key in store.keys() if store.meta(key)["stage"] == stage]  # noqa: SIM118
    return store, store.get(keys[0]) / name


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("compare", "comparison.json"),
        ("predict", "predictions/fi.jsonl"),
        ("finetune", "provenance.json"),
        ("score", "meta.json"),
    ],
)
def test_a_damaged_store_is_never_shown(reproduce, cli, tmp_path, stage, name):
    """A flipped bit in a verdict, say; the earlier report stays, and the way out works."""
    before = reproduce()
    report = (tmp_path / "run/report.html").read_bytes()
    _, path = made(tmp_path, stage, name)
    flip(path)
    result = reproduce()
    assert (result.status, result.out) == (5, "")
    assert name in result.err
    assert "gc --broken" in result.err
    assert (tmp_path / "run/report.html").read_bytes() == report
    cli("store", "gc", "--broken")
    assert reproduce().status == before.status


def test_a_damaged_input_is_never_read(reproduce, tmp_path):
    """The comparison has to be made anew, from examples that aren't what they were."""
    reproduce()
    store, comparison = made(tmp_path, "compare", "comparison.json")
    store.remove(comparison.parent.name)
    _, examples = made(tmp_path, "examples", "repairs.json")
    examples.write_bytes(b"{}")
    # The next command is another process, as a rule.
    checked_input.cache_clear()
    result = reproduce()
    assert result.status == 5
    assert f"{GAIN}: INVALID (no verdict: verification failed)" in result.out
    assert "repairs.json: sha256 differs" in result.err


GOLD = {"data": [{"paragraphs": [{"qas": [{"id": "1", "answers": [{"text": "cat"}]}]}]}]}


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ("{}", "1 questions without a prediction: 1"),
        ('{"1": "cat", "2": "dog"}', "unknown questions: 2"),
        ('{"1": "cat", "1": "dog"}', "the key `1` twice"),
        ('["cat"]', "expected an object {id: text}"),
        ("{", "expected JSON"),
    ],
    ids=["missed id", "unknown id", "id twice", "list", "syntax"],
)
def test_predictions_that_do_not_fit_have_no_score(cli, tmp_path, predictions, message):
    """A missing prediction isn't a wrong one; as JSON, too, it is a failure."""
    (tmp_path / "g.json").write_text(json.dumps(GOLD), encoding="utf-8")
    (tmp_path / "p.json").write_text(predictions, encoding="utf-8")
    arguments = ["score", "--task", "tydiqa", "--language", "en"]
    arguments += ["--gold", "g.json", "--predictions", "p.json"]
    result = cli(*arguments)
    assert (result.status, result.out) == (3, "")
    assert message in result.err
    document = json.loads(cli(*arguments, "--json").out)
    assert document["error"]["exit"] == 3
    assert message in document["error"]["message"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric: em", "metrics: em", "got unknown key `metrics`; expected `metric`, perhaps. The"),
        ("tau0: 2.5", "tau9: 2.5", "verdict.tau9: got unknown key `tau9`; expected only keys"),
        ("value: 14.5", "value: fourteen", "effect.value: got 'fourteen'; expected a valid number"),
        ("value: 14.5", "value: 15.5", "reported.effect: got 15.5; expected 14.50 (treatment minu"),
        (
            "      row: STiLTs minus XLM-R\n",
            "      rows: 3\n",
            "reported.effect.evidence.rows: got unknown key `rows`",
        ),
        (
            '      table: "16"\n      row: STiLTs',
            "      row: STiLTs",
            "reported.effect.evidence: got keys that don't fit together; expected evidence with a",
        ),
        ('      arxiv: "2010.12821"\n      table', "      table", "expected the key `arxiv`"),
        (
            '      arxiv: "2010.12821"\n      table',
            "      arxiv: 2010.12821\n      table",
            "got 2010.12821; expected a valid string. Put it into quotes.",
        ),
    ],
    ids=[
        *("unknown key", "unknown inner key", "wrong type", "wrong gain"),
        *("evidence key", "no place", "no paper", "unquoted"),
    ],
)
def test_a_bad_claim_is_refused_with_file_and_line(cli, tmp_path, old, new, message):
    """Exit 2 from any verb; nothing is planned."""
    folder = tmp_path / "mine/papers/phang2020"
    folder.mkdir(parents=True)
    ours = resource_dir("manifests") / "papers/phang2020"
    (folder / "paper.yaml").write_text((ours / "paper.yaml").read_text("utf-8"), encoding="utf-8")
    text = (ours / "tydiqa-english-gain.yaml").read_text("utf-8")
    assert old in text
    path = folder / "tydiqa-english-gain.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = cli("reproduce", GAIN, "--manifests", "mine")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("harness: mine/papers/phang2020/tydiqa-english-gain.yaml, line ")
    assert message in result.err


def test_a_folder_that_nothing_would_read_is_refused(cli, tmp_path):
    """A misspelt name, and a data set that is fetched and not brought."""
    for name in ("squad-transalted", "tydiqa"):
        result = cli("reproduce", GAIN, "--files", f"{name}={tmp_path}")
        assert (result.status, result.out) == (2, "")
        assert f"harness: data set to bring `{name}`: got no " in result.err
        assert "squad-translated" in result.err
