"""What `verify` looks at: `CHECKS`, one function each, in the order in which they are shown."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.artifacts import describe_os_errors
from harness.errors import DataError, HarnessError, MachineError, UsageError
from harness.run_files import RunFiles
from harness.verification import attested, claims, derived, folder, numbers
from harness.verification.again import Again
from harness.verification.results import LackingError, Outcome


@dataclass(frozen=True, kw_only=True)
class Check:
    """One row of what `verify` prints."""

    name: str
    how: str
    """What is compared with what."""
    function: Callable[[Again, Outcome], None]
    """Adds what it finds to the outcome; what it raises is added too."""


CHECKS: tuple[Check, ...] = (
    Check(name="files", how="every file's sha256 with run.json", function=folder.files),
    Check(name="run.json", how="its own sha256, claims and stages", function=folder.record),
    Check(name="stages", how="each key with all that it is made of", function=folder.stages),
    Check(name="parts", how="what is kept of each stage with stages.json", function=folder.parts),
    Check(name="claims", how="beside this installation's manifests", function=claims.claims),
    Check(name="scores", how="made again from predictions and gold", function=numbers.scores),
    Check(name="estimates", how="made again from the items' scores", function=numbers.estimates),
    Check(name="verdicts", how="judged again by each claim's rule", function=numbers.verdicts),
    Check(name="comparison", how="all else that it says, made again", function=numbers.all_else),
    Check(name="documents", how="written again from their values", function=derived.documents),
    Check(name="pages", how="rendered again, byte for byte", function=derived.pages),
    Check(name="metadata", how="Croissant and RO-Crate, written again", function=derived.metadata),
    Check(
        name="attestation", how="beside the folder; its signature", function=attested.attestation
    ),
)


def verify(
    run: Path,
    brought: Mapping[str, Path],
    manifests: Path | None = None,
    key: Path | None = None,
) -> list[tuple[Check, Outcome]]:
    """Do every check on a run folder.

    Args:
        run: the folder.
        brought: licensed data set -> the user's folder with it.
        manifests: the user's own, laid over the project's.
        key: file of the public key that has to have signed the folder.

    Raises:
        UsageError: there is no such folder, or the key is none.
        MachineError: no space for the scratch folder.
    """
    with tempfile.TemporaryDirectory(prefix="harness-verify-") as scratch:
        again = Again(RunFiles(run), brought, Path(scratch), manifests, key)
        _ = again.files.names
        with describe_os_errors(scratch, "$TMPDIR"):
            return [(check, outcome_of(check, again)) for check in CHECKS]


def outcome_of(check: Check, again: Again) -> Outcome:
    """What one check finds; whatever it stumbles over in the folder is a finding."""
    outcome = Outcome()
    try:
        check.function(again, outcome)
    except (MachineError, UsageError):
        raise
    except LackingError as error:
        outcome.lacks(error)
    except HarnessError as error:
        outcome.differs(error.where, f"{error.got}; expected {error.expected}")
    # A forged document may lead the code that reads it anywhere.
    except Exception as error:
        outcome.differs(check.name, f"can't be checked ({type(error).__name__}: {error})")
    return outcome


def status(outcomes: Sequence[Outcome]) -> int:
    """Exit status: 5 where something differs, else 3 where something couldn't be looked at."""
    if any(one.findings for one in outcomes):
        return 5
    return DataError.exit_code if any(one.lacking for one in outcomes) else 0
