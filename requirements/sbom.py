"""Writes the CycloneDX bill of materials of an image: its Python and its Debian packages.

Usage: python requirements/sbom.py IMAGE FILE

The packages' metadata are read from the image itself, by `docker run`; the tool that turns them
into components (cyclonedx-py) stays outside it.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

DISTRIBUTIONS = "cd /opt/harness/lib/python3*/site-packages && tar -cf - *.dist-info"
# The short names of licences, where a package's copyright file has them for machines.
DEBIAN = r"""
dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' | while read -r line; do
    name=$(printf '%s' "$line" | cut -f 1)
    licences=$(sed -n 's/^License: *//p' "/usr/share/doc/$name/copyright" 2>/dev/null | sort -u)
    printf '%s\t%s\n' "$line" "$(printf '%s' "$licences" | tr '\n' ';')"
done
"""
RELEASE = ". /etc/os-release && echo $ID-$VERSION_ID"
INSPECT = "{{.Id}} {{json .Config.Labels}}"


def main(image: str, file: Path) -> None:
    """Write the bill of `image` to `file`."""
    identity, _, labels = docker("image", "inspect", "--format", INSPECT, image).partition(b" ")
    bill = python_bill(image)
    bill["metadata"]["component"] = {
        "type": "container",
        "bom-ref": "image",
        "name": image,
        "version": identity.decode(),
        "properties": [
            {"name": name, "value": value} for name, value in sorted(json.loads(labels).items())
        ],
    }
    bill["components"] += list(debian_components(image))
    # The image needs all that is in it; which package needs which, the packages say.
    names = [one["bom-ref"] for one in bill["components"]]
    bill["dependencies"] = [
        {"ref": "image", "dependsOn": names},
        *(one for one in bill["dependencies"] if one["ref"] in names),
        *({"ref": name} for name in names if name.startswith("pkg:deb/")),
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


def python_bill(image: str) -> dict[str, Any]:
    """What cyclonedx-py says of the image's packages, from a copy of their metadata."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False)
        packages = next(Path(folder).glob("lib/python3*/site-packages"))
        with tarfile.open(fileobj=io.BytesIO(inside(image, DISTRIBUTIONS))) as archive:
            archive.extractall(packages, filter="data")
        tool = str(Path(sys.executable).with_name("cyclonedx-py"))
        options = ["--output-reproducible", "--spec-version", "1.6", "--output-format", "JSON"]
        command = [tool, "environment", *options, "--output-file", "-", f"{folder}/bin/python"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def debian_components(image: str) -> Iterator[dict[str, Any]]:
    """A component for each of the image's Debian packages."""
    release = inside(image, RELEASE).decode().strip()
    for line in inside(image, DEBIAN).decode().splitlines():
        name, version, architecture, licences = line.split("\t")
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro={release}"
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version}
        listed = [{"license": {"name": one.strip()}} for one in licences.split(";") if one.strip()]
        yield {**component, "purl": purl, **({"licenses": listed} if listed else {})}


def inside(image: str, script: str) -> bytes:
    """What the shell script prints in a container of the image."""
    return docker("run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", script)


def docker(*arguments: str) -> bytes:
    """What `docker ARGUMENTS` prints; its complaints go to stderr as they are."""
    program = shutil.which("docker")
    if program is None:
        sys.exit("Found no docker command; on Debian and Ubuntu: apt install docker.io")
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True).stdout


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
