"""Packed attention against the textbook formula, differentiated by torch."""

import pytest
import torch

from harness.training.attention import packed_attention
from harness.training.dropout import Draws, FastDropout, dropped
from harness.training.seeding import generator

SHORT, LONG = (3, 7, 1), (70, 66)
LENGTHS = SHORT
HEADS, WIDTH, SCALING = 2, 4, 0.5


class Layer(torch.nn.Module):
    """What packed_attention reads of a self-attention layer."""

    def __init__(self, p):
        super().__init__()
        self.dropout = FastDropout(p, Draws("attention test"))


def inputs(dtype=torch.float64, lengths=LENGTHS):
    """q, k and v, (1, heads, tokens, width)."""
    rng = generator("inputs")
    shape = (1, HEADS, sum(lengths), WIDTH)
    values = (torch.from_numpy(rng.normal(size=shape)).to(dtype) for _ in range(3))
    return [one.requires_grad_() for one in values]


def kept(p, lengths):
    """What dropout keeps of each sequence's probabilities, (heads, length, length) each.

    A long sequence draws for itself. The short ones draw together, shortest first, for a rectangle
    as wide as the longest of them.
    """
    rng, found = generator("attention test"), {}
    short = sorted((i for i, n in enumerate(lengths) if n <= 64), key=lambda i: lengths[i])
    for i in (i for i in range(len(lengths)) if i not in short):
        shape = (HEADS, lengths[i], lengths[i])
        found[i] = torch.from_numpy(~dropped(rng, HEADS * lengths[i] ** 2, p)).view(shape)
    if short:
        longest = lengths[short[-1]]
        shape = (len(short), HEADS, longest, longest)
        drawn = torch.from_numpy(~dropped(rng, len(short) * HEADS * longest**2, p)).view(shape)
        found |= {i: drawn[j, :, : lengths[i], : lengths[i]] for j, i in enumerate(short)}
    return found


def textbook(q, k, v, p, lengths=LENGTHS):
    """Sequence by sequence: softmax, dropout, product."""
    start, parts, masks = 0, [], kept(p, lengths)
    for place, length in enumerate(lengths):
        part = slice(start, start + length)
        start += length
        weights = torch.softmax(q[0, :, part] @ k[0, :, part].transpose(1, 2) * SCALING, -1)
        parts.append((weights * masks[place] / (1 - p)) @ v[0, :, part])
    return torch.cat(parts, dim=1).transpose(0, 1)[None]


@pytest.mark.parametrize("p", [0.0, 0.3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("lengths", [SHORT, LONG, (3, 70, 7, 7)])
def test_values_and_gradients_are_the_textbook_ones(p, dtype, lengths):
    """Forward and the three gradients, with and without dropout, of long and short sequences."""
    mine, theirs = inputs(dtype, lengths), inputs(dtype, lengths)
    out, none = packed_attention(Layer(p), *mine, None, dropout=p, scaling=SCALING, lengths=lengths)
    reference = textbook(*theirs, p, lengths)
    weights = torch.from_numpy(generator("loss").normal(size=out.shape)).to(dtype)
    (out * weights).sum().backward()
    (reference * weights).sum().backward()
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    assert none is None
    assert torch.allclose(out, reference, atol=tolerance, rtol=0)
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=tolerance, rtol=0)


def test_bf16_stays_near():
    """bf16 has eight bits: within 3 % of the largest value."""
    out, _ = packed_attention(
        Layer(0.3),
        *inputs(torch.bfloat16),
        None,
        dropout=0.3,
        scaling=SCALING,
        lengths=LENGTHS,
    )
    reference = textbook(*inputs(), 0.3)
    assert (out.double() - reference).abs().max() < 0.03 * reference.abs().max()


def test_sequences_do_not_see_each_other():
    """Changing the last sequence leaves the others' values alone."""
    q, k, v = inputs()
    before, _ = packed_attention(Layer(0.0), q, k, v, None, scaling=SCALING, lengths=LENGTHS)
    changed = v.detach().clone()
    changed[:, :, -1] += 1.0
    after, _ = packed_attention(Layer(0.0), q, k, changed, None, scaling=SCALING, lengths=LENGTHS)
    assert torch.equal(before[:, :-1], after[:, :-1])
    assert not torch.equal(before[:, -1], after[:, -1])
