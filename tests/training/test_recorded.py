"""Rows are filled up to few sizes; what else a recording does needs a GPU: test_gpu.py."""

import pytest
import torch
from tiny_encoder import token_model, write_tiny_encoder

from harness.training import recorded
from harness.training.seeding import deterministic


def test_a_row_grows_by_an_eighth_at_most():
    """Above the smallest size; by six percent on average, and few sizes are in use."""
    counts = range(1, 20_000)
    sizes = [recorded.size(count) for count in counts]
    assert all(count <= size for count, size in zip(counts, sizes, strict=True))
    assert max(size / count for count, size in zip(counts[511:], sizes[511:], strict=True)) <= 1.125
    assert sum(sizes[511:]) / sum(counts[511:]) < 1.06
    assert len({size for size in sizes if 1024 < size <= 8192}) == 24
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("tokens", "pieces"), [(0, ()), (5, (5,)), (64, (64,)), (130, (64, 64, 2))]
)
def test_filling_is_in_sequences_that_the_encoder_takes(tokens, pieces):
    """None is longer than the longest."""
    assert recorded._pieces(tokens, 64) == pieces


def test_sequences_that_are_too_few_are_followed_by_empty_ones():
    """All starts after the last are its end."""
    found = recorded._starts((3, 2), 4, torch.device("cpu"))
    assert found.tolist() == [0, 3, 5, 5, 5]
    assert found.dtype == torch.int32


def test_nothing_is_recorded_on_a_cpu(tmp_path):
    """However long the training."""
    model = token_model(write_tiny_encoder(tmp_path))
    assert not recorded.record_layers(model, 1_000_000)
    assert model.recorded is None


def test_a_gpus_number_makes_it_the_present_one(monkeypatch):
    """Graphs are recorded on the present device: `--device cuda:1` is not the first."""
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled()
    deterministic(torch.get_num_threads(), torch.device("cuda", 1))
    deterministic(torch.get_num_threads(), torch.device("cuda"))
    torch.use_deterministic_algorithms(before)
    assert chosen == [torch.device("cuda", 1)]
