"""How a command ends: its exit status and, where it failed, one paragraph on stderr.

With --json the failure is a JSON document on stdout too, so that there is always exactly one.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NoReturn

import click

from harness.errors import EXIT_PRECEDENCE, HarnessError
from harness.redaction import redacted

# A minus must stay a minus where the terminal's encoding lacks the sign.
_PLAIN = {"\N{MINUS SIGN}": "-", "’": "'", "“": '"', "”": '"', "–": "-", "×": "x"}
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = "interrupted. What was finished is kept; the same command goes on."


def run(command: click.Command) -> NoReturn:
    """Run `command` on the process's arguments and exit; a bug keeps its traceback."""
    for number in _STOPS:
        # `nohup` has SIGHUP ignored, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    _allow_any_text()
    sys.excepthook = _show_bug
    logging.setLogRecordFactory(_log_record)
    stdout = sys.stdout
    try:
        sys.exit(command.main(standalone_mode=False) or 0)
    except HarnessError as error:
        _fail(error.exit_code, str(error), parts(error))
    except (KeyboardInterrupt, click.Abort):
        # Another one must not make a traceback of this one line.
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)
        _fail(130, INTERRUPTED)
    except click.ClickException as error:
        _print_json(2, error.format_message())
        error.show()
        sys.exit(2)
    except OSError as error:
        _machine_error(error)
    except SystemExit as ended:
        # Where stdout is a closed pipe, click swaps it and ends with 1: the reader had enough.
        sys.exit(0 if ended.code == 1 and sys.stdout is not stdout else ended.code)


def _allow_any_text() -> None:
    """Let streams that aren't in Unicode show plain signs for those that they lack."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign, "?") for sign in lacking), error.end


def _log_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """What libraries log shows no secret, however much of it somebody asked to see."""
    record = logging.LogRecord(*args, **kwargs)
    record.msg, record.args = redacted(record.getMessage()), ()
    return record


def _show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A traceback quotes what libraries say, addresses with their credentials for one."""
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


@contextlib.contextmanager
def surviving_a_closed_pipe() -> Iterator[None]:
    """Printing that `| head` doesn't end: what was computed keeps its exit status."""
    try:
        yield
    except BrokenPipeError:
        _forget_unprinted()


def parts(error: HarnessError) -> dict[str, str]:
    """Where, got, expected and fix, for JSON."""
    return {name: getattr(error, name) for name in ("where", "got", "expected", "fix")}


def _machine_error(error: OSError) -> NoReturn:
    # Imported here: --help needs no store.
    from harness.artifacts import machine_error

    told = machine_error(error, "standard output", "place")
    if told is None:
        raise error
    _forget_unprinted()
    _fail(told.exit_code, str(told), parts(told))


def _fail(status: int, message: str, more: dict[str, str] | None = None) -> NoReturn:
    assert status in EXIT_PRECEDENCE
    _print_json(status, message, more)
    with contextlib.suppress(OSError):
        click.echo(f"harness: {message}", err=True)
    sys.exit(status)


def _print_json(status: int, message: str, more: dict[str, str] | None = None) -> None:
    if "--json" not in sys.argv[1:]:
        return
    error: dict[str, Any] = {"exit": status, "message": message, **(more or {})}
    with contextlib.suppress(OSError):
        click.echo(json.dumps({"format": 1, "error": error}, indent=1))


def _forget_unprinted() -> None:
    """Drop what stdout couldn't take: Python would try again on its way out, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
