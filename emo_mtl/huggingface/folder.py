"""A folder of Hugging Face with a BART or a BERT: its model and its tokenizer."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import import_transformers

if TYPE_CHECKING:
    from transformers import (
        BartForConditionalGeneration,
        BertModel,
        PreTrainedTokenizerBase,
    )

logger = logging.getLogger(__name__)


def kind_of(folder: Path) -> str:
    """`bart` or `bert`, as a folder's config.json says; raises `UserError` for another model, or none."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
        kind = config.get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}), expected the configuration of a BART or a BERT"
        ) from error
    if kind not in ("bart", "bert"):
        raise UserError(
            f"{path}: found model_type {kind!r}, expected 'bart' or 'bert': fairseq's BART has no place for "
            "others"
        )
    return kind


def load_bart(folder: Path) -> "BartForConditionalGeneration":
    """The BART of a folder, see :func:`load`."""
    return load(folder, import_transformers().BartForConditionalGeneration)


def load_bert(folder: Path) -> "BertModel":
    """The encoder of a folder of a BERT with or without heads, see :func:`load`."""
    return load(folder, import_transformers().BertModel, add_pooling_layer=False)


def load(folder: Path, kind: Any, **flags: Any) -> Any:
    """The model of a folder, in single precision; a .bin file is loaded with `weights_only=True`.

    Args:
        kind: its class in transformers
        flags: of that class

    Raises:
        UserError: a file that is missing, damaged or unsafe, or that lacks parameters
    """
    transformers = import_transformers()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    try:
        model, info = kind.from_pretrained(
            folder, local_files_only=True, weights_only=True, output_loading_info=True, **flags
        )
    except Exception as error:  # of many kinds: safetensors', pickle's, torch's, transformers'
        raise UserError(f"{folder}: the model cannot be loaded ({error})") from error
    if info["missing_keys"]:
        raise UserError(
            f"{folder}: found no parameters {', '.join(sorted(info['missing_keys'])[:5])}, expected all "
            f"of a {kind.__name__}"
        )
    if info["unexpected_keys"]:
        logger.warning(
            f"{folder}: left out, since a {kind.__name__} has no such parameters: "
            f"{', '.join(sorted(info['unexpected_keys'])[:5])}"
        )
    return model.float()


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of a folder.

    Raises:
        UserError: there is none
    """
    try:
        return import_transformers().AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # of many kinds, according to the kind of tokenizer
        raise UserError(
            f"{folder}: the tokenizer cannot be loaded ({error}), expected its files beside the model"
        ) from error
