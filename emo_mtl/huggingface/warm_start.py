"""A BART whose layers begin as those of an encoder: BERT, MiniLM and others of their shape, in any language.

Rothe et al. 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks" (BERT2BERT). The encoder
is the other one, but for the epsilon of its layer norms, 1e-5 here. The decoder has the same layers; its
attention to the source begins as a copy of the attention to itself.
"""

import re
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from fairseq.models import ARCH_CONFIG_REGISTRY
from torch import Tensor

from emo_mtl.errors import UserError
from emo_mtl.huggingface.convert import BART_FLAGS, TIED, VERSION, checkpoint
from emo_mtl.models import emo_bart  # noqa: F401  (registers the architectures)

if TYPE_CHECKING:
    from transformers import BertConfig

# A layer's modules in transformers' BertModel: in fairseq's transformer.
MODULES = {
    "attention.self.query": "self_attn.q_proj",
    "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj",
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "self_attn_layer_norm",
    "intermediate.dense": "fc1",
    "output.dense": "fc2",
    "output.LayerNorm": "final_layer_norm",
}
LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)")
ARCHITECTURES = ("emo_bart_minilm", "emo_bart_base", "emo_bart_large")
SHAPE = (
    *("encoder_embed_dim", "encoder_ffn_embed_dim", "encoder_layers", "encoder_attention_heads"),
    *("decoder_layers", "decoder_attention_heads", "max_source_positions", "max_target_positions"),
)
FIRST_POSITION = 2  # fairseq counts positions from the number of <pad>, 1, plus one


def warm_start(config: "BertConfig", state: Mapping[str, Tensor], rows: Tensor) -> dict[str, Any]:
    """The content of a checkpoint in the format of bart.large/model.pt: no heads, no optimizer.

    Args:
        config: of the encoder
        state: the parameters of a `BertModel`
        rows: embeddings of the vocabulary, V x C

    Raises:
        UserError: an encoder that is no BERT in all
    """
    return checkpoint(fairseq_flags(config), bart_state(state, rows))


def fairseq_flags(config: "BertConfig") -> Namespace:
    """The flags of fairseq's `bart` for an encoder's configuration.

    Raises:
        UserError: something that BART's layers do not have
    """
    expected = {"hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False}
    for key, value in expected.items():
        if getattr(config, key, value) != value:
            raise UserError(
                f"the encoder cannot be imported: found {key} {getattr(config, key)!r}, expected {value!r}, "
                "since fairseq's BART has nothing else: give another model"
            )
    sizes = {
        "embed_dim": config.hidden_size,
        "layers": config.num_hidden_layers,
        "ffn_embed_dim": config.intermediate_size,
        "attention_heads": config.num_attention_heads,
    }
    return Namespace(
        **BART_FLAGS,
        **{f"encoder_{name}": size for name, size in sizes.items()},
        **{f"decoder_{name}": size for name, size in sizes.items()},
        max_source_positions=config.max_position_embeddings,
        max_target_positions=config.max_position_embeddings,
        no_scale_embedding=True,
        activation_fn="gelu",
        dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
    )


def bart_state(state: Mapping[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    """The parameters of fairseq's BART, from those of a `BertModel` and embeddings, V x C.

    Raises:
        UserError: a parameter of the layers that BART has no place for
    """
    # All tokens are of the first type; <pad> and the number before it have no position.
    positions = state["embeddings.position_embeddings.weight"]
    positions = positions + state["embeddings.token_type_embeddings.weight"][0]
    positions = torch.cat([positions.new_zeros(FIRST_POSITION, positions.size(1)), positions])
    shared = {"embed_positions.weight": positions}
    for kind in ("weight", "bias"):
        shared[f"layernorm_embedding.{kind}"] = state[f"embeddings.LayerNorm.{kind}"]
    for key, value in state.items():
        if not key.startswith("encoder."):
            continue  # embeddings, and a pooler that BART does not have
        found = LAYER.fullmatch(key)
        if not found or found[2] not in MODULES:
            raise UserError(
                f"the encoder cannot be imported: found a parameter {key}, expected the layers of a BERT"
            )
        shared[f"layers.{found[1]}.{MODULES[found[2]]}.{found[3]}"] = value
    cross = {
        key.replace("self_attn", "encoder_attn"): value.clone()
        for key, value in shared.items()
        if "self_attn" in key
    }
    return {
        **{f"encoder.{key}": value for key, value in shared.items()},
        **{f"decoder.{key}": value.clone() for key, value in (shared | cross).items()},
        **dict.fromkeys(TIED, rows),
        "encoder.version": VERSION,
        "decoder.version": VERSION,
    }


def shape_flags(args: Namespace) -> list[str]:
    """fairseq-train's flags for a model of this shape: the nearest architecture, and where it differs."""
    found = []
    for arch in ARCHITECTURES:
        defaults = Namespace()
        ARCH_CONFIG_REGISTRY[arch](defaults)
        flags = ["--arch", arch]
        for name in SHAPE:
            if getattr(args, name) != getattr(defaults, name, None):
                flags += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
        found.append(flags)
    return min(found, key=len)
