"""Puts the checkout's data folders into the wheel as `harness/_data/<folder>`.

An editable install copies nothing: `harness.resources` finds the folders of the checkout.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA_FOLDERS = ("checks", "manifests", "report_templates", "schemas")


class BuildWithData(build_py):
    """`build_py`, then the data folders."""

    def run(self) -> None:
        """Copy packages as usual, then each data folder whole."""
        super().run()
        if self.editable_mode:
            return
        for name in DATA_FOLDERS:
            target = Path(self.build_lib) / "harness" / "_data" / name
            # What an earlier build left there may since have been deleted.
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(name, target, ignore=shutil.ignore_patterns(".*", "*~"))


setup(cmdclass={"build_py": BuildWithData})
