"""The workflows of .github: well-formed, pinned, and no more than they need to be allowed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GPU = ROOT / ".github" / "workflows" / "gpu.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HARDENED = ("--read-only", "--tmpfs /tmp", "--cap-drop ALL", "--security-opt no-new-privileges")

every = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path):
    """The workflow; `on` stays a string, as GitHub reads it."""
    return yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)


def steps(path):
    """Every step of every job."""
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def scripts(path):
    """The shell scripts of its steps."""
    return [step["run"] for step in steps(path) if "run" in step]


def commands(path, word):
    """The commands that start with `word`, each on one line."""
    joined = "\n".join(scripts(path)).replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if word in line]


@every
def test_they_fit_the_schema(path):
    """check-jsonschema has the schema with it, so this needs no network."""
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [tool, "--builtin-schema", "vendor.github-workflows", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_schema_check_sees_a_mistake(tmp_path):
    """A job without a runner is refused."""
    path = tmp_path / "wrong.yml"
    path.write_text("on: push\njobs:\n  one:\n    steps:\n      - run: make\n")
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [tool, "--builtin-schema", "vendor.github-workflows", path]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@every
def test_actions_are_pinned_by_commit(path):
    """A tag can be moved to other code, a commit can't; its version stands beside it."""
    used = re.findall(r"uses: *(.*)", path.read_text("utf-8"))
    assert used
    for one in used:
        assert re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@every
def test_permissions_are_to_read_the_code_and_no_more(path):
    """For the whole workflow; no job asks for others."""
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())


@every
def test_no_token_is_left_in_the_checkout(path):
    """What a later step runs can't push."""
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


@every
def test_runs_are_bounded(path):
    """Every job has a time limit, and the workflow a group in which runs queue."""
    workflow = read(path)
    assert all(int(job["timeout-minutes"]) > 0 for job in workflow["jobs"].values())
    assert "group" in workflow["concurrency"]


@every
def test_scripts_are_shell(path):
    """Their syntax is right, and nothing that a stranger writes is pasted into them."""
    bash = shutil.which("bash")
    for script in scripts(path):
        assert "${{" not in script
        subprocess.run([bash, "-n"], input=script, text=True, check=True)


@every
def test_containers_are_locked_down(path):
    """Every container that runs code on data has the flags of docs/container.md."""
    running = [one for one in commands(path, "docker run") if "--help" not in one]
    assert running
    for one in running:
        assert all(flag in one for flag in HARDENED), one
        # Only `fetch` has a network.
        assert ("--network none" in one) != (" fetch " in one), one


def test_the_readme_s_containers_are_locked_down_too():
    """Both phases, as a reader copies them."""
    text = (ROOT / "README.md").read_text("utf-8").replace("\\\n", " ")
    running = [line for line in text.splitlines() if line.startswith("docker run")]
    assert len(running) == 2
    for one in running:
        assert all(flag in " ".join(one.split()) for flag in (*HARDENED, "--init", "--user")), one
        assert ("--network none" in one) != (" fetch " in one), one


def test_the_image_s_base_is_pinned_by_digest():
    """Every stage starts from the one base, or from a stage before it."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}", "packages"}


def test_the_gpu_runner_never_runs_a_stranger_s_code():
    """No pull request starts it, and a fork's own pushes neither."""
    workflow = read(GPU)
    assert set(workflow["on"]) == {"workflow_dispatch", "schedule", "push"}
    assert workflow["on"]["push"] == {"branches": ["main"]}
    assert all("!github.event.repository.fork" in job["if"] for job in workflow["jobs"].values())


def test_what_was_fetched_is_cached_before_the_run():
    """A job whose claim doesn't hold would save nothing at its end."""
    order = [step.get("uses", step.get("run", "")) for step in steps(GPU)]
    places = [
        next(index for index, one in enumerate(order) if word in one)
        for word in ("actions/cache/restore@", " fetch ", "actions/cache/save@", " reproduce ")
    ]
    assert places == sorted(places)


def test_the_gpu_runner_looks_for_a_gpu_before_it_builds():
    """A machine without one fails in its first step, not after hours on a CPU."""
    scripts_ = scripts(GPU)
    assert scripts_[0].startswith("nvidia-smi")
    assert "--device cuda" in "\n".join(scripts_)


def test_a_gpu_run_leaves_a_junit_file_and_says_which_image_made_it():
    """In the folder that is uploaded, and in the provenance."""
    (reproducing,) = [one for one in commands(GPU, "docker run") if " reproduce " in one]
    assert "--junit runs/junit.xml" in reproducing
    assert 'HARNESS_IMAGE_IDENTITY="$identity"' in reproducing


@every
def test_results_are_uploaded_also_when_a_step_failed(path):
    """The report of a contradicted claim is the one to look at."""
    uploads = [one for one in steps(path) if "upload-artifact" in one.get("uses", "")]
    assert uploads
    assert all(one["if"] == "always()" and "runs/" in one["with"]["path"] for one in uploads)
