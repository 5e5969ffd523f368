"""`emo-mtl import-hf`: a BART of Hugging Face as a checkpoint to start fairseq-train from."""

import argparse
import io
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from emo_mtl.errors import UserError
from emo_mtl.io import atomic_file, check_output, write_atomically

if TYPE_CHECKING:
    from transformers import BartForConditionalGeneration, PreTrainedTokenizerBase

HELP = "turn a BART folder of Hugging Face into a checkpoint for fairseq-train --restore-file"

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl import-hf` to its parser."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="folder of a BartForConditionalGeneration with its tokenizer (nothing is downloaded)",
    )
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT.pt",
        help="checkpoint to write, in the format of bart.large/model.pt; its dict.txt is written "
        "beside it",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the files if they exist")


def run(args: argparse.Namespace) -> None:
    """Write the checkpoint and its dictionary.

    Raises:
        UserError: a folder that holds no BART that fairseq can have
    """
    dict_file = args.out.with_name("dict.txt")
    check_output(args.out, args.overwrite)
    check_output(dict_file, args.overwrite)
    import torch

    from emo_mtl.huggingface.convert import to_fairseq
    from emo_mtl.huggingface.tokenizer import dictionary_of
    from emo_mtl.models.emo_bart import rows_changed

    check_is_bart(args.folder)
    model, tokenizer = load_bart(args.folder), load_tokenizer(args.folder)
    dictionary = dictionary_of(tokenizer, args.folder)
    num_symbols = len(dictionary) + 1  # and <mask>
    rows = model.get_input_embeddings().weight
    if change := rows_changed(rows, num_symbols):
        logger.warning(f"{args.folder}: {change}")
    elif len(rows) != num_symbols:
        raise UserError(
            f"{args.folder}: found a tokenizer of {num_symbols:,} tokens and embeddings for {len(rows):,}, "
            "expected one token for each: take the tokenizer of this model"
        )
    lines = io.StringIO()
    dictionary.save(lines)
    with atomic_file(args.out) as draft:
        torch.save(to_fairseq(model, num_symbols), draft)
    write_atomically(dict_file, lines.getvalue())
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{args.out}: {count:,} parameters")
    print(f"{dict_file}: {len(dictionary):,} symbols, to which fairseq's BART adds <mask>")


def check_is_bart(folder: Path) -> None:
    """Raise `UserError` where a folder's config.json is not that of a BART."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
        kind = config.get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}), expected the configuration of a BART"
        ) from error
    if kind != "bart":
        raise UserError(
            f"{path}: found model_type {kind!r}, expected 'bart': fairseq's BART has no place for others"
        )


def load_bart(folder: Path) -> "BartForConditionalGeneration":
    """The model of a folder, in single precision; a .bin file is loaded with `weights_only=True`.

    Raises:
        UserError: a file that is missing, damaged or unsafe, or that lacks parameters
    """
    from emo_mtl.huggingface.library import import_transformers

    transformers = import_transformers()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    try:
        model, info = transformers.BartForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, weights_only=True, output_loading_info=True
        )
    except Exception as error:  # of many kinds: safetensors', pickle's, torch's, transformers'
        raise UserError(f"{folder}: the model cannot be loaded ({error})") from error
    if info["missing_keys"]:
        raise UserError(
            f"{folder}: found no parameters {', '.join(sorted(info['missing_keys'])[:5])}, expected all "
            "of a BartForConditionalGeneration"
        )
    if info["unexpected_keys"]:
        logger.warning(
            f"{folder}: left out, since BART has no such parameters: "
            f"{', '.join(sorted(info['unexpected_keys'])[:5])}"
        )
    return model.float()


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of a folder.

    Raises:
        UserError: there is none
    """
    from emo_mtl.huggingface.library import import_transformers

    try:
        return import_transformers().AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # of many kinds, according to the kind of tokenizer
        raise UserError(
            f"{folder}: the tokenizer cannot be loaded ({error}), expected its files beside the model"
        ) from error
