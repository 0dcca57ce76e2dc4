"""The command line. `reproduce` is the whole harness: five statements, each handed to the next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from harness import __version__, ending

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = click.Path(path_type=Path)
CLAIMS = click.argument("claims", nargs=-1, required=True, metavar="CLAIM...")
MANIFESTS = click.option(
    "--manifests", type=FOLDER, help="Your own manifests, laid over the project's."
)
PINS = click.option("--pins", type=FOLDER, help="A file that replaces pins.yaml.")
PROFILE = click.option("--profile", default="mini", show_default=True, help="Scale of the run.")
SEEDS = click.option("--seeds", type=int, help="Seeds a system; default: the profile's.")
PROTOCOL = click.option("--protocol", help="Another protocol than the claim's own.")
STORE = click.option("--store", type=FOLDER, help="Store of artifacts.  [$HARNESS_STORE]")
MIRROR = click.option("--mirror", type=FOLDER, help="Mirror of the Hub.  [$HARNESS_MIRROR]")
FILES = click.option("--files", multiple=True, metavar="NAME=DIR", help="Data that you bring.")
DEVICE = click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:N.")
DEVICES = click.option("--devices", type=int, help="To spread each training over; default 1.")
JOBS = click.option("--jobs", help="Stages side by side; default: what fits.  [$HARNESS_JOBS]")
BACKEND = click.option(
    "--backend",
    type=click.Choice(["local", "container", "ray"]),
    default="local",
    show_default=True,
    help="Where stages run.",
)
RAY_ADDRESS = click.option(
    "--ray-address", help="Of a Ray cluster; default: this machine alone.  [$RAY_ADDRESS]"
)
IMAGE = click.option("--image", help="Name, digest or ID of the container's.  [$HARNESS_IMAGE]")
MEMORY = click.option("--memory", help="A worker's, e.g. 8g; a container's default: 90 % of all.")
CPUS = click.option("--cpus", type=float, help="Of a container; default: all.")
TIMEOUT = click.option("--timeout", type=float, help="Seconds that a worker may run.")
ARCHIVE = click.option(
    "--archive", metavar="URL", help="Share artifacts through e.g. s3://...  [$HARNESS_ARCHIVE]"
)
CHECKPOINTS = click.option(
    "--checkpoints", help="In long stages: 60s, 500steps or never.  [$HARNESS_CHECKPOINTS]"
)
OUT = click.option(
    "--out", type=FOLDER, help="Run folder; default runs/<claim or paper>-<profile>."
)
JUNIT = click.option("--junit", type=FOLDER, help="Write a JUnit file: one case for each claim.")
SIGN_KEY = click.option(
    "--sign-key", type=FOLDER, help="Private key (PEM) for the attestation.  [$HARNESS_SIGN_KEY]"
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several click options as one decorator, shown in this order."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def harness() -> None:
    """Re-run a claim that a paper makes and say, with evidence, whether it holds.

    Example: harness reproduce phang2020/tydiqa-english-gain --profile mini
    """


@harness.command()
@options(CLAIMS, PROFILE, SEEDS, PROTOCOL, DEVICE, STORE, MIRROR, FILES, MANIFESTS, PINS)
@options(OUT, JUNIT, SIGN_KEY, BACKEND, RAY_ADDRESS, IMAGE, MEMORY, CPUS, TIMEOUT, CHECKPOINTS)
@options(ARCHIVE, DEVICES, JOBS, JSON)
def reproduce(claims: tuple[str, ...], out: Path | None, as_json: bool, **given: Any) -> None:
    """Run claims and write their report.

    Example: harness reproduce phang2020/tydiqa-english-gain --profile mini
    """
    from harness import session

    manifests = session.load(given)
    plan = session.plan(manifests, claims, given)
    outcome = session.execute(plan, out, given, quiet=as_json)
    comparisons = session.read(plan, given)
    sys.exit(session.report(plan, outcome, comparisons, out, given, as_json=as_json))


@harness.command()
@options(CLAIMS, PROFILE, SEEDS, PROTOCOL, DEVICE, STORE, MIRROR, MANIFESTS, PINS, JSON)
def plan(claims: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Show the stages of claims, which are cached, and what the rest will take.

    Example: harness plan 'phang2020/*' --profile paper
    """
    from harness.verbs import show_plan

    sys.exit(show_plan.run(claims, given, as_json))


