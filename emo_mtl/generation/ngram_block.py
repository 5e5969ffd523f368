"""`--no-repeat-ngram-size` that blocks.

fairseq 0.12's own blocker compares the padded tail of its token buffer, so that without its CUDA
extension nothing is ever banned (fairseq issue 5206).
"""

import math
from typing import Any

import torch
from torch import Tensor, nn


class NGramBlock(nn.Module):
    """Bans every token that would repeat an n-gram of its own hypothesis.

    Takes the place of `fairseq.ngram_repeat_block.NGramRepeatBlock` in a `SequenceGenerator`.

    Args:
        n: length of the n-grams, in tokens
        pad: index of the padding symbol, which the generator never selects
    """

    def __init__(self, n: int, pad: int):
        super().__init__()
        self.n = n
        self.pad = pad
        self.given = 0  # first tokens of a hypothesis that are not chosen: they may repeat

    def forward(
        self, tokens: Tensor, lprobs: Tensor, bsz: int, beam_size: int, step: int
    ) -> Tensor:
        """Set the banned entries of `lprobs` to minus infinity, in place.

        Args:
            tokens: hypotheses so far in columns 0 to `step`, then padding; column 0 is the start
                symbol and no part of an n-gram; shape (bsz * beam_size, at least step + 1)
            lprobs: log-probabilities of the next token, nats, shape (bsz * beam_size, vocabulary)

        Returns:
            `lprobs`
        """
        generated = tokens[:, 1 : step + 1]  # B x T
        if step < self.given or generated.size(1) < self.n:
            return lprobs
        ngrams = generated.unfold(1, self.n, 1)  # B x (T - n + 1) x n
        context = generated[:, generated.size(1) - self.n + 1 :]  # B x (n - 1)
        repeats = (ngrams[:, :, :-1] == context.unsqueeze(1)).all(dim=-1)  # B x (T - n + 1)
        # Where an n-gram does not fit, the ban falls on the padding symbol, which is banned anyway.
        banned = torch.where(repeats, ngrams[:, :, -1], self.pad)
        return lprobs.scatter_(1, banned, -math.inf)


def block_ngrams(generator: Any, size: int, pad: int) -> None:
    """Give a generator of fairseq that is to block n-grams the blocker that does.

    Args:
        size: of the n-grams; 0 for none
        pad: padding index
    """
    if size > 0 and getattr(generator, "repeat_ngram_blocker", None) is not None:
        generator.repeat_ngram_blocker = NGramBlock(size, pad)


def set_given(generator: Any, tokens: int) -> None:
    """Tell a generator's blocker, where it has one, how many first tokens of each hypothesis are given."""
    blocker = getattr(generator, "repeat_ngram_blocker", None)
    if isinstance(blocker, NGramBlock):
        blocker.given = tokens
