"""`harness verify`: any change to a run folder is found and named, forged hashes or not."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from run_folders import derive_again, edit, edit_row, file_names, make_run, rehash
from tiny_manifests import CLAIM

from harness.errors import UsageError
from harness.evidence import ATTESTATION
from harness.evidence.attestation import attest, private_key
from harness.gold import gold_line, read_gold
from harness.metrics.families import Language, score_language
from harness.records import (
    ChoiceExample,
    Comparison,
    LabelPrediction,
    PairExample,
    PairPrediction,
    Sentence,
    TagExample,
    TagPrediction,
)
from harness.run_files import RunFiles
from harness.run_folder import PARTS
from harness.verification.again import Again
from harness.verification.checks import CHECKS, status, verify

FLIPS = 200
ROW = {"language": "de", "document": "d"}


def findings(run, brought=None):
    """Every line that verification would print."""
    return [str(one) for _, outcome in verify(run, brought or {}) for one in outcome.findings]


def named(run, *words):
    """Whether one finding has all of these words."""
    return any(all(word in line for word in words) for line in findings(run))


def test_a_sound_run_agrees_in_every_check(sound_run):
    """And no check looked at nothing."""
    checked = verify(sound_run, {})
    assert [outcome.findings for _, outcome in checked] == [[]] * len(CHECKS)
    assert status([outcome for _, outcome in checked]) == 0
    counts = {check.name: outcome.compared for check, outcome in checked}
    assert min(counts.values()) > 0
    # Two systems, two seeds, two languages, EM and F1.
    assert counts["scores"] == 16
    # The attestation stands outside run.json, which it is about.
    assert counts["files"] == len(list(file_names(sound_run))) - 1


KINDS = {
    "no_better": [
        ("claim/kind", "no_better"),
        ("claim/compare", {"alternatives": ["first"], "reference": "none"}),
        ("claim/reported", {}),
    ],
    "ordering": [
        ("claim/kind", "ordering"),
        ("claim/compare", {"order": ["first", "none"]}),
        ("claim/reported", {}),
    ],
    "aggregate": [
        ("claim/kind", "aggregate"),
        ("claim/metric", "score"),
        ("claim/targets", ["target", "second"]),
        ("tasks/second/title", "Second"),
        ("tasks/second/family", "extractive_qa"),
        ("tasks/second/scorer", "squad_v1"),
        ("tasks/second/languages", ["en", "ru"]),
        (
            "tasks/second/train",
            {"dataset": "questions", "configs": ["all"], "split": "train", "languages": ["ru"]},
        ),
        ("tasks/second/evaluation", {"dataset": "questions", "configs": ["all"], "split": "dev"}),
    ],
    "best_of": [
        ("claim/systems/second", {"label": "Second", "intermediate": {"tasks": ["target"]}}),
        ("claim/systems/best", {"label": "Best", "best_of": ["first", "second"]}),
        ("claim/compare", {"treatment": "best", "baseline": "none"}),
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_claim_is_made_again(tmp_path, kind):
    """Several alternatives, adjacent pairs, several tasks, and the best of several systems."""
    assert findings(make_run(tmp_path, *KINDS[kind])) == []


def test_every_single_bit_is_found_and_its_file_named(a_run):
    """200 random flips, one at a time, over all files."""
    draw = random.Random(20201104)
    names = [*file_names(a_run), "run.json"]
    missed = []
    for _ in range(FLIPS):
        name = draw.choice(names)
        before = (a_run / name).read_bytes()
        place, bit = draw.randrange(len(before)), draw.randrange(8)
        changed = bytearray(before)
        changed[place] ^= 1 << bit
        (a_run / name).write_bytes(changed)
        # One check finds them all; the others are left out, to be quick.
        if not any(name in line for line in file_findings(a_run)):
            missed.append((name, place, bit))
        (a_run / name).write_bytes(before)
    assert missed == []
    assert file_findings(a_run) == []


def file_findings(run):
    """What the checks of the files, of run.json and of the attestation find."""
    from harness.verification.checks import outcome_of

    again = Again(RunFiles(run), {}, Path())
    names = ("files", "run.json", "attestation")
    found = [outcome_of(check, again) for check in CHECKS if check.name in names]
    return [str(one) for outcome in found for one in outcome.findings]


def test_a_file_more_or_less_is_named(a_run):
    """Neither may come or go unseen."""
    (a_run / "gold" / "notes.txt").write_text("mine", encoding="utf-8")
    (a_run / "report.html").unlink()
    found = findings(a_run)
    assert "gold/notes.txt: not in run.json" in found
    assert "report.html: missing, though run.json names it" in found


def prediction(run):
    """The path of some system's predictions in Russian."""
    return sorted(run.glob("predictions/*/ru.jsonl"))[0]


