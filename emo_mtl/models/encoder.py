"""BART's encoder, which does not wait for the GPU."""

from typing import Any

import torch
from fairseq.models.transformer import TransformerEncoderBase
from torch import Tensor

from emo_mtl.compat import may_take_batch_first


class TransformerEncoder(TransformerEncoderBase):
    """fairseq's encoder, parameters and results; its name too, which `--retain-dropout-modules` looks at.

    fairseq asks before every layer whether the batch has padding. On a GPU the host waits for the answer each
    time, and the GPU then for its next kernels.
    """

    def forward(
        self,
        src_tokens: Tensor,
        src_lengths: Tensor | None = None,
        return_all_hiddens: bool = False,
        token_embeddings: Tensor | None = None,
    ) -> dict[str, Any]:
        """As `TransformerEncoderBase.forward`.

        Args:
            src_tokens: B x T
            src_lengths: not used
            token_embeddings: B x T x C, instead of those of `src_tokens`
        """
        if may_take_batch_first(
            self.layers[0]
        ):  # that fairseq asks twice a batch, not before each layer
            return super().forward(src_tokens, src_lengths, return_all_hiddens, token_embeddings)
        padding = src_tokens.eq(self.padding_idx)  # B x T
        x, embedding = self.forward_embedding(src_tokens, token_embeddings)  # B x T x C
        x = x.masked_fill(padding.unsqueeze(2), 0).transpose(0, 1)  # T x B x C
        # Attention without a mask is faster on a CPU, which has nothing to wait for.
        mask = padding if padding.device.type != "cpu" or padding.any() else None
        states, extras = [x], []
        for layer in self.layers:
            found = layer(x, encoder_padding_mask=mask)
            x, extra = found if isinstance(found, tuple) else (found, None)
            states.append(x)
            extras.append(extra)
        if self.layer_norm is not None:
            x = self.layer_norm(x)
        lengths = padding.logical_not().sum(dim=1, keepdim=True, dtype=torch.int32)  # B x 1
        return {
            "encoder_out": [x],
            "encoder_padding_mask": [padding],
            "encoder_embedding": [embedding],
            "encoder_states": states if return_all_hiddens else [],
            "fc_results": extras if return_all_hiddens else [],
            "src_tokens": [],
            "src_lengths": [lengths],
        }
