"""Targets that read manifests, mirrors, stores and run folders."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tiny_manifests
from hub_server import REVISION
from hypothesis import strategies as st

from fuzzing.mutations import as_json, damaged_bytes, damaged_tree
from fuzzing.run_targets import sound_run
from harness import manifest, yaml12
from harness.artifacts import Store
from harness.canonical import bytes_sha256, canonical_json, digest
from harness.errors import VerificationError
from harness.models import (
    Claim,
    DatasetPin,
    EncoderPin,
    Machines,
    Mirror,
    Paper,
    Pins,
    Profile,
    Protocol,
    Tasks,
)
from harness.plan import Request, build_plan
from harness.resources import resource_dir
from harness.run import calibration
from harness.sources import mirror
from harness.verbs import rendering, storing

# The examples of the report's own tests.
sys.path.append(str(Path(__file__).parent.parent / "report"))
example, systems_example = map(importlib.import_module, ("example", "systems_example"))

# Kind -> the project's own files of it, and its model.
_PLACES: dict[str, tuple[str, Any]] = {
    "paper": ("papers/*/paper.yaml", Paper),
    "claim": ("papers/*/[!p]*.yaml", Claim),
    "protocol": ("protocols/*.yaml", Protocol),
    "profile": ("profiles/*.yaml", Profile),
    "tasks": ("tasks.yaml", Tasks),
    "pins": ("pins.yaml", Pins),
    "machines": ("machines.yaml", Machines),
}
_KEY = "ab" * 32
_EMPTY = bytes_sha256(b"{}")
MIRROR = {
    "format": 1,
    "datasets": {
        "owner/qa": {
            "revision": REVISION,
            "configs": {
                "c": {"train": {"file": "datasets/owner/qa/a.json", "sha256": _EMPTY, "rows": 1}}
            },
        }
    },
    "models": {"owner/model": {"revision": REVISION, "files": {"config.json": _EMPTY}}},
}
_DATASET = DatasetPin.model_validate(
    {
        **{"kind": "hub", "title": "QA", "license": "MIT", "repo": "owner/qa"},
        **{"revision": REVISION, "language": {"by": "fixed", "language": "en"}},
        "configs": {"c": {"train": {"file": "a.json", "sha256": _EMPTY}}},
    }
)
_ENCODER = EncoderPin.model_validate(
    {
        **{"kind": "hub", "title": "Encoder", "license": "MIT", "parameters": 1, "layers": 1},
        **{"hidden_size": 1, "vocabulary": 1, "repo": "owner/model", "revision": REVISION},
        "files": {"config.json": _EMPTY},
    }
)


@functools.cache
def _project(kind: str) -> tuple[tuple[bytes, ...], tuple[Any, ...]]:
    """The project's own files of a kind, as text and as data."""
    texts = [path.read_bytes() for path in sorted(resource_dir("manifests").glob(_PLACES[kind][0]))]
    return tuple(texts), tuple(yaml12.parse(one, kind)[0] for one in texts)


def yaml_bytes() -> st.SearchStrategy[Any]:
    """Small manifests damaged byte by byte, and arbitrary bytes."""
    kinds = ("paper", "claim", "protocol", "profile", "machines")
    sound = [text for kind in kinds for text in _project(kind)[0]]
    return st.one_of(damaged_bytes(sound), st.binary(max_size=200))


def read_yaml(value: bytes, folder: Path) -> None:
    """As plain data."""
    yaml12.parse(value, "fuzzed.yaml")


def manifests() -> st.SearchStrategy[Any]:
    """A kind of manifest and a document of it, damaged."""
    trees = {kind: _project(kind)[1] for kind in _PLACES} | {"mirror": (MIRROR,)}
    return st.sampled_from(sorted(trees)).flatmap(
        lambda kind: st.tuples(st.just(kind), damaged_tree(trees[kind]), st.booleans())
    )


