"""BART's parameters and flags, from fairseq to Hugging Face transformers and back.

Both are the same network and give `<s>`, `<pad>`, `</s>` and `<unk>` the same numbers. Parameters are
renamed, never changed: logits agree to float tolerance, and there and back is bit-identical.
"""

import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from fairseq.data import Dictionary
from torch import Tensor

from emo_mtl.compat import is_copy
from emo_mtl.errors import UserError
from emo_mtl.generation.response import never_generated
from emo_mtl.huggingface.library import import_transformers
from emo_mtl.models.emo_bart import EmoBARTModel, fit_rows

if TYPE_CHECKING:
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        BartForSequenceClassification,
        GenerationConfig,
    )

# fairseq's flag: the key of transformers' BartConfig that has the same value.
CONFIG_KEYS = {
    "encoder_embed_dim": "d_model",
    "encoder_layers": "encoder_layers",
    "encoder_ffn_embed_dim": "encoder_ffn_dim",
    "encoder_attention_heads": "encoder_attention_heads",
    "encoder_layerdrop": "encoder_layerdrop",
    "decoder_layers": "decoder_layers",
    "decoder_ffn_embed_dim": "decoder_ffn_dim",
    "decoder_attention_heads": "decoder_attention_heads",
    "decoder_layerdrop": "decoder_layerdrop",
    "max_source_positions": "max_position_embeddings",
    "activation_fn": "activation_function",
    "dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    "pooler_dropout": "classifier_dropout",
}
# Activations with one name and one meaning in both (fairseq's gelu is the exact one).
ACTIVATIONS = ("gelu", "relu")
# Flags with the only value that transformers' BART has, where the parameters' names do not show it.
FIXED_FLAGS = {
    "encoder_normalize_before": False,
    "decoder_normalize_before": False,
    "cross_self_attention": False,
    "pooler_activation_fn": "tanh",
}
# Of every BART, in fairseq's format.
BART_FLAGS = {
    "arch": "bart_large",
    "task": "denoising",
    "share_all_embeddings": True,
    "share_decoder_input_output_embed": True,
    "layernorm_embedding": True,
    "encoder_learned_pos": True,
    "decoder_learned_pos": True,
    **FIXED_FLAGS,
}
TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
OUTPUT = "decoder.output_projection.weight"
SPECIAL_IDS = {
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
# Of fairseq's encoders and decoders: an older number would make fairseq adapt the parameters.
VERSION = torch.tensor([3.0])


# ---- to Hugging Face


def to_huggingface(model: EmoBARTModel, dictionary: Dictionary) -> "BartForConditionalGeneration":
    """The model for generation; its `generate` decodes as fairseq-generate does with the task.

    Args:
        model: with any heads, which are left out
        dictionary: with `<mask>`

    Raises:
        UserError: transformers is not installed, or its BART has no place for a flag or a parameter
    """
    transformers = import_transformers()
    converted = transformers.BartForConditionalGeneration(bart_config(model))
    load_exactly(converted, to_huggingface_state(model))
    converted.generation_config = generation_config(model, dictionary)
    return converted.eval()


def to_huggingface_classifier(
    model: EmoBARTModel, name: str, labels: Sequence[str], several: bool = False
) -> "BartForSequenceClassification":
    """The model with one of its heads, whose classes have these labels.

    Args:
        several: whether an utterance may have several labels: their probabilities are sigmoids then, in the
            pipeline too

    Raises:
        UserError: as of :func:`to_huggingface`
    """
    kind = {"problem_type": "multi_label_classification"} if several else {}
    config = bart_config(
        model,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        **kind,
    )
    converted = import_transformers().BartForSequenceClassification(config)
    state = to_huggingface_state(model)
    del state["lm_head.weight"], state["final_logits_bias"]
    head = model.classification_heads[name].state_dict()
    load_exactly(converted, state | {f"classification_head.{k}": v for k, v in head.items()})
    return converted.eval()


def bart_config(model: EmoBARTModel, **more: Any) -> "BartConfig":
    """The dimensions, dropouts and special symbols of a model, and `more`.

    Raises:
        UserError: a flag that transformers' BART has no place for
    """
    args = model.args
    for flag, value in FIXED_FLAGS.items():
        if getattr(args, flag, value) != value:
            raise unsupported(f"--{flag.replace('_', '-')} {getattr(args, flag)}", value)
    if args.activation_fn not in ACTIVATIONS:
        raise unsupported(f"--activation-fn {args.activation_fn}", " or ".join(ACTIVATIONS))
    if args.max_source_positions != args.max_target_positions:
        raise unsupported(
            f"--max-source-positions {args.max_source_positions} and --max-target-positions "
            f"{args.max_target_positions}",
            "one number for both",
        )
    values = {key: getattr(args, flag) for flag, key in CONFIG_KEYS.items()}
    # fairseq's default is the int 0, which transformers refuses here.
    values |= {key: float(values[key]) for key in ("encoder_layerdrop", "decoder_layerdrop")}
    return import_transformers().BartConfig(
        **values,
        **SPECIAL_IDS,
        vocab_size=len(model.encoder.dictionary),
        scale_embedding=not args.no_scale_embedding,
        # Of no use to transformers, but BART's configurations have them and CTranslate2 reads them.
        normalize_before=False,
        normalize_embedding=True,
        **more,
    )


def generation_config(model: EmoBARTModel, dictionary: Dictionary) -> "GenerationConfig":
    """Beam search as docs/generation.md's fairseq-generate does it: beam 5, no trigram twice.

    The symbols that the task suppresses are `bad_words_ids`: `suppress_tokens` would suppress the
    `<s>` too that every response starts with.
    """
    bos, pad, eos = dictionary.bos(), dictionary.pad(), dictionary.eos()
    banned = sorted([pad, *map(dictionary.index, never_generated(dictionary))])
    longest = min(model.args.max_target_length, model.max_decoder_positions())
    return import_transformers().GenerationConfig(
        num_beams=5,
        no_repeat_ngram_size=3,
        length_penalty=1.0,
        early_stopping=True,
        max_length=longest + 1,  # transformers counts the start symbol, fairseq does not
        forced_bos_token_id=bos,
        forced_eos_token_id=eos,
        bad_words_ids=[[number] for number in banned],
        **SPECIAL_IDS,
    )


def to_huggingface_state(model: EmoBARTModel) -> dict[str, Tensor]:
    """The parameters under their names in `BartForConditionalGeneration`, without the heads.

    Raises:
        UserError: embeddings that are not shared
    """
    state = model_state(model.state_dict())
    output = state.pop(OUTPUT, state[TIED[1]])
    shared = state[TIED[0]]  # V x C
    if not (torch.equal(shared, state[TIED[1]]) and torch.equal(shared, output)):
        raise unsupported("embeddings of its own for encoder, decoder or output", "one for all")
    return {
        **{f"model.{key}": value for key, value in state.items()},
        "model.shared.weight": shared,
        "lm_head.weight": shared,
        "final_logits_bias": shared.new_zeros(1, shared.size(0)),
    }


def model_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A fairseq model's parameters, without its heads and without what is no parameter."""
    return {
        key: value
        for key, value in state.items()
        if not (re.search(r"^classification_heads\.|\.version$", key) or is_copy(key))
    }


def load_exactly(converted: torch.nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load a state; raise `UserError` where names or shapes are not those of the model."""
    try:
        converted.load_state_dict(state)
    except RuntimeError as error:
        raise unsupported("other parameters", f"those of BART ({error})") from error


def unsupported(found: str, expected: object) -> UserError:
    """What to say of a model of ours that transformers' BART cannot be."""
    return UserError(
        f"the checkpoint cannot be converted: found {found}, expected {expected}, since transformers' "
        "BART has nothing else: train with an architecture of emo_mtl, such as --arch emo_bart_large, and "
        "without that flag"
    )


# ---- from Hugging Face


def to_fairseq(model: "BartForConditionalGeneration", num_symbols: int) -> dict[str, Any]:
    """The content of a checkpoint, see :func:`checkpoint`.

    Args:
        num_symbols: of the tokenizer, `<mask>` included, to which the rows are adapted (`fit_rows`)

    Raises:
        UserError: something that fairseq's BART has no place for
    """
    return checkpoint(fairseq_args(model.config), to_fairseq_state(model.state_dict(), num_symbols))


def checkpoint(args: Namespace, state: dict[str, Tensor]) -> dict[str, Any]:
    """What a checkpoint in the format of fairseq's bart.large/model.pt holds: no heads, no optimizer."""
    return {
        "args": args,
        "model": state,
        "optimizer_history": [
            {
                "criterion_name": "CrossEntropyCriterion",
                "optimizer_name": "FairseqAdam",
                "lr_scheduler_state": {},
                "num_updates": 0,
            }
        ],
        "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}},
        "last_optimizer_state": None,
    }


def fairseq_args(config: "BartConfig") -> Namespace:
    """The flags of fairseq's `bart` for a configuration.

    Raises:
        UserError: an activation, a special symbol or an order of layer norms that is not BART's
    """
    if config.activation_function not in ACTIVATIONS:
        raise not_bart(f"activation_function {config.activation_function}", ACTIVATIONS)
    if getattr(config, "normalize_before", False):
        raise not_bart("normalize_before true (pre-norm)", "post-norm")
    for key, number in SPECIAL_IDS.items():
        if getattr(config, key) != number:
            raise not_bart(f"{key} {getattr(config, key)}", number)
    return Namespace(
        **BART_FLAGS,
        max_target_positions=config.max_position_embeddings,
        no_scale_embedding=not config.scale_embedding,
        **{flag: getattr(config, key) for flag, key in CONFIG_KEYS.items()},
    )


def to_fairseq_state(state: Mapping[str, Tensor], num_symbols: int) -> dict[str, Tensor]:
    """The parameters of `BartForConditionalGeneration` under their names in fairseq's BART.

    Raises:
        UserError: embeddings that are not shared, or a bias of the output
    """
    shared = state["model.shared.weight"]  # V x C
    copies = ("lm_head.weight", *(f"model.{key}" for key in TIED))
    if not all(torch.equal(shared, state[key]) for key in copies):
        raise not_bart(
            "embeddings of its own for encoder, decoder or lm_head", "model.shared for all"
        )
    if state["final_logits_bias"].any():
        raise not_bart("a final_logits_bias", "none (zeros)")
    left_out = {"model.shared.weight", "lm_head.weight", "final_logits_bias"}
    parameters = {
        key.removeprefix("model."): value for key, value in state.items() if key not in left_out
    }
    parameters |= dict.fromkeys(TIED, fit_rows(shared, num_symbols))
    return {**parameters, "encoder.version": VERSION, "decoder.version": VERSION}


def not_bart(found: str, expected: object) -> UserError:
    """What to say of a BART of transformers that fairseq's cannot be."""
    return UserError(
        f"the model cannot be imported: found {found}, expected {expected}, since fairseq's BART has "
        "nothing else: give a BART model"
    )
