"""Model `emo_bart`: BART with one LM head and one classification head for each task (paper, Figure 1)."""

from argparse import Namespace
from collections.abc import Callable, Collection
from typing import Any

import torch
from fairseq.data import Dictionary
from fairseq.models import register_model, register_model_architecture
from fairseq.models.bart.model import (
    BARTModel,
    bart_base_architecture,
    bart_large_architecture,
)
from fairseq.models.transformer import TransformerConfig
from omegaconf import OmegaConf
from torch import Tensor, nn

from emo_mtl.errors import UserError
from emo_mtl.models.encoder import TransformerEncoder
from emo_mtl.models.heads import check_heads, head_of, head_sizes

EMBEDDING = "encoder.embed_tokens.weight"
COPIES = ("decoder.embed_tokens.weight", "decoder.output_projection.weight")  # of BART's embedding
# The layer whose attention weights fairseq's decoder returns. With weights to return attention has no fused
# kernel, and nobody reads them here.
NO_LAYER = -1


def last_position(tokens: Tensor, symbol: int) -> Tensor:
    """Position of the last `symbol` in each row; 0 for a row without it.

    Args:
        tokens: shape (batch, length)

    Returns:
        shape (batch)
    """
    one_based = torch.arange(1, tokens.size(1) + 1, device=tokens.device)
    return (tokens.eq(symbol) * one_based).argmax(dim=1)