def comparison(run, change):
    """Change comparison.json and redo all that follows from it."""
    edit(run / "comparison.json", lambda document: change(document["comparisons"][0]))
    derive_again(run)


def test_a_forged_prediction_is_named_by_its_scores(a_run):
    """With every hash redone, its scores no longer follow from it, nor what follows from them."""
    edit_row(prediction(a_run), 9, text="yes")
    rehash(a_run)
    assert named(a_run, CLAIM, "seed", "target ru, em", "recorded", "made again")
    assert not named(a_run, "target en, em")


def test_a_forged_score_is_named(a_run):
    """Only that score, for what follows from the predictions is as recorded."""
    comparison(a_run, lambda one: one["systems"][0]["scores"][0].update(value=99.0))
    (line,) = findings(a_run)
    assert line.startswith(f"{CLAIM}: none, seed 0, target en, em: value recorded 99.0, made again")


def test_a_forged_estimate_is_named(a_run):
    """The effect of the pair."""
    comparison(a_run, lambda one: one["effects"][0]["same_items"].update(lower=29.5))
    (line,) = findings(a_run)
    assert line.startswith(f"{CLAIM}: effect of first, none: same_items lower recorded 29.5")


def test_a_forged_verdict_is_named(a_run):
    """The rung that the rule gives is said beside it."""
    comparison(a_run, lambda one: one["verdict"].update(rung="CONTRADICTED"))
    (line,) = findings(a_run)
    expected = f"{CLAIM}: verdict: rung recorded “CONTRADICTED”, made again “DIRECTION”"
    assert line == expected


def test_a_forged_gold_answer_is_named_by_the_scores(a_run):
    """What was right by the answers of the run is wrong by these."""
    (gold,) = a_run.glob("gold/*/en.jsonl")
    edit_row(gold, 0, answers=["never"])
    rehash(a_run)
    for system in ("none", "first"):
        assert named(a_run, f"{system}, seed 1, target en, em")


def test_a_forged_training_is_named(a_run):
    """A loss that the training's own record doesn't have."""
    comparison(a_run, lambda one: one["training"][0].update(loss=[[1, 0.5]]))
    assert named(a_run, CLAIM, "training", "loss")


def test_a_forged_page_is_named(a_run):
    """The report says what its comparison says, and nothing else."""
    report = a_run / "report.html"
    report.write_text(report.read_text("utf-8").replace("DIRECTION", "QUANTITATIVE"), "utf-8")
    rehash(a_run)
    (line,) = findings(a_run)
    assert line.startswith("report.html: isn't what comparison.json gives, from line")


def test_a_forged_rule_is_named_by_what_was_judged_by_it(a_run):
    """With every key redone too: the estimates were made with another prior."""

    def prior(document):
        *_, last = document["stages"]
        last["config"]["comparison"]["claim"]["verdict"]["tau0"] = 0.1
        old = last["key"]
        last["key"] = (
            RunFiles(a_run)
            .stages.by_key[old]
            .model_copy(update={"config": last["config"]})
            .identity()
        )
        edit(a_run / "run.json", lambda run: run["artifacts"].remove(old))
        edit(a_run / "run.json", lambda run: run["artifacts"].append(last["key"]))
        edit(a_run / "run.json", lambda run: run["claims"].update({CLAIM: last["key"]}))

    edit(a_run / "stages.json", prior)
    rehash(a_run)
    assert named(a_run, CLAIM, "effect of first, none", "standard_error")
    assert not named(a_run, "stages.json")


