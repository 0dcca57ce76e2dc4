"""The five steps of `harness reproduce`, each a function of the command line's options."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import announce, looks, options
from harness.archiving import archived
from harness.artifacts import Store
from harness.backends import opened
from harness.collecting import remember_run
from harness.console import watching
from harness.ending import parts, surviving_a_closed_pipe
from harness.errors import EXIT_PRECEDENCE
from harness.leases import leased
from harness.manifest import Manifests, choose, load_manifests, select_claims
from harness.plan import Plan, Request, build_plan
from harness.records import Comparison
from harness.run import Outcome, read_comparisons, seconds
from harness.run import execute as walk
from harness.run_folder import Pages, check_replaceable, default_out, write_run

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

Given = Mapping[str, Any]
# Exit status of a rung that isn't the one asked for; all others are 11.
_BELOW = {"CONTRADICTED": 10, "INVALID": 3}


def load(given: Given) -> Manifests:
    """The project's manifests with the user's over them."""
    return load_manifests(given["manifests"], given.get("pins"))


def plan(manifests: Manifests, claims: Sequence[str], given: Given) -> Plan:
    """The stages of the claims, for this machine's device and this mirror."""
    profile = choose("profile", given["profile"], manifests.profiles)
    options.check_brought(given.get("files", ()), manifests.pins)
    device = _device(given)
    request = Request(
        claims=select_claims(manifests, claims),
        profile=profile.id,
        seeds=given["seeds"],
        protocol=given["protocol"],
        precision=options.resolve_precision(profile.precision, device),
        looks=looks.read(options.open_store(given["store"])) if "store" in given else {},
    )
    folder = None if given.get("no_mirror") else options.mirror_dir(given["mirror"])
    return build_plan(manifests, request, options.read_mirror(folder))


def execute(plan: Plan, out: Path | None, given: Given, *, quiet: bool) -> Outcome:
    """Run what the store lacks, once the run folder is known to be free."""
    check_replaceable(_out(plan, out))
    signing_key(given)
    _refuse_looks(plan, options.open_store(given["store"]))
    resources = options.resources(
        options.mirror_dir(given["mirror"]),
        given["files"],
        _device(given),
        given.get("checkpoints"),
        given.get("devices"),
    )
    store = options.open_store(given["store"])
    hold(plan, store)
    with (
        watching(quiet) as watcher,
        opened(given) as backend,
        archived(given.get("archive"), plan, store, backend) as copying,
    ):
        return walk(plan, store, copying, resources, watcher)


def hold(plan: Plan, store: Store) -> None:
    """Let nothing collect what the plan reads before this command ends."""
    click.get_current_context().with_resource(leased(store, [one.key for one in plan.stages]))


def read(plan: Plan, given: Given) -> dict[str, Comparison]:
    """The comparisons, which are artifacts like any other; reading them is a look."""
    store = options.open_store(given["store"])
    comparisons = read_comparisons(plan, store)
    for name, found in comparisons.items():
        seen = looks.sample(name, plan.by_key()[plan.comparisons[name]].inputs)
        looks.remember(store, seen, len(found.seeds), found.verdict.looks)
    return comparisons


def report(
    plan: Plan,
    outcome: Outcome,
    comparisons: Mapping[str, Comparison],
    out: Path | None,
    given: Given,
    *,
    as_json: bool,
) -> int:
    """Write the run folder, say what came out, and return the exit status."""
    from harness.report.render import render_provenance, render_run

    folder = _out(plan, out)
    if comparisons:
        store = options.open_store(given["store"])
        pages = Pages(report=render_run([*comparisons.values()]), provenance=render_provenance)
        write_run(folder, plan, store, comparisons, pages)
        remember_run(store, folder)
    finish(folder, given, written=bool(comparisons))
    _junit(plan, outcome, comparisons, given)
    with surviving_a_closed_pipe():
        if as_json:
            document = _document(comparisons, outcome, folder)
            click.echo(json.dumps(document, indent=1, sort_keys=True))
        else:
            announce.comparisons(comparisons)
        announce.failures(outcome.failed, len(plan.claims), quiet=as_json)
        if not as_json:
            announce.folder(folder, outcome, written=bool(comparisons))
    return _status(comparisons, outcome)


def _device(given: Given) -> str:
    """Of stages that train or predict; a cluster's may be another than this machine's."""
    return options.resolve_device(given["device"], elsewhere=given.get("backend") == "ray")


def signing_key(given: Given) -> CryptoSigner | None:
    """The key of --sign-key, or of $HARNESS_SIGN_KEY; UsageError where it is none."""
    chosen = given.get("sign_key") or os.environ.get("HARNESS_SIGN_KEY")
    if not chosen:
        return None
    from harness.evidence.attestation import private_key

    return private_key(Path(chosen))


def finish(folder: Path, given: Given, *, written: bool) -> None:
    """Sign a run folder that was written, where there is a key."""
    key = signing_key(given)
    if written and key:
        from harness.evidence.attestation import attest

        attest(folder, key)


def _junit(
    plan: Plan, outcome: Outcome, comparisons: Mapping[str, Comparison], given: Given
) -> None:
    if not given.get("junit"):
        return
    from harness.evidence.junit import write_junit

    store = options.open_store(given["store"])
    took = {
        name: sum(seconds(store, ref.key) for ref in found.artifacts if store.has(ref.key))
        for name, found in comparisons.items()
    }
    write_junit(Path(given["junit"]), plan.profile.id, comparisons, outcome.failed, took)


def _refuse_looks(plan: Plan, store: Store) -> None:
    stages, seen = plan.by_key(), looks.read(store)
    for name, key in plan.comparisons.items():
        facts = stages[key].config["comparison"]
        before = seen.get(looks.sample(name, stages[key].inputs), {})
        looks.allowed(name, facts["circumstances"]["looks"], len(facts["seeds"]), before)


def _out(plan: Plan, out: Path | None) -> Path:
    return out or default_out(list(plan.claims), plan.profile.id)


def _document(
    comparisons: Mapping[str, Comparison], outcome: Outcome, folder: Path
) -> dict[str, Any]:
    return {
        "format": 1,
        "run": str(folder) if comparisons else None,
        "stages": {"made": len(outcome.made), "cached": outcome.cached},
        "comparisons": {
            name: comparison.model_dump(mode="json") for name, comparison in comparisons.items()
        },
        "failed": {
            name: {"exit": error.exit_code, "message": str(error), **parts(error)}
            for name, error in outcome.failed.items()
        },
    }


def _status(comparisons: Mapping[str, Comparison], outcome: Outcome) -> int:
    found = {error.exit_code for error in outcome.failed.values()}
    for comparison in comparisons.values():
        verdict = comparison.verdict
        found.add(0 if verdict.met else _BELOW.get(verdict.rung, 11))
    return min(found, key=EXIT_PRECEDENCE.index)
