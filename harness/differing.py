"""Where two JSON documents differ, with elements of lists matched by what names them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What names an element of a list, the first that every element has.
_NAMES: tuple[tuple[str, ...], ...] = (
    ("system", "seed", "task", "language", "metric"),
    ("system", "seed", "phase", "target"),
    ("treatment", "baseline", "target", "language"),
    ("treatment", "baseline", "groups"),
    ("treatment", "baseline", "metric"),
    ("training", "against", "by"),
    ("system", "metric"),
    ("stage", "label", "key"),
    ("what", "why"),
    ("use",),
    ("id",),
    ("name",),
)


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""Where one of the two documents has no such value."""


@dataclass(frozen=True)
class Difference:
    """One value."""

    path: tuple[str, ...]
    left: Any
    right: Any


def differences(
    left: Any, right: Any, *, tolerance: float = 0.0, path: tuple[str, ...] = ()
) -> Iterator[Difference]:
    """Every value that differs, in the order of `left`; then what only `right` has.

    Args:
        left: plain JSON values.
        right: likewise.
        tolerance: by which two numbers may differ, relative to the larger and to 1.
        path: where the two stand in a larger document.
    """
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        yield from _mappings(left, right, tolerance, path)
    elif _is_list(left) and _is_list(right):
        names = _naming((*left, *right))
        if not names and len(left) != len(right):
            # Element by element, all after the first new one would differ.
            yield Difference(path, left, right)
            return
        yield from _mappings(_named(left, names), _named(right, names), tolerance, path)
    elif not _same(left, right, tolerance):
        yield Difference(path, left, right)


def _mappings(
    left: Mapping[str, Any], right: Mapping[str, Any], tolerance: float, path: tuple[str, ...]
) -> Iterator[Difference]:
    for name in (*left, *(name for name in right if name not in left)):
        a, b = left.get(name, ABSENT), right.get(name, ABSENT)
        yield from differences(a, b, tolerance=tolerance, path=(*path, name))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _naming(elements: Sequence[Any]) -> tuple[str, ...]:
    """The fields that name the elements; none where they are numbered."""
    if not all(isinstance(one, Mapping) for one in elements):
        return ()
    for names in _NAMES:
        if all(name in one for one in elements for name in names):
            return names
    return ()


def _named(elements: Sequence[Any], names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, one in enumerate(elements, start=1):
        name = (
            ", ".join(_word(one[part]) for part in names if one[part] != []) or f"number {number}"
        )
        while name in found:
            name += " again"
        found[name] = one
    return found


def _word(value: Any) -> str:
    return " over ".join(map(str, value)) if _is_list(value) else str(value)


def _same(left: Any, right: Any, tolerance: float) -> bool:
    if _is_number(left) and _is_number(right):
        return bool(abs(left - right) <= tolerance * max(1.0, abs(left), abs(right)))
    # True is no 1 in JSON.
    return type(left) is type(right) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