def read_manifest(value: Any, folder: Path) -> None:
    """As the model of its kind."""
    kind, tree, ascii_only = value
    path = folder / f"{kind}.yaml"
    path.write_bytes(as_json(tree, ascii_only=ascii_only))
    manifest.parse_model(Mirror if kind == "mirror" else _PLACES[kind][1], path)


# With values of its own for a task, for a family and for one task of a profile.
_OVERRIDES = {
    "protocol": {**tiny_manifests.RAW["protocol"], "tasks": {"target": {"epochs": 3}}},
    "profile": {
        **tiny_manifests.RAW["profile"],
        "overrides": {"extractive_qa": {"batch_size": 8}, "target": {"learning_rate": 1e-4}},
    },
}


def planned() -> st.SearchStrategy[Any]:
    """All manifests of a small world, one of them damaged; a file more; what is asked for."""
    return st.tuples(
        damaged_tree([tiny_manifests.RAW, tiny_manifests.RAW | _OVERRIDES]),
        st.sampled_from((None, None, None, "papers/paper1/claim2.yml", ".hidden/claim.yaml")),
        st.sampled_from(("paper1/*", "paper1/claim1", "paper1/claim", "*")),
    )


def make_plan(value: Any, folder: Path) -> None:
    """Manifests on disk -> a plan, where they are sound."""
    world, stray, wanted = value
    root = folder / "manifests"
    shutil.rmtree(root, ignore_errors=True)
    names = _write_world(world, root)
    if stray:
        (root / stray).parent.mkdir(parents=True, exist_ok=True)
        (root / stray).write_text("{}")
    # Once as the project's own and once as the user's, where files that nothing reads are refused.
    with _instead(manifest, "resource_dir", lambda _: root):
        found = manifest.load_manifests(root)
        request = Request(
            claims=manifest.select_claims(found, [wanted]),
            profile=next(iter(found.profiles), "none"),
            precision="fp32",
            seeds=None,
            protocol=None,
        )
        build_plan(found, request, None).by_key()
    assert names


def _write_world(value: Any, root: Path) -> list[str]:
    raw = dict(value) if isinstance(value, dict) else {}
    raw["pins"] = {"format": 1, "datasets": raw.get("datasets"), "encoders": raw.get("encoders")}
    raw["tasks"] = {"format": 1, "tasks": raw.get("tasks")}
    places = {
        "paper": "papers/paper1/paper.yaml",
        "claim": "papers/paper1/claim1.yaml",
        "protocol": "protocols/plain.yaml",
        "profile": "profiles/quick.yaml",
        "tasks": "tasks.yaml",
        "pins": "pins.yaml",
    }
    for kind, place in places.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_json(raw.get(kind)))
    return list(places)


