"""How long planning and the store take: `python -m pytest benchmarks/test_planning.py`."""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.artifacts import Store
from harness.canonical import digest
from harness.manifest import Manifests, load_manifests
from harness.plan import Request, build_plan
from harness.run import wanted

MIB = 1 << 20
MANY = 100_000  # artifacts


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
    benchmark: BenchmarkFixture,
    manifests: Manifests,
    request_all: Request,
    ratios: dict[str, float],
) -> None:
    """Keys of every stage of every claim."""
    assert benchmark(build_plan, manifests, request_all).stages
    ratios["plan_paper"] = benchmark.stats.stats.median


def test_plan_10000_stages(
    benchmark: BenchmarkFixture,
    manifests: Manifests,
    request_all: Request,
    ratios: dict[str, float],
) -> None:
    """The same with so many seeds that 10,000 stages are left when equal ones are merged."""
    plan = benchmark.pedantic(
        build_plan, (manifests, replace(request_all, seeds=31)), rounds=2, warmup_rounds=1
    )
    assert len(plan.stages) >= 10_000
    for name, stages in (("plan_10000", plan.demanded), ("plan_10000_merged", len(plan.stages))):
        ratios[name] = benchmark.stats.stats.min * 10_000 / stages


def test_find_what_is_missing(
    benchmark: BenchmarkFixture, manifests: Manifests, request_all: Request, tmp_path: Path
) -> None:
    """The plan against an empty store."""
    plan = build_plan(manifests, request_all)
    assert len(benchmark(wanted, plan, Store(tmp_path).has)) == len(plan.stages)


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


def many(folder: Path) -> Store:
    """A store of `MANY` small artifacts, written as bare as they can be."""
    store = Store(folder)
    for number in range(MANY):
        path = store.path(digest(["filler", number]))
        path.mkdir(parents=True)
        meta = {"key": path.name, "stage": "bench", "files": {}}
        (path / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return store


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def test_a_full_store(
    benchmark: BenchmarkFixture, tmp_path: Path, ratios: dict[str, float]
) -> None:
    """Put, find and verify an artifact among 100,000 take as long as in an empty store."""
    stores, numbers = (many(tmp_path / "full"), Store(tmp_path / "empty")), itertools.count()
    taken: list[float] = []

    def one(store: Store) -> None:
        key = digest(["new", next(numbers)])
        put(store, key, 1000)
        assert store.has(key)
        assert store.get(key)
        assert store.verify(key) == []

    def both() -> None:
        full, empty = (seconds(lambda store=store: one(store)) for store in stores)
        taken.append(full / empty)

    benchmark.pedantic(both, rounds=50, warmup_rounds=5)
    ratios["store_full_vs_empty"] = median(taken)
