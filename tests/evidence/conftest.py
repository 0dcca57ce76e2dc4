"""A finished run folder, training faked."""

import fake_stages
import pytest
from tiny_manifests import CLAIM, tiny

from harness.artifacts import Store
from harness.backends import OneAtATime
from harness.console import watching
from harness.plan import Request, build_plan
from harness.run import execute, read_comparisons
from harness.run_folder import Made, Pages, write_run
from harness.stages import contract
from harness.stages.contract import Resources
from harness.worker import run_stage


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The plan, the store and the comparisons of the tiny claim."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contract, "STAGES", fake_stages.pipeline())
        plan = build_plan(tiny(), Request(claims=(CLAIM,), profile="quick", precision="fp32"))
        store = Store(tmp_path_factory.mktemp("store"))
        resources = Resources(mirror=tmp_path_factory.mktemp("mirror"))
        with watching(quiet=True) as watcher:
            assert execute(plan, store, OneAtATime(run_stage), resources, watcher).failed == {}
        found = read_comparisons(plan, store)
        pages = Pages(report="<p>report</p>", provenance=lambda facts: "<p>provenance</p>")
        yield Made(plan=plan, store=store, comparisons=found, pages=pages)


@pytest.fixture
def folder(made, tmp_path):
    """Its run folder."""
    write_run(tmp_path / "run", made.plan, made.store, made.comparisons, made.pages)
    return tmp_path / "run"