@harness.command()
@options(CLAIMS, PROFILE, STORE, MIRROR, FILES, MANIFESTS, PINS, ARCHIVE)
@click.option("--data-docs", type=FOLDER, help="Write Great Expectations' own pages there.")
@options(JSON)
def check(claims: tuple[str, ...], data_docs: Path | None, as_json: bool, **given: Any) -> None:
    """Check the data of claims, and nothing else: no training.

    Exit status 3 where a data set is unsound or training data hold test rows.

    Example: harness check phang2020/tydiqa-english-gain --profile mini
    """
    from harness.verbs import checking

    sys.exit(checking.run(claims, data_docs, given, as_json=as_json))


@harness.command("list")
@options(MANIFESTS, JSON)
def list_(as_json: bool, manifests: Path | None) -> None:
    """List the claims.

    Example: harness list
    """
    from harness.verbs import claims

    claims.list_all(manifests, as_json)


@harness.command()
@click.argument("claim")
@options(MANIFESTS, JSON)
def show(claim: str, as_json: bool, manifests: Path | None) -> None:
    """Show a claim with the numbers that the paper reports and where it prints them.

    Example: harness show phang2020/tydiqa-english-gain
    """
    from harness.verbs import claims

    claims.show(claim, manifests, as_json)


@harness.command()
@click.argument("path", type=FOLDER, required=False)
@PINS
def validate(path: Path | None, pins: Path | None) -> None:
    """Check manifests: the project's, and your own folder at PATH.

    Example: harness validate my-manifests
    """
    from harness.verbs import claims

    claims.validate(path, pins)


@harness.command()
@options(CLAIMS, PROFILE, PROTOCOL, MANIFESTS, PINS)
@click.option("--to", type=FOLDER, required=True, help="Mirror folder to fill.")
def fetch(claims: tuple[str, ...], to: Path, **given: Any) -> None:
    """Download what claims need into a mirror; with `pins`, all that uses the network.

    Example: harness fetch 'phang2020/*' --profile paper --to mirror
    """
    from harness.verbs import fetching

    fetching.run(claims, to, given)


@harness.command()
@click.argument("action", type=click.Choice(["check", "update"]))
@click.argument("name", required=False)
@options(MANIFESTS, PINS, MIRROR, JSON)
def pins(action: str, name: str | None, as_json: bool, **given: Any) -> None:
    """Compare pins with the Hub and the mirror, or pin the newest revision of one.

    check: exit status 0 when nothing moved, 3 when something did, is gone, or differs in the
    mirror; 6 when the Hub can't be reached. update: rewrites the one entry of its file; hashes
    are taken from the mirror where it has that revision, else forgotten.

    Example: harness pins check
    """
    from harness.verbs import pinning

    sys.exit(pinning.run(action, name, given, as_json=as_json))


@harness.command()
@click.option("--task", required=True, help="A task of tasks.yaml, e.g. xnli.")
@click.option("--language", required=True, help="Language code, e.g. ru.")
@click.option("--gold", type=FOLDER, required=True, help="The reference; forms above.")
@click.option("--predictions", type=FOLDER, required=True, help="What to score; forms above.")
@options(MANIFESTS, JSON)
def score(as_json: bool, **given: Any) -> None:
    """Score anyone's predictions with the task's official metric.

    Example: harness score --task tydiqa --language ru --gold g.json --predictions p.json

    xquad, mlqa, tydiqa: gold in SQuAD's JSON form; predictions {id: text}.

    xnli, pawsx, tatoeba: a label a line, alone or in the last tab-separated column (entailment,
    neutral or contradiction; 0 or 1; the index of the translation).

    udpos, panx: a tag a line, likewise; an empty line between sentences.

    bucc: two ids a line with a tab between them.
    """
    from harness.verbs import scoring

    scoring.run(as_json=as_json, **given)


@harness.command()
@click.argument("run", type=FOLDER)
@click.option("--site", type=FOLDER, help="Write an index and a page for each claim there.")
def report(run: Path, site: Path | None) -> None:
    """Render the report of a run folder again, or a site of its claims.

    report.html is made from the run's comparison.json alone: the same file, the same page. A site
    is an index.html with a scoreboard, a page for each claim, and the run's provenance.

    Example: harness report runs/tydiqa-english-gain-mini --site site
    """
    from harness.verbs import rendering

    rendering.run(run, site)


