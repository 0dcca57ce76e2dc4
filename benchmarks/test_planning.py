"""How long planning and the store take: `python -m pytest benchmarks/test_planning.py`."""

import itertools
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.artifacts import Store
from harness.canonical import digest
from harness.manifest import Manifests, load_manifests
from harness.plan import Request, build_plan
from harness.run import wanted

MIB = 1 << 20


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    """The project's own."""
    return load_manifests()


@pytest.fixture
def request_all(manifests: Manifests) -> Request:
    """Every claim, in the paper's setting."""
    return Request(claims=tuple(manifests.claims), profile="paper", precision="bf16")


def put(store: Store, key: str, size: int) -> Path:
    """An artifact of `size` bytes."""
    with store.writing(key) as folder:
        (folder / "payload").write_bytes(bytes(size))
        return store.commit(key, folder, {"stage": "bench"}, {})


def test_load_manifests(benchmark: BenchmarkFixture) -> None:
    """Read, check and cross-check every manifest."""
    assert benchmark(load_manifests).claims


def test_plan_all_claims(
    benchmark: BenchmarkFixture, manifests: Manifests, request_all: Request
) -> None:
    """Keys of every stage of every claim."""
    assert benchmark(build_plan, manifests, request_all).stages


def test_find_what_is_missing(
    benchmark: BenchmarkFixture, manifests: Manifests, request_all: Request, tmp_path: Path
) -> None:
    """The plan against an empty store."""
    plan = build_plan(manifests, request_all)
    assert len(benchmark(wanted, plan, Store(tmp_path))) == len(plan.stages)


@pytest.mark.parametrize("size", [1000, 16 * MIB], ids=["1 kB", "16 MiB"])
def test_put(benchmark: BenchmarkFixture, tmp_path: Path, size: int) -> None:
    """Write, flush to disk, hash and rename."""
    store, numbers = Store(tmp_path), itertools.count()
    benchmark(lambda: put(store, digest(next(numbers)), size))


def test_verify(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Hash 16 MiB and compare."""
    store = Store(tmp_path)
    put(store, digest("one"), 16 * MIB)
    assert benchmark(store.verify, digest("one")) == []
