"""A few steps of `make soak`."""

from soak.campaign import soak


def test_runs_kills_and_collections_get_along(tmp_path, monkeypatch):
    """No artifact is wrong, no run notices another's end, no file stays open."""
    monkeypatch.delenv("HARNESS_MIRROR", raising=False)
    found = soak(tmp_path, seconds=120, steps=6, seed=2)
    assert found.wrong == []
    assert found.done.total() >= 2
    assert found.samples[-1].files <= found.samples[0].files
