"""From features to the best next tokens, without a pass over the vocabulary more than is needed."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 64  # tokens of which the best one is looked up first; logits are padded to a multiple of it
CPU_CHUNK = 1024  # rows of the embedding in one matrix product, whose logits stay in the L2 cache


def logits_buffer(rows: int, vocabulary: int, device: torch.device) -> Tensor:
    """Room for the logits of `rows` hypotheses; a padded column is never chosen.

    Returns:
        rows x W, W the smallest multiple of BLOCK that holds the vocabulary
    """
    width = math.ceil(vocabulary / BLOCK) * BLOCK
    return torch.full((rows, width), -math.inf, device=device)


def project(features: Tensor, weight: Tensor, buffer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, and what turns them into log-probabilities: `log p = logit - maximum - log_sum`.

    Args:
        features: rows x C
        weight: the output embedding, V x C
        buffer: of :func:`logits_buffer`, overwritten, at least rows x W

    Returns:
        logits, rows x W, a part of `buffer`; the maximum of each row and the logarithm of the sum of
        its `exp(logit - maximum)`, rows x 1 each, in float32
    """
    logits = buffer[: features.size(0)]
    chunk = CPU_CHUNK if features.device.type == "cpu" else weight.size(0)
    maxima, sums = [], []
    for start in range(0, weight.size(0), chunk):
        rows = weight[start : start + chunk]
        part = logits[:, start : start + len(rows)]
        if weight.dtype == part.dtype:
            torch.mm(features, rows.t(), out=part)
        else:
            part.copy_(F.linear(features, rows))
        maxima.append(part.amax(1, keepdim=True))
        sums.append((part - maxima[-1]).exp_().sum(1, keepdim=True))
    chunk_maxima = torch.cat(maxima, dim=1)
    maximum = chunk_maxima.amax(1, keepdim=True)
    total = (torch.cat(sums, dim=1) * (chunk_maxima - maximum).exp()).sum(1, keepdim=True)
    return logits, maximum, total.log()


def best_continuations(
    logits: Tensor, maximum: Tensor, log_sum: Tensor, scores: Tensor, k: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The k best continuations of each sentence, best first.

    The k best tokens lie in the k blocks that hold the best token of a block: only those are sorted.

    Args:
        logits, maximum, log_sum: of :func:`project`, B * K rows; banned logits are minus infinity
        scores: log-probability of each hypothesis so far, nats, B x K

    Returns:
        log-probability with the new token (minus infinity for NaN, as in fairseq), the token, and the
        number of its hypothesis within the sentence; B x k each
    """
    sentences, beams = scores.shape
    blocks = logits.view(sentences, beams, -1, BLOCK)
    per_row = blocks.size(2)
    normalizers = [x.view(sentences, beams, 1) for x in (maximum, log_sum, scores)]

    def total(values: Tensor, maximum: Tensor, log_sum: Tensor, scores: Tensor) -> Tensor:
        """fairseq's order of operations, so that both round alike."""
        result = values - maximum - log_sum + scores
        return result.masked_fill_(result.isnan(), -math.inf)

    of_blocks = total(blocks.amax(3), *normalizers).flatten(1)  # B x (K * blocks)
    best_blocks = of_blocks.topk(min(k, of_blocks.size(1)), sorted=False).indices
    beam = best_blocks // per_row
    first = torch.arange(0, sentences * beams * per_row, beams * per_row, device=logits.device)
    rows = (best_blocks + first.unsqueeze(1)).flatten()
    inside = logits.view(-1, BLOCK).index_select(0, rows).view(sentences, -1, BLOCK)
    of_tokens = total(inside, *(x.squeeze(2).gather(1, beam).unsqueeze(2) for x in normalizers))
    values, at = of_tokens.flatten(1).topk(k)
    block = best_blocks.gather(1, at // BLOCK)
    return values, block % per_row * BLOCK + at % BLOCK, block // per_row
