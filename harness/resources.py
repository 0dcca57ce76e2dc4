"""Where the project's own data folders lie: in a source checkout, or in the installed package."""

from __future__ import annotations

from pathlib import Path

from harness.errors import MachineError

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: str) -> Path:
    """The folder `manifests`, `checks`, `report_templates` or `schemas`.

    Raises:
        MachineError: neither the checkout nor the installed package has it.
    """
    # Inside the package first: in site-packages the folder above belongs to everybody.
    candidates = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise MachineError(
        where=f"package data `{name}`",
        got="no such folder",
        expected=" or ".join(str(folder) for folder in candidates),
        fix="Install the package again.",
    )
