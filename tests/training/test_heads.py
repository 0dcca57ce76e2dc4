"""Heads: where they read, what they start from, and how they come back from an artifact."""

import pytest
import torch
from tiny_encoder import tiny_config
from torch import nn
from transformers import XLMRobertaConfig
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaClassificationHead

from harness.errors import StageError
from harness.training.heads import FirstHead, TokenHead, new_head, stored_head
from harness.training.weights import Delta, read_delta, write_delta


def wide(width=16):
    """A configuration of this width."""
    return tiny_config(hidden_size=width)


@pytest.mark.parametrize("kind", ["token", "first"])
def test_heads_of_a_seed_are_equal(kind):
    """Every system of a seed starts from the same head; another seed and number from another."""
    heads = [new_head(kind, 2, wide(), *which) for which in ((3,), (3,), (4,), (3, 1))]
    first, *others = [head.output.weight for head in heads]
    assert [torch.equal(first, other) for other in others] == [True, False, False]
    assert heads[0].output.bias.tolist() == [0.0, 0.0]


def test_a_question_answering_head_keeps_its_numbers():
    """A literal that is never edited: the first weights of seed 0's head."""
    drawn = new_head("token", 2, wide(), 0).output.weight[0, :3].tolist()
    assert drawn == pytest.approx([-0.00741311, 0.00856211, -0.0166416], abs=1e-7)


def test_a_head_is_as_wide_as_the_encoder_draws():
    """Standard deviation 0.02, transformers' initializer_range, in every layer."""
    head = new_head("first", 200, wide(256), 0)
    assert head.dense.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert head.output.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not head.dense.bias.any()


def test_a_first_head_is_transformers_own():
    """Sequences of 3, 1 and 2 tokens: tokens 0, 3 and 4 are classified."""
    config = XLMRobertaConfig(hidden_size=16, num_labels=3)
    theirs, mine = XLMRobertaClassificationHead(config).eval(), FirstHead(16, 3, 0.1).eval()
    mine.dense.load_state_dict(theirs.dense.state_dict())
    mine.output.load_state_dict(theirs.out_proj.state_dict())
    states = torch.randn(6, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mine(states, (3, 1, 2)), theirs(states[[0, 3, 4]][:, None]))


def test_a_first_head_drops_as_the_encoder_does():
    """In training, with the encoder's hidden dropout, before both of its layers."""
    head = new_head("first", 2, tiny_config(hidden_dropout_prob=0.25), 0)
    assert [one.p for one in head.modules() if isinstance(one, nn.Dropout)] == [0.25, 0.25]


def test_logits_are_wide_under_autocast():
    """States in bf16, logits in float32."""
    states = torch.ones(2, 16, dtype=torch.bfloat16)
    for head in (TokenHead(16, 2), FirstHead(16, 2, 0.0)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert head(states, (1, 1)).dtype == torch.float32


def delta(*heads):
    """An artifact's delta with these heads and nothing else."""
    tensors = {f"heads.{key}": value for key, value in nn.ModuleList(heads).state_dict().items()}
    rows = torch.zeros(1, dtype=torch.int64)
    return Delta(tensors={}, rows=rows, values=torch.zeros(1, 16), scale=1.0, heads=tensors)


def test_heads_come_back_by_number(tmp_path):
    """Two heads of different kinds, written and read."""
    made = [new_head("token", 5, wide(), 0, 0), new_head("first", 3, wide(), 0, 1)]
    write_delta(tmp_path, delta(*made))
    stored = read_delta(tmp_path).heads
    first = stored_head("token", 5, wide(), stored)
    second = stored_head("first", 3, wide(), stored, number=1)
    assert torch.equal(first.output.weight, made[0].output.weight)
    assert torch.equal(second.dense.weight, made[1].dense.weight)


def test_a_head_of_another_size_or_kind_is_refused():
    """Three labels were trained, two are asked for; a token head isn't a classifier."""
    stored = delta(new_head("token", 3, wide(), 0)).heads
    with pytest.raises(StageError, match=r"got a head of .*\(3, 16\)"):
        stored_head("token", 2, wide(), stored)
    with pytest.raises(StageError, match=r"expected a head of .*dense"):
        stored_head("first", 3, wide(), stored)


def test_an_artifact_without_heads_is_refused():
    """It is an intermediate training's."""
    with pytest.raises(StageError, match="got no head"):
        stored_head("token", 2, wide(), {})