@register_model("emo_bart")
class EmoBARTModel(BARTModel):
    """fairseq's BART, except for how a sentence is summed up for a classification head.

    `BARTModel` takes the decoder states at all `</s>` of a batch and reshapes them, which mixes rows
    as soon as one of them holds another number of `</s>`. Here each row's last one is gathered.
    """

    takes_lm_loss = True  # what a criterion asks, through the wrappers of several GPUs too
    num_updates = 0  # before the one that is being made; for messages
    # What `emo_mtl.training.restore` found out about the checkpoint that a training starts from:
    new_heads: Collection[str] = ()  # begin anew, whatever it holds
    fits_rows = False  # its embedding may lack <mask> or be padded

    def __init__(self, args: Namespace, encoder: nn.Module, decoder: nn.Module):
        super().__init__(args, encoder, decoder)
        scale_linear_weights(self, getattr(args, "linear_init_scale", 1.0))

    @classmethod
    def build_model(cls, args: Any, task: Any) -> "EmoBARTModel":
        """As `BARTModel.build_model`, from a config of Hydra too.

        fairseq keeps of such a config only what every transformer has: BART's heads and the initialisation
        would go without their settings. fairseq-train's namespace also has what other groups hold.
        """
        if OmegaConf.is_config(args):
            lengths = ("max_source_length", "max_target_length")
            others = {name: getattr(task.cfg, name, None) for name in lengths}
            args = Namespace(**OmegaConf.to_container(args), **others, task="emotion_dialogue")
        return super().build_model(args, task)

    @classmethod
    def build_encoder(
        cls, args: Namespace, src_dict: Dictionary, embed_tokens: nn.Module
    ) -> TransformerEncoder:
        return TransformerEncoder(TransformerConfig.from_namespace(args), src_dict, embed_tokens)

    def set_num_updates(self, num_updates: int) -> None:
        """Told by fairseq before each micro-batch."""
        super().set_num_updates(num_updates)
        self.num_updates = num_updates

    def forward(
        self,
        src_tokens: Tensor,
        src_lengths: Tensor,
        prev_output_tokens: Tensor,
        classification_head_name: str | None = None,
        lm_loss: Callable[[Tensor, Tensor], Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, dict[str, Any]]:
        """As `BARTModel.forward`; all sequences are padded on the right.

        Args:
            src_tokens: shape (batch, source length)
            src_lengths: shape (batch)
            prev_output_tokens: shape (batch, target length)
            classification_head_name: head to apply instead of the LM head
            lm_loss: what to return instead of the LM head's scores, a function of the decoder's states
                (B x T x C) and the output embedding (V x C). It is called in here, as wrappers for several
                GPUs expect of all uses of parameters

        Returns:
            B x T x V scores over the vocabulary, B x C over the head's classes, or what `lm_loss` returns;
            and fairseq's extras
        """
        if classification_head_name is None and lm_loss is None:
            return super().forward(src_tokens, src_lengths, prev_output_tokens, **kwargs)
        kwargs = {"features_only": True, "alignment_layer": NO_LAYER, **kwargs}
        features, extra = super().forward(
            src_tokens, src_lengths, prev_output_tokens, **kwargs
        )  # B x T x C
        if classification_head_name is None:
            return lm_loss(features, self.decoder.output_projection.weight), extra
        rows = torch.arange(features.size(0), device=features.device)
        sentence = features[rows, last_position(src_tokens, self.eos)]  # B x C
        return self.classification_heads[classification_head_name](sentence), extra

    def set_beam_size(self, beam: int) -> None:
        """Keep ordinary cross-attention during beam search.

        fairseq's `BARTModel` (main, after 0.12.2) switches its attention to read one row in `beam` and
        never switches back: after one `--eval-bleu` training and classification would read wrong rows.
        """

    def upgrade_state_dict_named(self, state_dict: dict[str, Tensor], name: str) -> None:
        """Check a checkpoint against this model, then let BART adapt it.

        Raises:
            UserError: another vocabulary, or without a head that this model has
        """
        num_symbols = len(self.encoder.dictionary)
        if self.fits_rows:
            for key in (EMBEDDING, *COPIES):
                if key in state_dict:
                    state_dict[key] = fit_rows(state_dict[key], num_symbols)
        check_vocabulary(state_dict, num_symbols)
        heads = self.classification_heads.state_dict().items()
        own = {f"classification_heads.{key}": value for key, value in heads}
        for key in [key for key in state_dict if head_of(key)]:
            if key not in own or head_of(key) in self.new_heads:
                del state_dict[key]
        state_dict.update({key: own[key] for key in own if head_of(key) in self.new_heads})
        check_heads(head_sizes(state_dict), head_sizes(own))
        super().upgrade_state_dict_named(state_dict, name)


def scale_linear_weights(model: nn.Module, scale: float) -> None:
    """Multiply the initial weights of linear layers; the output layer is the embedding, and stays."""
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and not name.endswith("output_projection"):
                module.weight.mul_(scale)


def fit_rows(embedding: Tensor, num_symbols: int) -> Tensor:
    """An embedding with a row for each symbol, where it is sure which rows it has.

    That of bart.large.cnn and .xsum lacks `<mask>`, the last symbol, which no text has: it becomes the mean
    of the others. Models trained elsewhere may have their rows padded to a multiple of 8 to 64.

    Args:
        embedding: shape (rows, C)

    Returns:
        shape (num_symbols, C), or `embedding` as it is
    """
    rows = embedding.size(0)
    if rows == num_symbols - 1:
        return torch.cat([embedding, embedding.mean(dim=0, keepdim=True)])
    if 0 < rows - num_symbols < 64 and rows % 8 == 0:
        return embedding[:num_symbols]
    return embedding


def rows_changed(weight: Tensor | None, num_symbols: int) -> str | None:
    """How :func:`fit_rows` changes an embedding; None where it leaves it as it is."""
    if weight is None:
        return None
    before, after = weight.size(0), fit_rows(weight, num_symbols).size(0)
    if before == after:
        return None
    how = (
        "a row is added for <mask>, the mean of the others"
        if before < after
        else f"the last {before - after} are cut off, as padding that no symbol has"
    )
    return f"found embeddings for {before:,} symbols, expected {after:,}: {how}"


def check_vocabulary(state_dict: dict[str, Tensor], num_symbols: int) -> None:
    """Raise `UserError` where the checkpoint's embedding does not fit the dictionary."""
    if EMBEDDING not in state_dict:
        raise UserError(f"the checkpoint has no {EMBEDDING}, expected an encoder and a decoder")
    rows = state_dict[EMBEDDING].size(0)
    if rows != num_symbols:
        raise UserError(
            f"the checkpoint has embeddings for {rows:,} symbols, but the dictionary of the data has "
            f"{num_symbols:,} (with <mask>): use the data folder that the checkpoint was trained on, or "
            "prepare the data with the checkpoint's dict.txt"
        )


@register_model_architecture("emo_bart", "emo_bart_large")
def emo_bart_large(args: Namespace) -> None:
    """bart.large: 12 + 12 layers of 1,024 units, 406 M parameters with GPT-2 BPE."""
    bart_large_architecture(args)


@register_model_architecture("emo_bart", "emo_bart_base")
def emo_bart_base(args: Namespace) -> None:
    """bart.base: 6 + 6 layers of 768 units, 139 M parameters with GPT-2 BPE."""
    bart_base_architecture(args)


@register_model_architecture("emo_bart", "emo_bart_minilm")
def emo_bart_minilm(args: Namespace) -> None:
    """MiniLM-L6's shape: 6 + 6 layers of 384 units, 12 heads, 28 M parameters with 8,000 symbols."""
    _shape(args, layers=6, units=384, attention_heads=12)


@register_model_architecture("emo_bart", "emo_bart_small")
def emo_bart_small(args: Namespace) -> None:
    """Between tiny and minilm: 3 + 3 layers of 192 units, 4.8 M parameters with 8,000 symbols."""
    _shape(args, layers=3, units=192, attention_heads=4)
    _keep_gain(args)


@register_model_architecture("emo_bart", "emo_bart_tiny")
def emo_bart_tiny(args: Namespace) -> None:
    """For minutes on a CPU, and tests: 2 + 2 layers of 128 units, 1.7 M parameters with 4,000 symbols."""
    _shape(args, layers=2, units=128, attention_heads=4)
    _keep_gain(args)


def _shape(args: Namespace, layers: int, units: int, attention_heads: int) -> None:
    """Sizes of encoder and decoder where no flag gives them; all else is as in bart.large."""
    args.encoder_embed_dim = getattr(args, "encoder_embed_dim", units)
    args.encoder_ffn_embed_dim = getattr(args, "encoder_ffn_embed_dim", 4 * units)
    args.encoder_layers = getattr(args, "encoder_layers", layers)
    args.encoder_attention_heads = getattr(args, "encoder_attention_heads", attention_heads)
    args.decoder_layers = getattr(args, "decoder_layers", layers)
    args.decoder_attention_heads = getattr(args, "decoder_attention_heads", attention_heads)
    bart_large_architecture(args)


def _keep_gain(args: Namespace) -> None:
    """Larger weights at first, for a narrow model that is trained from scratch.

    BART initialises linear layers with a standard deviation of 0.02, which suits its 1,024 units. In 128
    the same number would let next to nothing through: such a model would be slow to look at the utterance.
    The scale keeps the gain of a layer, std * sqrt(units), that of bart.large.
    """
    args.linear_init_scale = (1024 / args.encoder_embed_dim) ** 0.5