def test_a_changed_configuration_is_named_by_its_key(a_run):
    """A key is the digest of all that a stage is made of."""

    def rate(document):
        (one, *_) = [one for one in document["stages"] if one["stage"] == "finetune"]
        one["config"]["parts"][0]["settings"]["learning_rate"] = 1e-3

    edit(a_run / "stages.json", rate)
    rehash(a_run)
    assert named(a_run, "stages.json, finetune", "key isn't the digest")


def test_a_claim_that_the_manifest_words_otherwise_is_noted(a_run):
    """Older, or forged with all that follows from it: a reader should know."""
    name = "phang2020/tydiqa-english-gain"

    def rename(document):
        document["stages"][-1]["config"]["comparison"]["claim_id"] = name

    edit(a_run / "stages.json", rename)
    outcomes = {check.name: outcome for check, outcome in verify(a_run, {})}
    notes = [str(one) for one in outcomes["claims"].notes]
    assert any(one.startswith(f"{name}: reported effect value is 10.0 in the run") for one in notes)


def test_other_bytes_of_the_same_values_are_named(a_run):
    """White space, or a line that a run would have written otherwise."""
    text = (a_run / "scores.json").read_text("utf-8")
    (a_run / "scores.json").write_text(text.replace('": ', '" : '), "utf-8")
    path = prediction(a_run)
    path.write_text(path.read_text("utf-8").replace('": ', '" : '), "utf-8")
    rehash(a_run)
    assert named(a_run, "scores.json: isn't what comparison.json gives, from line 2")
    assert named(a_run, f"{path.parent.name}/ru.jsonl, line 1", "another form")