@harness.command()
@click.argument("run", type=FOLDER)
@click.option("--key", type=FOLDER, help="Public key (PEM) that has to have signed it.")
@options(FILES, MANIFESTS, JSON)
def verify(
    run: Path, files: tuple[str, ...], manifests: Path | None, key: Path | None, as_json: bool
) -> None:
    """Check a run folder, anywhere: its bytes, and its numbers made again from its predictions.

    Needs neither network nor GPU nor store, and trains nothing. Exit status 5 where something
    differs, with a line for each; 3 where something couldn't be checked, licensed data for
    instance, which --files brings; else 0. docs/verify.md says what no such check can show.

    Example: harness verify runs/tydiqa-english-gain-mini
    """
    from harness.verbs import verifying

    sys.exit(verifying.run(run, files, manifests, key, as_json=as_json))


@harness.command()
@click.argument("run", type=FOLDER)
@click.argument("other", type=FOLDER)
@JSON
def compare(run: Path, other: Path, as_json: bool) -> None:
    """Say where two runs of a claim differ, stage by stage, and what that did to the estimate.

    Example: harness compare runs/tydiqa-english-gain-mini runs/another-protocol
    """
    from harness.verbs import contrasting

    contrasting.run(run, other, as_json=as_json)


@harness.command()
@click.argument("action", type=click.Choice(["list", "verify", "gc"]))
@STORE
@click.option("--broken", is_flag=True, help="gc: also artifacts that fail verification.")
@click.option("--older-than", metavar="AGE", help="gc: what wasn't used for so long, e.g. 30d.")
@click.option("--keep-size", metavar="SIZE", help="gc: the longest unused, down to e.g. 50GB.")
@click.option("--unreachable", is_flag=True, help="gc: what no claim and no run folder needs.")
@click.option("--runs", type=FOLDER, multiple=True, metavar="RUN", help="gc: one that does.")
@click.option("--dry-run", is_flag=True, help="gc: only say what would go.")
@options(MIRROR, MANIFESTS, PINS)
def store(action: str, store: Path | None, **given: Any) -> None:
    """List or verify the store's artifacts, or clear it.

    gc removes what crashes left behind. Finished artifacts go only where an option says so; of
    --older-than, --keep-size and --unreachable all that are given must agree. What a run is using
    stays, and what went is made again by the next run that needs it.

    Example: harness store gc --older-than 30d --keep-size 50GB --dry-run
    """
    from harness.verbs import storing

    storing.run(action, store, given)


@harness.group()
def container() -> None:
    """Build the project's image, or run claims wholly inside a locked-down container.

    Example: harness container build
    """


@container.command("build")
@click.option("--flavour", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option("--tag", "name", help="Of the image; default: reproduction-harness:<flavour>.")
@click.option("--base", help="Another base image than the Dockerfile's.")
@click.option("--network", help="Of the build's steps; `none` where wheels/ has everything.")
def container_build(**given: Any) -> None:
    """Build the image from a checkout; the log goes to stderr.

    Example: harness container build --flavour gpu
    """
    from harness.verbs import container

    container.build(given)


@container.command("run")
@options(CLAIMS, PROFILE, SEEDS, PROTOCOL, DEVICE, STORE, MIRROR, FILES, MANIFESTS, PINS)
@options(OUT, JUNIT, SIGN_KEY, IMAGE, MEMORY, CPUS, TIMEOUT, CHECKPOINTS, JOBS, JSON)
def container_run(claims: tuple[str, ...], out: Path | None, as_json: bool, **given: Any) -> None:
    """Run `harness reproduce` in a container: no network, no rights, only its folders writable.

    Example: harness container run phang2020/tydiqa-english-gain --profile mini
    """
    from harness.verbs import container

    sys.exit(container.run(claims, out, given, as_json=as_json))


def main() -> NoReturn:
    """Run the command line; an expected error becomes one paragraph and its exit status."""
    ending.run(harness)


if __name__ == "__main__":
    main()
