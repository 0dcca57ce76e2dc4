"""Which bytes a task reads: pins, a mirror's part of them, languages and expected counts."""

import pytest
from tiny_manifests import tiny

from harness.bindings import bind, bind_encoder, data_specs
from harness.errors import DataError, ManifestError
from harness.models import EncoderPin, Mirror

SHA = "a" * 64


def held(repo="someone/questions", revision="1" * 40, partial=True, configs=None, sha256=SHA):
    """A mirror with one data set; configs: config -> split -> rows per raw language name."""
    splits = configs or {"all": {"train": {"english": 60}, "dev": {"english": 20}}}
    files = {
        config: {
            split: {
                "file": f"{config}/{split}.parquet",
                "sha256": sha256,
                "rows": sum(languages.values()),
                "languages": languages,
            }
            for split, languages in found.items()
        }
        for config, found in splits.items()
    }
    dataset = {"revision": revision, "partial": partial, "note": "a part", "configs": files}
    return Mirror.model_validate({"format": 1, "datasets": {repo: dataset}})


def bound(task="target", use="train", mirror=None, languages=None, manifests=None):
    """The binding under the tiny manifests."""
    known = manifests or tiny()
    specs = data_specs(known, known.profiles["quick"], task, use)
    return bind(known, specs[0], use, mirror=mirror, languages=languages)


def test_without_a_mirror_the_pin_names_the_file():
    """A plan can be made before anything was fetched."""
    source = bound().source()
    assert source["revision"] == "1" * 40
    assert source["files"] == {"all": {"file": "all/train.parquet", "sha256": SHA}}


def test_expected_rows_follow_from_the_chosen_languages():
    """60 of the 100 training rows are English."""
    assert bound().expected() == {"rows": 60, "languages": {"en": 60}}


def test_a_limit_cuts_every_language():
    """At most 15 of each: 15 of 20 English rows and all 10 Russian ones."""
    manifests = tiny(("tasks/target/evaluation/limit", 15))
    found = bound(use="evaluation", languages=("en", "ru"), manifests=manifests).expected()
    assert found == {"rows": 25, "languages": {"en": 15, "ru": 10}}


def test_concatenated_configs_add_up():
    """Two configs of 50 rows."""
    assert bound("other").expected() == {"rows": 100, "languages": {}}


def test_spread_configs_are_counted_once():
    """Row i comes from one of the two: 50 rows in all."""
    manifests = tiny(("tasks/other/train/combine", "spread"))
    assert bound("other", manifests=manifests).expected() == {"rows": 50, "languages": {}}


def test_where_nobody_says_nothing_is_expected():
    """Rows are then unknown, and an estimate takes 1,000."""
    manifests = tiny(("datasets/parallel/configs/p.de/train/rows", None))
    found = bound("other", manifests=manifests)
    assert found.expected() == {"rows": None, "languages": {}}
    assert found.rows() == 1000


def test_languages_of_configs_are_the_named_ones():
    """`p.de` holds German."""
    assert bound("other").languages == ("de", "fr")


def test_a_mirror_of_another_revision_is_refused():
    """Other bytes under the same name."""
    with pytest.raises(DataError, match=r"got revision 9{40}; expected 1{40}"):
        bound(mirror=held(revision="9" * 40))


def test_a_full_mirror_must_hold_the_pinned_bytes():
    """It says that it is complete, so its digest must be the pin's."""
    with pytest.raises(DataError, match=r"all train: got sha256 b{64}; expected a{64}"):
        bound(mirror=held(partial=False, sha256="b" * 64))


def test_a_partial_mirror_has_digests_of_its_own():
    """A part of the rows is another file; its digest enters the key."""
    found = bound(mirror=held(sha256="b" * 64))
    assert found.source()["files"]["all"]["sha256"] == "b" * 64
    assert found.note == "a part"


def test_a_partial_mirror_drops_evaluation_languages():
    """It counts languages by the ids' names: english only, so Russian is missing."""
    found = bound(use="evaluation", mirror=held(), languages=("en", "ru"))
    assert (found.languages, found.missing) == (("en",), ("ru",))
    assert found.expected() == {"rows": 20, "languages": {"en": 20}}


def test_an_evaluation_without_any_language_is_refused():
    """No score can come of it."""
    with pytest.raises(DataError, match="no ru dev; expected the rows that the claim needs"):
        bound(use="evaluation", mirror=held(), languages=("ru",))


def test_a_partial_mirror_must_hold_what_is_trained_on():
    """Training on half of the configs would be another recipe."""
    part = held("someone/parallel", "2" * 40, configs={"p.de": {"train": {}}})
    with pytest.raises(DataError, match=r"mirror: parallel: got no p\.fr train"):
        bound("other", mirror=part)


def test_a_data_set_that_the_mirror_does_not_list_keeps_its_pin():
    """The stage that reads it says what is missing."""
    assert bound("other", mirror=held()).source()["files"]["p.fr"]["sha256"] == SHA


def test_a_pin_without_digest_is_hashed_on_first_use():
    """The flag HASH_ON_FIRST_USE."""
    manifests = tiny(("datasets/questions/configs/all/train/sha256", None))
    assert bound(manifests=manifests).hash_on_first_use
    assert not bound().hash_on_first_use


def test_a_task_without_such_data_is_refused():
    """`other` has no evaluation data."""
    with pytest.raises(ManifestError, match=r"tasks\.yaml: other: got no `evaluation` data"):
        bound("other", "evaluation")


def test_a_profile_gives_a_task_other_data():
    """The profile's binding goes before the task's own row."""
    spec = {"dataset": "parallel", "configs": ["p.de"], "split": "train"}
    found = bound(manifests=tiny(("profile/bind", {"target": {"train": spec}})))
    assert (found.dataset, found.languages) == ("parallel", ("de",))


def test_a_source_holds_no_path_of_this_machine():
    """It enters the key: file names inside the repository only."""
    from harness.canonical import digest

    assert len(digest(bound().config())) == 64


def test_a_partial_mirror_must_hold_the_languages_that_are_trained_on():
    """The Russian half of the training must not fall away in silence."""
    manifests = tiny(("tasks/target/train/languages", ["en", "ru"]))
    with pytest.raises(DataError, match="mirror: questions: got no ru train"):
        bound(mirror=held(), manifests=manifests)


def _encoder(sha256: str | None) -> EncoderPin:
    return EncoderPin(
        kind="hub",
        title="An encoder",
        license="MIT",
        parameters=1000,
        layers=2,
        hidden_size=4,
        vocabulary=100,
        repo="somebody/encoder",
        revision="a" * 40,
        files={"model.safetensors": sha256},
    )


def _encoder_mirror(revision: str) -> Mirror:
    held = {"revision": revision, "files": {"model.safetensors": "b" * 64}}
    return Mirror.model_validate({"format": 1, "models": {"somebody/encoder": held}})


def test_an_encoder_is_the_same_whether_pin_or_mirror_says_its_hash():
    """The key of every training depends on the bytes, not on who wrote their hash down."""
    mirror = _encoder_mirror("a" * 40)
    assert bind_encoder("e", _encoder(None), mirror) == _encoder("b" * 64)
    assert bind_encoder("e", _encoder("b" * 64), mirror) == _encoder("b" * 64)


def test_a_mirrored_encoder_of_another_revision_is_refused():
    """Another revision may be another model."""
    with pytest.raises(DataError, match=f"revision {'c' * 40}.*as e is pinned"):
        bind_encoder("e", _encoder(None), _encoder_mirror("c" * 40))
