"""What the Hub's client raises -> errors that say what to do.

The client's own messages are never passed on: they may quote signed addresses.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import DataError, HarnessError, MachineError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn every expected failure of the Hub's client inside the block into a HarnessError."""
    import httpx2
    from huggingface_hub import errors

    expected = (
        httpx2.HTTPError,
        OSError,
        errors.EntryNotFoundError,
        errors.OfflineModeIsEnabled,
        errors.HFValidationError,
        json.JSONDecodeError,
    )
    try:
        yield
    except expected as error:
        raise _explain(error, where) from error


@contextmanager
def disk_error(path: Path) -> Iterator[None]:
    """Turn an OSError inside the block into a MachineError about `path`."""
    try:
        yield
    except OSError as error:
        raise _disk(error, str(path)) from error


def _explain(error: BaseException, where: str) -> HarnessError:
    from huggingface_hub import errors

    table: tuple[tuple[type[BaseException], Callable[[str], HarnessError]], ...] = (
        # From the particular to the general: some of these derive from others.
        (errors.GatedRepoError, _gated),
        (errors.RepositoryNotFoundError, _no_repository),
        (errors.RevisionNotFoundError, _no_revision),
        (errors.OfflineModeIsEnabled, _offline),
        (errors.HFValidationError, _no_repository),
        (json.JSONDecodeError, _no_hub),
    )
    for kind, explanation in table:
        if isinstance(error, kind):
            return explanation(where)
    if isinstance(error, errors.LocalEntryNotFoundError):
        # The client's "neither there nor in my cache": what it met on the way is the cause.
        return _explain(error.__cause__, where) if error.__cause__ else _unreachable(where)
    if isinstance(error, errors.EntryNotFoundError):
        return _no_file(where)
    if isinstance(error, errors.HfHubHTTPError):
        return _status(error.response.status_code, where)
    if isinstance(error, OSError):
        return _from_os(error, where)
    return _from_transfer(error, where)


def _from_os(error: OSError, where: str) -> HarnessError:
    from huggingface_hub import errors

    if isinstance(error, errors.FileMetadataError):
        return _no_hub(where)
    if error.errno is None and "Consistency check failed" in str(error):
        return _truncated(where)
    if isinstance(error, ConnectionError | TimeoutError):
        return _unreachable(where)
    return _disk(error, where)


def _from_transfer(error: BaseException, where: str) -> HarnessError:
    import httpx2

    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return _truncated(where)
    return _unreachable(where)


def _status(status: int, where: str) -> HarnessError:
    if status in (401, 403):
        return _gated(where)
    got = f"HTTP status {status} from the Hub"
    return MachineError(where=where, got=got, expected="an answer", fix="Try again later.")


def _disk(error: OSError, where: str) -> HarnessError:
    if error.errno in _FULL:
        got, fix = "a full disk", "Make room or use another disk, then run the same command again."
    elif error.errno in _FORBIDDEN:
        got, fix = "no permission to write", "Fix the folder's permissions, or use another folder."
    else:
        got, fix = error.strerror or type(error).__name__, "Check the folder and the disk."
    return MachineError(where=where, got=got, expected="a folder that can be written", fix=fix)


def _gated(where: str) -> DataError:
    return _data(
        where,
        "no access (gated or private)",
        "a repository that you may read",
        "Accept its terms on its page and set HF_TOKEN to a token of your account.",
    )


def _no_repository(where: str) -> DataError:
    return _data(
        where,
        "no such repository",
        "a public repository, or one that your HF_TOKEN may read",
        "Check the pin's `repo`; where it is private, set HF_TOKEN.",
    )


def _no_revision(where: str) -> DataError:
    return _data(
        where,
        "no such revision",
        "the pinned commit",
        "Check the pin's `revision`; `harness pins check` shows what the Hub has now.",
    )


def _no_file(where: str) -> DataError:
    return _data(
        where, "no such file", "the file that the pin names", "Mend the pin's `file` or revision."
    )


def _truncated(where: str) -> DataError:
    return _data(
        where,
        "a transfer that ended early",
        "as many bytes as the Hub announced",
        "Run the same command again; what was finished is kept, the broken file is not.",
    )


def _no_hub(where: str) -> DataError:
    return _data(
        where,
        "an answer that isn't the Hub's (a log-in page or a proxy?)",
        "a server that speaks the Hub's protocol",
        "Check network, proxy and $HF_ENDPOINT.",
    )


def _offline(where: str) -> MachineError:
    return MachineError(
        where=where,
        got="offline mode (HF_HUB_OFFLINE)",
        expected="network access, for `fetch` and `pins`",
        fix="Unset HF_HUB_OFFLINE, or use a mirror that was fetched elsewhere.",
    )


def _unreachable(where: str) -> MachineError:
    return MachineError(
        where=where,
        got="no connection to the Hub",
        expected="network access, for `fetch` and `pins`",
        fix="Check network, proxy and $HF_ENDPOINT; every other command works from a mirror.",
    )


def _data(where: str, got: str, expected: str, fix: str) -> DataError:
    return DataError(where=where, got=got, expected=expected, fix=fix)
