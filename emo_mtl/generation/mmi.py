"""Responses to this utterance, not to any: maximum mutual information (`--mmi-weight`).

What is common is probable after every utterance, and a beam search finds it. Here a response is worth
log p(T | S) - w log p(T), T the response, S the utterance and w the weight: MMI-antiLM of Li et al. (2016),
"A Diversity-Promoting Objective Function for Neural Conversation Models". Their p(T) is that of a language
model; here it is what the model itself says after an empty utterance, so that nothing else is trained.
"""

from collections.abc import Sequence
from typing import Any

import torch
from fairseq.data import Dictionary
from torch import Tensor, nn

from emo_mtl.errors import UserError


class WithoutUtterance(nn.Module):
    """What models say after `<s> </s>`, as the language model that `SequenceGenerator` takes."""

    def __init__(self, models: Sequence[nn.Module], dictionary: Dictionary):
        super().__init__()
        self.models = models
        self.empty = [dictionary.bos(), dictionary.eos()]

    def forward(self, tokens: Tensor) -> Tensor:
        """Log-probabilities of the next token, of several models those of their mean probability.

        Args:
            tokens: responses so far, B x T

        Returns:
            B x 1 x V, in nats
        """
        lprobs = []
        for model in self.models:
            encoded = self.encode(model, tokens)
            features, _ = model.decoder(
                tokens, encoder_out=encoded, features_only=True
            )  # B x T x C
            logits = model.decoder.output_layer(features[:, -1:])
            lprobs.append(torch.log_softmax(logits.float(), dim=2))
        return torch.logsumexp(torch.stack(lprobs), dim=0) - torch.tensor(len(lprobs)).log()

    def encode(self, model: nn.Module, tokens: Tensor) -> dict[str, Any]:
        """The encoder's output for an empty utterance in place of each of the batch.

        Args:
            tokens: B x T; their number of rows and their device are used

        Returns:
            as `TransformerEncoder.forward`: `encoder_out` holds 2 x B x C, for `<s> </s>`
        """
        source = tokens.new_tensor([self.empty])
        encoded = model.encoder(source, tokens.new_tensor([len(self.empty)]))
        return model.encoder.reorder_encoder_out(encoded, tokens.new_zeros(len(tokens)))

    def get_normalized_probs(self, lprobs: Tensor, log_probs: bool, sample: Any) -> Tensor:
        """What :meth:`forward` returns: `SequenceGenerator` asks for log-probabilities."""
        return lprobs


def as_language_model(
    models: Sequence[nn.Module], dictionary: Dictionary, weight: float
) -> dict[str, Any]:
    """The arguments that make a `SequenceGenerator` subtract w log p(T); none for a weight of 0."""
    if not weight:
        return {}
    return {"lm_model": WithoutUtterance(models, dictionary), "lm_weight": -weight}


def check_mmi(weight: float, generation: Any, has_language_model: bool) -> None:
    """Check a weight, and what it does not go together with.

    Args:
        generation: flags of generation
        has_language_model: whether there is one already (`--lm-path`)

    Raises:
        UserError: a weight that is not from 0 to 1, or flags that would have no effect or another one
    """
    if not 0 <= weight <= 1:
        raise UserError(f"--mmi-weight {weight}: expected a number from 0 to 1")
    others = {
        "--lm-path": has_language_model,
        "--sampling": getattr(generation, "sampling", False),
        "--score-reference": getattr(generation, "score_reference", False),
        "--print-alignment": getattr(generation, "print_alignment", None),
    }
    for flag, is_given in others.items():
        if weight and is_given:
            raise UserError(
                f"--mmi-weight {weight}: found {flag}, beside which it cannot be used: leave one out"
            )
