"""BART's decoder, one position at a time, for beam search.

fairseq's own incremental decoding reorders the encoder's output and the keys and values of the source at
every step and computes attention weights that nobody reads. Here a sentence's source is projected once
and read by all of its beams. The parameters are those of fairseq's modules, as they are.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from fairseq.models.transformer import TransformerDecoder, TransformerDecoderBase
from fairseq.modules import FairseqDropout
from fairseq.modules.transformer_layer import TransformerDecoderLayerBase
from torch import Tensor, nn

# What fairseq's decoders, layers and attention can have besides BART's: attributes that are None,
# False or 0 where they are off.
EXTRAS = (
    *("project_in_dim", "project_out_dim", "adaptive_softmax", "quant_noise"),  # decoder
    *("cross_self_attention", "c_attn", "attn_ln", "ffn_layernorm", "w_resid"),  # layer
    *("bias_k", "bias_v", "add_zero_attn", "apply_during_inference"),  # attention, dropout
)


def is_plain(decoder: nn.Module) -> bool:
    """Whether :class:`IncrementalDecoder` computes what this decoder does."""
    if type(decoder) not in (TransformerDecoderBase, TransformerDecoder):
        return False
    if any(type(layer) is not TransformerDecoderLayerBase for layer in decoder.layers):
        return False
    if decoder.embed_positions is None:
        return False
    attention = [a for layer in decoder.layers for a in (layer.self_attn, layer.encoder_attn)]
    linear = [decoder.output_projection]
    linear += [p for a in attention for p in (a.q_proj, a.k_proj, a.v_proj, a.out_proj)]
    dropout = [module for module in decoder.modules() if isinstance(module, FairseqDropout)]
    extras = [
        getattr(part, name, None)
        for part in (decoder, *decoder.layers, *attention, *dropout)
        for name in EXTRAS
    ]
    return all(type(module) is nn.Linear for module in linear) and not any(
        isinstance(extra, Tensor) or extra for extra in extras
    )


class IncrementalDecoder:
    """The decoder's features of the next positions of some hypotheses, rows in the order of sentences.

    Every sentence has the same number of rows. It holds the keys and values so far; build a new one for
    each batch, since it also joins weights, which training changes.

    Args:
        decoder: in evaluation mode, :func:`is_plain`
        encoder_out: the encoder's output for `B` sentences, as fairseq's encoders return it
        length: longest sequence that will be decoded, in tokens
    """

    def __init__(self, decoder: TransformerDecoderBase, encoder_out: dict[str, Any], length: int):
        self.decoder = decoder
        states = encoder_out["encoder_out"][0].transpose(0, 1)  # B x S x C
        self.layers = [CachedLayer(layer, states) for layer in decoder.layers]
        self.mask = None  # B x 1 x 1 x S, True where there is a source token
        if encoder_out["encoder_padding_mask"]:
            self.mask = ~encoder_out["encoder_padding_mask"][0][:, None, None, :]
        no_padding = torch.full((1, length), decoder.padding_idx + 1, device=states.device)
        self.positions = decoder.embed_positions(no_padding)  # 1 x T x C
        # Rows of each layer's cache that hold the positions of each hypothesis, rows x T: hypotheses are
        # reordered here, and the cache itself is only added to.
        self.history = torch.empty(len(states), 0, dtype=torch.long, device=states.device)
        self.used = 0

    def __call__(self, tokens: Tensor) -> Tensor:
        """Append tokens to the hypotheses.

        Args:
            tokens: shape (rows, T); T > 1 only in the first call

        Returns:
            features that the output projection takes, rows x T x C
        """
        decoder, start = self.decoder, self.history.size(1)
        new = torch.arange(self.used, self.used + tokens.numel(), device=tokens.device)
        self.history = torch.cat([self.history, new.view_as(tokens)], dim=1)
        self.used += tokens.numel()
        x = decoder.embed_scale * decoder.embed_tokens(tokens)
        x = x + self.positions[:, start : start + tokens.size(1)]
        if decoder.layernorm_embedding is not None:
            x = decoder.layernorm_embedding(x)
        for layer in self.layers:
            x = layer(x, self.history, self.mask)
        return x if decoder.layer_norm is None else decoder.layer_norm(x)

    def select_rows(self, rows: Tensor) -> None:
        """Go on with these rows; a row may be named several times or not at all."""
        self.history = self.history.index_select(0, rows)

    def select_sentences(self, sentences: Tensor) -> None:
        """Forget the sources of all other sentences; their rows are left to :meth:`select_rows`."""
        if self.mask is not None:
            self.mask = self.mask[sentences]
        for layer in self.layers:
            layer.source = layer.source.index_select(0, sentences)


class CachedLayer:
    """A decoder layer with the keys and values of all hypotheses and of the source.

    `cache` is N x 2 x H x D, where row n is any position of any hypothesis, and `source` is
    B x S x 2 x H x D: keys at 0 and values at 1.
    """

    def __init__(self, layer: TransformerDecoderLayerBase, states: Tensor):
        self.layer = layer
        this, cross = layer.self_attn, layer.encoder_attn
        self.heads = this.num_heads
        joined = (this.q_proj, this.k_proj, this.v_proj)
        self.weight = torch.cat([module.weight for module in joined])
        self.bias = torch.cat([module.bias for module in joined])
        self.source = torch.stack([cross.k_proj(states), cross.v_proj(states)], dim=2)
        self.source = self.source.unflatten(3, (self.heads, -1))
        self.cache = self.source.new_empty(0, *self.source.shape[2:])
        self.used = 0

    def __call__(self, x: Tensor, history: Tensor, mask: Tensor | None) -> Tensor:
        """rows x T x C -> rows x T x C."""
        layer = self.layer
        x = self.add(x, layer.self_attn_layer_norm, lambda x: self.self_attention(x, history))
        x = self.add(x, layer.encoder_attn_layer_norm, lambda x: self.cross_attention(x, mask))
        return self.add(
            x, layer.final_layer_norm, lambda x: layer.fc2(layer.activation_fn(layer.fc1(x)))
        )

    def add(self, x: Tensor, norm: nn.Module, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """Residual connection, normalized before or after it."""
        if self.layer.normalize_before:
            return x + sublayer(norm(x))
        return norm(x + sublayer(x))

    def self_attention(self, x: Tensor, history: Tensor) -> Tensor:
        projected = F.linear(x, self.weight, self.bias)
        query, *new = projected.unflatten(2, (3, self.heads, -1)).split((1, 2), dim=2)
        self.append(new[0].flatten(0, 1))
        found = self.cache.index_select(0, history.flatten()).unflatten(0, history.shape)
        x = attend(query.squeeze(2), found, is_causal=x.size(1) > 1)
        return self.layer.self_attn.out_proj(x)

    def append(self, new: Tensor) -> None:
        """Add rows to the cache, which doubles where they do not fit; n x 2 x H x D."""
        end = self.used + len(new)
        if end > len(self.cache):
            room = max(end, 2 * len(self.cache))
            self.cache = torch.cat(
                [self.cache, new.new_empty(room - len(self.cache), *new.shape[1:])]
            )
        self.cache[self.used : end] = new
        self.used = end

    def cross_attention(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """All rows and positions of a sentence are queries of one attention over its source."""
        attention = self.layer.encoder_attn
        query = attention.q_proj(x).view(len(self.source), -1, self.heads, attention.head_dim)
        return attention.out_proj(attend(query, self.source, attn_mask=mask).view(x.shape))


def attend(query: Tensor, keys_values: Tensor, **kwargs: Any) -> Tensor:
    """Attention of B x T x H x D over B x S x 2 x H x D -> B x T x (H * D)."""
    keys, values = keys_values.transpose(1, 3).unbind(2)  # B x H x S x D each
    x = F.scaled_dot_product_attention(query.transpose(1, 2), keys, values, **kwargs)
    return x.transpose(1, 2).flatten(2)
