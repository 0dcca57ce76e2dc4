"""Says where pyproject.toml, the .in files and the locks disagree; needs no network.

Run by `make lock-check`. Exit status 1 and one line per disagreement, otherwise nothing.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
# Installed in a step of its own, from torch.txt, never from a lock.
OWN_STEP = ("torch", "triton")

Wanted = dict[str, Requirement]


def main() -> int:
    """Print the disagreements; 1 if there is any."""
    problems = list(find_problems(HERE))
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


def find_problems(folder: Path) -> Iterator[str]:
    """Every disagreement between `folder`'s files and the pyproject.toml above it."""
    project = tomllib.loads((folder.parent / "pyproject.toml").read_text("utf-8"))["project"]
    torch = _wanted((folder / "torch.txt").read_text("utf-8").splitlines())
    runtime = _wanted(_lines(folder / "runtime.in"))
    extras = {name: _wanted(_lines(folder / f"{name}.in")) for name in ("ray", "dev")}
    # Each lock stands on the one before it.
    locks = {"runtime": runtime, "ray": {**runtime, **extras["ray"]}}
    locks["dev"] = {**locks["ray"], **extras["dev"]}

    yield from _same(project["dependencies"], {**runtime, **torch}, "[project] dependencies")
    for name, wanted in extras.items():
        declared = project["optional-dependencies"][name]
        yield from _same(declared, wanted, f"[project] {name} extra")
    for name, wanted in locks.items():
        text = (folder / f"{name}.txt").read_text("utf-8")
        yield from _locked(text, wanted, f"requirements/{name}.txt")


def _same(declared: Iterable[str], wanted: Wanted, where: str) -> Iterator[str]:
    for name, requirement in _wanted(declared).items():
        if name not in wanted:
            yield f"{where}: {name} stands in no .in file"
        elif name in OWN_STEP:
            yield from _fits(next(iter(wanted[name].specifier)).version, requirement, where)
        elif requirement.specifier != wanted[name].specifier:
            yield f"{where}: {requirement}, but the .in file says {wanted[name]}"


def _locked(text: str, wanted: Wanted, where: str) -> Iterator[str]:
    pins = dict(_pins(text))
    for name, requirement in wanted.items():
        if name not in pins:
            yield f"{where}: {name} isn't locked; run `make lock`"
        else:
            yield from _fits(pins[name], requirement, where)
    for name in pins:
        if name in OWN_STEP or name.startswith("nvidia-"):
            yield f"{where}: {name} belongs to torch's own step"
    if "://" in text or "--find-links" in text or "--index-url" in text:
        yield f"{where}: names a place to fetch from; that is the user's choice"


def _fits(version: str, requirement: Requirement, where: str) -> Iterator[str]:
    if not requirement.specifier.contains(version, prereleases=True):
        yield f"{where}: {requirement.name} {version} doesn't fit {requirement}; run `make lock`"


def _pins(text: str) -> Iterator[tuple[str, str]]:
    """(name, version) of each entry of a lock; its hashes follow on indented lines."""
    for line in text.splitlines():
        if line and not line.startswith((" ", "#", "-")):
            pinned = Requirement(line.removesuffix("\\"))
            yield canonicalize_name(pinned.name), next(iter(pinned.specifier)).version


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith(("#", "-r ")):
            yield line


def _wanted(lines: Iterable[str]) -> Wanted:
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in requirements}


if __name__ == "__main__":
    sys.exit(main())
