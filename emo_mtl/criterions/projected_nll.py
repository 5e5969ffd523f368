"""Projection onto the vocabulary and label-smoothed NLL in one differentiable step.

The logits (N x V) are the largest tensor of a training step. Computed one operation after another, the
projection, the log-softmax and their gradients keep four of that size, two of them in float32. Here there
is one: the gradient takes the place of the logits, and float32 exists for a few rows at a time.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Elements of the logits that are held in float32 at a time: 4 MB, which fits a CPU's cache; a GPU wants
# few launches of large kernels, 256 MB.
CHUNK = {"cpu": 2**20, "cuda": 2**26}
ALIGNMENT = 64  # elements: 128 bytes in 16 bits, a line of a GPU's cache


def projected_nll(
    features: Tensor, weight: Tensor, target: Tensor, epsilon: float
) -> tuple[Tensor, Tensor]:
    """Losses of `logits = features @ weight.T`, summed over the N positions, in nats.

    Args:
        features: decoder states of the positions that count (no padding), N x C
        weight: output embedding, V x C
        target: symbols, shape (N)
        epsilon: label smoothing as in fairseq: spread over the V - 1 other symbols (torch's
            `cross_entropy` spreads it over V)

    Returns:
        label-smoothed NLL (differentiable once), and NLL (not differentiable): float32 scalars, as of
        fairseq's `label_smoothed_nll_loss` with `reduce=True`
    """
    device = features.device.type
    if torch.is_autocast_enabled(device):
        # `--amp`: its own casts would not reach the backward pass.
        dtype = torch.get_autocast_dtype(device)
        features, weight = features.to(dtype), weight.to(dtype)
    return _ProjectedNLL.apply(features, weight, target, epsilon)


class _ProjectedNLL(torch.autograd.Function):
    """Label-smoothed NLL of a projection, and its gradient: fairseq's loss, rearranged.

    loss = lse(z) - (1 - eps - eps_i) z_target - eps_i sum(z), with eps_i = eps / (V - 1), and
    d loss / d z = softmax(z) - (1 - eps - eps_i) [target] - eps_i.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, target: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        logits = aligned_rows(len(features), len(weight), features)  # N x V
        torch.mm(features, weight.t(), out=logits)
        eps_i = epsilon / (weight.size(0) - 1)
        normalizer, total = features.new_empty(2, len(target), dtype=torch.float32).unbind()  # N
        for rows in row_chunks(logits):
            z = logits[rows].float()
            torch.logsumexp(z, dim=1, out=normalizer[rows])
            torch.sum(z, dim=1, out=total[rows])
        at_target = logits.gather(1, target.unsqueeze(1)).squeeze(1).float()  # N
        nll = (normalizer - at_target).sum()
        smooth = (weight.size(0) * normalizer - total).sum()
        loss = (1 - epsilon - eps_i) * nll + eps_i * smooth
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(features, weight, target, normalizer)
            ctx.logits = logits
            ctx.epsilon, ctx.eps_i = epsilon, eps_i
        ctx.mark_non_differentiable(nll)
        return loss, nll

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_loss: Tensor, _grad_nll: Tensor
    ) -> tuple[Tensor, Tensor, None, None]:
        features, weight, target, normalizer = ctx.saved_tensors
        grad, ctx.logits = ctx.logits, None  # N x V, written over: a second backward has no logits
        for rows in row_chunks(grad):
            g = (grad[rows].float() - normalizer[rows].unsqueeze(1)).exp_()
            g.sub_(ctx.eps_i)
            correct = target[rows].unsqueeze(1)
            g.scatter_add_(
                1, correct, torch.full_like(correct, ctx.epsilon + ctx.eps_i - 1, dtype=g.dtype)
            )
            grad[rows] = g.mul_(grad_loss)
        return grad @ weight, grad.t() @ features, None, None


def aligned_rows(rows: int, columns: int, like: Tensor) -> Tensor:
    """Room for a matrix each of whose rows begins at a multiple of ALIGNMENT elements.

    A vocabulary is seldom a multiple of 8, and a GPU multiplies matrices of 16 bits faster where rows are.
    """
    width = math.ceil(columns / ALIGNMENT) * ALIGNMENT
    return like.new_empty(rows, width)[:, :columns]


def row_chunks(logits: Tensor) -> Iterator[slice]:
    """Slices of a few rows each, so that their float32 copy stays small."""
    rows = max(1, CHUNK.get(logits.device.type, CHUNK["cuda"]) // logits.size(1))
    for start in range(0, logits.size(0), rows):
        yield slice(start, start + rows)
