"""`emo-mtl import-hf`: a BART of Hugging Face as a checkpoint to start fairseq-train from."""

import argparse
import io
import logging
from pathlib import Path

from emo_mtl.cli.flags import add_overwrite_argument
from emo_mtl.errors import UserError
from emo_mtl.io import atomic_file, check_output, write_atomically

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
    add_overwrite_argument(parser, "files that exist already")


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
    from emo_mtl.huggingface.folder import check_is_bart, load_bart, load_tokenizer
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
