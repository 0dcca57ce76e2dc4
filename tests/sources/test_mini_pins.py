"""What pins.yaml says of the generated sets, held against the generator and the readers."""

import pyarrow as pa
import pytest

from harness import yaml12
from harness.models import Pins
from harness.resources import resource_dir
from harness.sources import mini, schemas
from harness.sources.readers import Row, UnlabelledError, read

PINS = Pins.model_validate(yaml12.load(resource_dir("manifests") / "pins.yaml")[0])
GENERATED = {name: pin for name, pin in PINS.datasets.items() if pin.kind == "mini"}


def _reader(pin):
    return {"name": pin.reader, "columns": pin.columns, "labels": list(pin.labels)}


def test_every_generated_set_is_pinned():
    """Once each, under its version."""
    assert sorted(pin.generator for pin in GENERATED.values()) == sorted(mini.describe())
    assert {pin.generator_version for pin in GENERATED.values()} == {mini.GENERATOR_VERSION}


@pytest.mark.parametrize("name", GENERATED)
def test_pins_state_the_configs_rows_and_languages(name):
    """As `describe` has them."""
    pin = GENERATED[name]
    described = mini.describe()[pin.generator]
    found = {
        config: {split: (one.rows, _languages(pin, config, one)) for split, one in splits.items()}
        for config, splits in pin.configs.items()
    }
    assert found == {
        config: {split: (one["rows"], one["languages"]) for split, one in splits.items()}
        for config, splits in described.items()
    }


def _languages(pin, config, split):
    if pin.language.by == "id_prefix":
        return split.languages
    return {pin.language.language or pin.language.names[config]: split.rows}


@pytest.mark.parametrize("name", GENERATED)
def test_pinned_labels_are_those_of_the_real_files(name):
    """Where the real files name their labels, the pin has the same names."""
    pin = GENERATED[name]
    stored = [schemas.class_labels(mini.schema(pin.generator))]
    assert schemas.label_names(_reader(pin), stored, name) == list(pin.labels)


@pytest.mark.parametrize("name", GENERATED)
def test_the_readers_read_every_row(name):
    """In the real types too; a row without a label stands only where it may be dropped."""
    pin = GENERATED[name]
    columns = schemas.columns_of(_reader(pin))
    unlabelled = 0
    for config, splits in pin.configs.items():
        for split in splits:
            rows = mini.generate(pin.generator, config, split)
            table = pa.Table.from_pylist(rows, schema=mini.schema(pin.generator))
            for number, row in enumerate(schemas.typed(table, _reader(pin), name).to_pylist()):
                values = {ours: row[theirs] for ours, theirs in columns.items() if theirs in row}
                one = Row(id=f"{number}", language="en", values=values, labels=pin.labels)
                try:
                    assert list(read(pin.reader, one))
                except UnlabelledError:
                    unlabelled += 1
    assert (unlabelled > 0) == (pin.unlabelled == "drop")