@contextlib.contextmanager
def _instead(place: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


def mirrors() -> st.SearchStrategy[Any]:
    """mirror.yaml damaged, and which split is asked for."""
    return st.tuples(
        damaged_tree([MIRROR]),
        st.sampled_from(("datasets/owner/qa/a.json", "../secret.json", "link.json", "loop")),
    )


def read_mirror(value: Any, folder: Path) -> None:
    """What lies outside the mirror is never given out, whatever mirror.yaml or a link says."""
    tree, file = value
    root = folder / "mirror"
    shutil.rmtree(root, ignore_errors=True)
    (root / "datasets/owner/qa").mkdir(parents=True)
    (folder / "secret.json").write_text("{}")
    (root / "datasets/owner/qa/a.json").write_text("{}")
    (root / "datasets/owner/qa/link.json").symlink_to(folder / "secret.json")
    (root / "datasets/owner/qa/loop").symlink_to("loop")
    (root / "models/owner/model").mkdir(parents=True)
    (root / "models/owner/model/config.json").write_text("{}")
    (root / "mirror.yaml").write_bytes(as_json(tree))
    held = mirror.load_mirror(root)
    name = file.rpartition("/")[2]
    asked = mirror.HubFile(repo="owner/qa", revision=REVISION, config="c", split="train", file=name)
    for known in (held, None):
        path = mirror.locate_file(root, asked, known)
        assert path.resolve().is_relative_to(root.resolve()), path
    found = mirror.locate_encoder(root, _ENCODER).values()
    for path in (mirror.locate(root, _DATASET, "c", "train"), *found):
        assert path.resolve().is_relative_to(root.resolve()), path


META = {
    "key": _KEY,
    "stage": "score",
    "version": 1,
    "config": {"seed": 0, "source": {"name": "x"}, "split": "train"},
    "inputs": {"predictions": _KEY, "examples": "cd" * 32},
    "files": {"payload": {"sha256": "a" * 64, "bytes": 5}},
}


def metas() -> st.SearchStrategy[Any]:
    """meta.json, forged with and without its digest redone; its provenance; the calibration."""
    return st.tuples(
        st.one_of(damaged_tree([META]), damaged_bytes([canonical_json(META)])),
        st.booleans(),
        damaged_tree([{"ended": "2020-01-01T00:00", "seconds": 1.0}]).map(as_json),
        damaged_tree([{"cpu": {"training": 1.0, "inference": 1.0}}]).map(as_json),
    )


def read_store(value: Any, folder: Path) -> None:
    """As `store list`, `store verify` and a plan read it."""
    meta, redone, provenance, speeds = value
    store = Store(folder / "store")
    shutil.rmtree(store.root, ignore_errors=True)
    place = store.path(_KEY)
    place.mkdir(parents=True)
    (folder / "secret").write_text("secret")
    (place / "payload").symlink_to(folder / "secret")
    (place / "provenance.json").write_bytes(provenance)
    (place / "meta.json").write_bytes(_forged(meta, redone))
    (store.root / "calibration.json").write_bytes(speeds)
    calibration(store, "cpu")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        storing.run("list", store.root, {})
        with contextlib.suppress(VerificationError):
            storing.run("verify", store.root, {})
            raise AssertionError("a forged artifact passed")
    store.meta(_KEY)


def _forged(meta: Any, redone: bool) -> bytes:
    if isinstance(meta, bytes):
        return meta
    try:
        if redone and isinstance(meta, dict):
            return canonical_json({**meta, "meta_sha256": digest(meta)})
    except (ValueError, TypeError):
        pass
    return as_json(meta)


@functools.cache
def _comparisons() -> tuple[Any, ...]:
    made = (example.gain(), example.no_better(), systems_example.aggregate())
    made += (systems_example.many(), systems_example.ordering(), systems_example.best_of())
    return tuple({"format": 1, "comparisons": [one.model_dump(mode="json")]} for one in made)


def comparisons() -> st.SearchStrategy[Any]:
    """comparison.json of every kind of claim and provenance.json, one or both damaged."""
    documents = list(_comparisons())
    sound = st.sampled_from([as_json(one) for one in documents])
    known = json.loads((sound_run() / "provenance.json").read_bytes())
    provenance = damaged_tree([known]).map(as_json)
    whole = st.tuples(damaged_tree(documents).map(as_json), st.just(None))
    return st.one_of(whole, whole, st.tuples(sound, provenance))


def render(value: Any, folder: Path) -> None:
    """As `harness report RUN`, and with `--site`."""
    run = folder / "run"
    run.mkdir(exist_ok=True)
    comparison, provenance = value
    (run / "comparison.json").write_bytes(comparison)
    (run / "provenance.json").write_bytes(provenance or b"{}")
    with contextlib.redirect_stdout(io.StringIO()):
        rendering.run(run, folder / "site" if provenance else None)
    if provenance is None:
        json.dumps((run / "report.html").read_text("utf-8"))


TARGETS: dict[str, tuple[Callable[[], st.SearchStrategy[Any]], Callable[[Any, Path], None]]] = {
    "yaml": (yaml_bytes, read_yaml),
    "manifests": (manifests, read_manifest),
    "plan": (planned, make_plan),
    "mirror": (mirrors, read_mirror),
    "store": (metas, read_store),
    "comparison": (comparisons, render),
}
