"""Prints the installed packages with their licences, a tab-separated line each.

Run by the image's build; needs nothing but Python.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions

_PREFIX = "License :: "


def main() -> None:
    """A line for each package of this environment: name, version, licence."""
    rows = {(one.name.lower(), one.version, licence(one)) for one in distributions()}
    sys.stdout.writelines("\t".join(row) + "\n" for row in sorted(rows))


def licence(package: Distribution) -> str:
    """Its SPDX expression, else its classifiers, else the first line of what it says itself."""
    expression = _said(package, "License-Expression")
    if expression:
        return expression[0]
    classifiers = [one for one in _said(package, "Classifier") if one.startswith(_PREFIX)]
    if classifiers:
        names = sorted({one.removeprefix(_PREFIX).split(" :: ")[-1] for one in classifiers})
        return ", ".join(names)
    text = "".join(_said(package, "License")).strip()
    return text.splitlines()[0] if text else "not stated"


def _said(package: Distribution, field: str) -> list[str]:
    return list(package.metadata.get_all(field) or [])


if __name__ == "__main__":
    main()