@pytest.fixture
def keys(tmp_path):
    """Files of a private key and of two public ones, the first its own."""
    pairs = [Ed25519PrivateKey.generate() for _ in range(2)]
    (tmp_path / "key.pem").write_bytes(
        pairs[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    paths = [tmp_path / "key.pem"]
    for number, pair in enumerate(pairs):
        paths.append(tmp_path / f"{number}.pub")
        public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        paths[-1].write_bytes(public)
    return paths


def test_a_signature_is_checked_with_its_key(a_run, keys):
    """The signer's key agrees, another doesn't, and without one that is noted."""
    private, own, other = keys
    attest(a_run, private_key(private))
    assert status([outcome for _, outcome in verify(a_run, {}, key=own)]) == 0
    wrong = [str(one) for _, what in verify(a_run, {}, key=other) for one in what.findings]
    assert wrong == ["attestation.intoto.json: not signed by this key, or changed since"]
    notes = {check.name: what.notes for check, what in verify(a_run, {})}["attestation"]
    assert [one.text for one in notes] == [
        "signed; by whom is only checked with --key FILE, the signer's public key"
    ]


def test_a_key_is_asked_for_where_nobody_signed(a_run, keys):
    """Whoever has the signer's key wants a signature."""
    found = [str(one) for _, what in verify(a_run, {}, key=keys[1]) for one in what.findings]
    assert found == ["attestation.intoto.json: not signed"]


def test_what_only_a_signature_shows(a_run, keys):
    """A forged prediction agrees where all that follows from it was made again with care.

    docs/verify.md says so, and so does what `verify` prints.
    """
    edit_row(prediction(a_run), 9, text="yes")
    scratch = a_run.parent / "scratch"
    scratch.mkdir()
    (stage,) = RunFiles(a_run).stages.compared
    made = Comparison.model_validate(Again(RunFiles(a_run), {}, scratch).comparison(stage))
    attest(a_run, private_key(keys[0]))
    signed = (a_run / ATTESTATION).read_bytes()
    comparison(a_run, lambda one: one.update(made.model_dump(mode="json")))
    assert findings(a_run) == []
    (a_run / ATTESTATION).write_bytes(signed)
    found = [str(one) for _, what in verify(a_run, {}, key=keys[1]) for one in what.findings]
    assert "run.json: sha256 differs from the attested one" in found


@pytest.fixture(scope="module")
def licensed(tmp_path_factory):
    """A run on rows that the user brought, and the folder with them."""
    files = tmp_path_factory.mktemp("files")
    rows = {"train.json": ["english", "russian"], "dev.json": ["english", "russian"]}
    for name, languages in rows.items():
        write_questions(files / name, languages)
    changes = []
    for name in ("questions", "parallel"):
        changes += [
            (f"datasets/{name}/kind", "files"),
            (f"datasets/{name}/repo", None),
            (f"datasets/{name}/revision", None),
        ]
    split = {"sha256": None, "rows": 20}
    spread = {"languages": {"en": 10, "ru": 10}}
    changes += [
        ("datasets/questions/configs/all/train", {**split, **spread, "file": "train.json"}),
        ("datasets/questions/configs/all/dev", {**split, **spread, "file": "dev.json"}),
        ("datasets/parallel/configs/p.de/train", {**split, "file": "train.json"}),
        ("datasets/parallel/configs/p.fr/train", {**split, "file": "train.json"}),
        ("tasks/other/train/configs", ["p.de"]),
    ]
    folder = tmp_path_factory.mktemp("licensed")
    return make_run(folder, *changes, files=files, real=("dataset", "examples")), files


def write_questions(path, languages):
    """Ten questions in each language, all with the answer `yes`, in SQuAD's form."""
    articles = [
        {"title": f"{one}-{n}", "paragraphs": [{"context": "yes", "qas": [question(one, n)]}]}
        for one in languages
        for n in range(10)
    ]
    path.write_text(json.dumps({"version": "1.1", "data": articles}), encoding="utf-8")


def question(language, number):
    """One of them."""
    answers = [{"text": "yes", "answer_start": 0}]
    return {"id": f"{language}-{number}", "question": "Is it?", "answers": answers}


def test_licensed_gold_is_said_not_to_be_checked(licensed):
    """Its scores are checked against what was scored item by item, and all that follows too."""
    checked = verify(licensed[0], {})
    outcomes = {check.name: outcome for check, outcome in checked}
    assert [one.findings for one in outcomes.values()] == [[]] * len(CHECKS)
    assert [str(one) for one in outcomes["scores"].lacking] == [
        "gold of questions: licensed: the folder holds its digest, and what was scored item by "
        "item; with `--files questions=DIR` its scores are made again too"
    ]
    assert status(list(outcomes.values())) == 3


def test_licensed_gold_that_is_brought_is_read_again(licensed):
    """From the user's own copy, by the stages that read it in the run."""
    run, files = licensed
    checked = verify(run, {"questions": files})
    assert [outcome.findings + outcome.lacking for _, outcome in checked] == [[]] * len(CHECKS)


def test_another_copy_of_licensed_data_is_named(licensed, tmp_path):
    """The digest is of other rows."""
    run, _ = licensed
    for name in ("train.json", "dev.json"):
        write_questions(tmp_path / name, ["russian", "english"])
    found = [str(one) for _, what in verify(run, {"questions": tmp_path}) for one in what.findings]
    (digest,) = run.glob("gold/*/digest.json")
    expected = f"gold/{digest.parent.name}/digest.json: the digest of other rows"
    assert any(line.startswith(expected) for line in found)


def test_forged_scores_of_licensed_rows_are_named(licensed, tmp_path):
    """Where the answers aren't there, these still are."""
    run = Path(shutil.copytree(licensed[0], tmp_path / "run"))
    comparison(run, lambda one: one["systems"][0]["scores"][0].update(value=99.0))
    assert named(run, f"{CLAIM}: none, seed 0, target en, em: value recorded 99.0")
    items = sorted(run.glob("material/*/items.jsonl"))[0]
    edit_row(items, 0, values={"em": 0.0, "f1": 0.0, "score": 0.0})
    rehash(run)
    assert named(run, f"material/{items.parent.name}/scores.json", "the mean of items.jsonl")


HOSTILE = {
    "a name that leaves the folder": (
        '"files": {',
        '"files": {"../../etc/passwd": "' + "0" * 64 + '",',
    ),
    "an absolute name": ('"files": {', '"files": {"/etc/passwd": "' + "0" * 64 + '",'),
    "a zero byte in a name": ('"files": {', '"files": {"a\\u0000b": "' + "0" * 64 + '",'),
    "deep nesting": ('"profile": "quick"', '"profile": ' + "[" * 100_000 + "]" * 100_000),
    "no number": ('"format": 1', '"format": NaN'),
    "too large a number": ('"format": 1', '"format": 1e999'),
    "another type": ('"profile": "quick"', '"profile": {"quick": []}'),
    "another field": ('"format": 1', '"format": 1, "more": 1'),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_run_json_is_a_finding(a_run, what):
    """Never a traceback, and nothing outside the folder is read."""
    old, new = HOSTILE[what]
    text = (a_run / "run.json").read_text("utf-8")
    (a_run / "run.json").write_text(text.replace(old, new, 1), "utf-8")
    assert any(line.startswith(("run.json", "../", "/etc", "a\0b")) for line in findings(a_run))


@pytest.mark.parametrize("name", ["comparison.json", "stages.json", "provenance.json", "run.json"])
@pytest.mark.parametrize("text", ["", '{"format": 1}', "\ud800", "[" * 100_000])
def test_a_document_of_another_shape_is_a_finding(a_run, name, text):
    """Empty, of another type, without its fields, no Unicode, no JSON."""
    (a_run / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    assert named(a_run, name)


def test_links_and_pipes_are_not_followed(a_run):
    """A link could show a file of the machine that verifies; a pipe would never end."""
    path = prediction(a_run)
    path.unlink()
    path.symlink_to("/etc/passwd")
    os.mkfifo(a_run / "gold" / "pipe")
    (a_run / "material" / "up").symlink_to("..")
    found = findings(a_run)
    where = path.relative_to(a_run).as_posix()
    assert f"{where}: a symbolic link: it is not followed" in found
    assert "material/up: a symbolic link: it is not followed" in found
    assert "gold/pipe: no ordinary file: it is not followed" in found


def test_no_folder_is_a_wrong_command(tmp_path):
    """Not a failed verification."""
    with pytest.raises(UsageError, match="no such folder"):
        verify(tmp_path / "nowhere", {})


def test_an_empty_folder_has_no_run_json(tmp_path):
    """Which is what is said."""
    assert "run.json: no such file; expected a part of every run folder" in findings(tmp_path)


def test_the_command_prints_a_table_and_a_line_for_each_finding(cli, a_run):
    """Exit status 5; what no check shows is said too."""
    (a_run / "provenance.json").unlink()
    done = cli("verify", a_run)
    assert done.status == 5
    assert "differs: provenance.json: missing, though run.json names it\n" in done.err
    assert "only another run or a signature shows" in done.out
    assert "1 differ" in done.out


def test_the_command_agrees_with_a_sound_run(cli, sound_run):
    """Exit status 0; that no manifest here has the claim is only noted."""
    done = cli("verify", sound_run)
    assert done.status == 0
    assert done.err == f"note: {CLAIM}: no manifest here has this claim (--manifests DIR)\n"
    assert "All agrees." in done.out


def test_json_is_one_document(cli, a_run):
    """With every check, what it compared and found."""
    prediction(a_run).unlink()
    done = cli("verify", a_run, "--json")
    document = json.loads(done.out)
    assert (done.status, done.err, document["agrees"]) == (5, "", False)
    assert [one["name"] for one in document["checks"]] == [one.name for one in CHECKS]
    subjects = [one["subject"] for one in document["checks"][0]["findings"]]
    assert subjects == [f"predictions/{sorted(subjects)[0].split('/')[1]}/ru.jsonl"]


def test_verification_loads_no_training_library(sound_run):
    """It works where neither torch nor a GPU is: on a reviewer's laptop."""
    script = (
        "import sys; from harness.cli import main\ntry: main()\n"
        "finally: print(*{'torch', 'transformers', 'datasets'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "verify", str(sound_run)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""


def test_a_copy_elsewhere_agrees_too(sound_run, tmp_path):
    """Nothing of a run folder depends on where it lies; read-only is enough."""
    copied = Path(shutil.copytree(sound_run, tmp_path / "some where"))
    for path in copied.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert findings(copied) == []
    for path in copied.rglob("*"):
        path.chmod(0o755)


ROWS = {
    "classification": (
        "accuracy",
        [PairExample(first="a", second="b", label=one, **ROW, id=one) for one in ("no", "yes")],
        [LabelPrediction(id=one, label="yes", logits=(0.0, 1.0)) for one in ("no", "yes")],
    ),
    "multiple_choice": (
        "accuracy",
        [
            ChoiceExample(
                context="a", question="b", choices=("c", "d"), label=one, **ROW, id=f"{one}"
            )
            for one in (0, 1)
        ],
        [LabelPrediction(id=one, label="1", logits=(0.0, 1.0)) for one in ("0", "1")],
    ),
    "tagging": (
        "seqeval",
        [
            TagExample(words=("a", "b"), tags=tags, **ROW, id="-".join(tags))
            for tags in (("B-PER", "O"), ("B-LOC", "I-LOC"))
        ],
        [
            TagPrediction(id="B-PER-O", tags=("B-PER", "B-PER")),
            TagPrediction(id="B-LOC-I-LOC", tags=("B-LOC", "O")),
        ],
    ),
    "retrieval": (
        "bucc_f1",
        [
            Sentence(side="foreign", text="a", mates=("e1",), **ROW, id="f1"),
            Sentence(side="foreign", text="b", mates=("e2",), **ROW, id="f2"),
            Sentence(side="foreign", text="c", mates=(), **ROW, id="f3"),
            Sentence(side="english", text="d", mates=("f1",), **ROW, id="e1"),
            Sentence(side="english", text="e", mates=("f2",), **ROW, id="e2"),
        ],
        [
            PairPrediction(id="f1", mate="e1", score=1.3),
            PairPrediction(id="f3", mate="e2", score=1.2),
            PairPrediction(id="e2", mate="f2", score=1.1),
        ],
    ),
}


@pytest.mark.parametrize("family", ROWS)
def test_gold_scores_as_the_examples_that_it_was_made_of(family):
    """Item by item, linearised values and the threshold of mined pairs too."""
    scorer, examples, predictions = ROWS[family]
    gold = [read_gold(json.loads(gold_line(one, family)), family, "de") for one in examples]
    scored = [
        score_language(
            family,
            Language(
                scorer=scorer, labels=(), language="de", examples=rows, predictions=predictions
            ),
        )
        for rows in (examples, gold)
    ]
    assert scored[0].values == scored[1].values
    assert scored[0].figures == scored[1].figures
    documents = [[one.document for one in half.items] for half in scored]
    assert documents[0] == documents[1]


def test_the_manual_names_every_part_and_check():
    """docs/verify.md."""
    text = (Path(__file__).parent.parent / "docs" / "verify.md").read_text("utf-8")
    for name in (*(part.name for part in PARTS), "run.json"):
        assert re.search(rf"^\| .*`{re.escape(name)}/?`.* \|", text, re.M), name
    for check in CHECKS:
        assert f"| {check.name} |" in text
