"""`emo-mtl import-hf`: a BART or a BERT of Hugging Face as a checkpoint to start fairseq-train from."""

import argparse
import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.cli.flags import add_overwrite_argument
from emo_mtl.errors import UserError
from emo_mtl.io import atomic_file, check_output, write_atomically

if TYPE_CHECKING:
    from fairseq.data import Dictionary

HELP = "turn a BART or BERT folder of Hugging Face into a checkpoint for fairseq-train --finetune-from-model"

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl import-hf` to its parser."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="folder of a BartForConditionalGeneration, or of an encoder of type bert (BERT, MiniLM, ...), "
        "with its tokenizer (nothing is downloaded)",
    )
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT.pt",
        help="checkpoint to write, in the format of bart.large/model.pt; its dict.txt is written "
        "beside it",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DATA",
        help="for a BERT: the folder that emo-mtl prepare made, whose vocabulary the model gets; a symbol's "
        "embedding is the mean of those of its WordPieces",
    )
    add_overwrite_argument(parser, "files that exist already")


def run(args: argparse.Namespace) -> None:
    """Write the checkpoint and its dictionary.

    Raises:
        UserError: a folder that holds no model that fairseq's BART can have, or no vocabulary
    """
    dict_file = args.out.with_name("dict.txt")
    check_output(args.out, args.overwrite)
    check_output(dict_file, args.overwrite)
    import torch

    from emo_mtl.huggingface.folder import kind_of
    from emo_mtl.huggingface.warm_start import shape_flags

    is_bart = kind_of(args.folder) == "bart"
    if is_bart and args.data:
        raise UserError(
            f"--data {args.data}: found a BART in {args.folder}, which has a vocabulary of its own: leave "
            "--data out, and prepare the data with the dict.txt that is written"
        )
    if not is_bart and not args.data:
        raise UserError(
            f"{args.folder}: found a BERT and no --data, expected the folder that emo-mtl prepare made: the "
            "model gets its vocabulary"
        )
    content, dictionary = (
        import_bart(args.folder) if is_bart else import_bert(args.folder, args.data)
    )
    lines = io.StringIO()
    dictionary.save(lines)
    with atomic_file(args.out) as draft:
        torch.save(content, draft)
    write_atomically(dict_file, lines.getvalue())
    # each parameter once, since all embeddings are one
    parameters = {
        value.data_ptr(): value.numel()
        for name, value in content["model"].items()
        if not name.endswith(".version")
    }
    count = sum(parameters.values())
    print(f"{args.out}: {count:,} parameters")
    print(f"{dict_file}: {len(dictionary):,} symbols, to which fairseq's BART adds <mask>")
    if not is_bart:
        print(f"Train with {' '.join(shape_flags(content['args']))}")


def import_bart(folder: Path) -> tuple[dict[str, Any], "Dictionary"]:
    """The checkpoint of a BART folder, and its dictionary without `<mask>`."""
    from emo_mtl.huggingface.convert import to_fairseq
    from emo_mtl.huggingface.folder import load_bart, load_tokenizer
    from emo_mtl.huggingface.tokenizer import dictionary_of
    from emo_mtl.models.emo_bart import rows_changed

    model, tokenizer = load_bart(folder), load_tokenizer(folder)
    dictionary = dictionary_of(tokenizer, folder)
    num_symbols = len(dictionary) + 1  # and <mask>
    rows = model.get_input_embeddings().weight
    if change := rows_changed(rows, num_symbols):
        logger.warning(f"{folder}: {change}")
    elif len(rows) != num_symbols:
        raise UserError(
            f"{folder}: found a tokenizer of {num_symbols:,} tokens and embeddings for {len(rows):,}, "
            "expected one token for each: take the tokenizer of this model"
        )
    return to_fairseq(model, num_symbols), dictionary


def import_bert(folder: Path, data: Path) -> tuple[dict[str, Any], "Dictionary"]:
    """The checkpoint of a BERT folder with the vocabulary of prepared data, and its dictionary."""
    from emo_mtl.data.dictionaries import load_dictionary, read_dictionary
    from emo_mtl.huggingface.carry_over import carry_over
    from emo_mtl.huggingface.folder import load_bert, load_tokenizer
    from emo_mtl.huggingface.warm_start import warm_start
    from emo_mtl.inference.bpe import find, identity_in
    from emo_mtl.inference.model_files import DICTIONARY, home, read_manifest

    data = home(data)
    manifest = read_manifest(data)
    bpe = find(identity_in(manifest) if manifest else None, {}, [data])
    model, tokenizer = load_bert(folder), load_tokenizer(folder)
    embedding = model.get_input_embeddings().weight.data
    carried = carry_over(load_dictionary(data / DICTIONARY), bpe, tokenizer, embedding)
    print(
        f"Embeddings: {carried.own:,} symbols have a WordPiece of their own, {carried.mean:,} the mean of "
        f"several, {carried.unknown:,} that of {tokenizer.unk_token}"
    )
    content = warm_start(model.config, model.state_dict(), carried.rows)
    return content, read_dictionary(data / DICTIONARY)
