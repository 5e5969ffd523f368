"""`emo-mtl export-hf`: a checkpoint as folders that Hugging Face transformers loads."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from emo_mtl.cli.bpe import add_bpe_flags, check_bpe_files
from emo_mtl.cli.checkpoint import load_model, read_checkpoint
from emo_mtl.cli.output import atomic_folder, check_output_folder
from emo_mtl.errors import UserError

if TYPE_CHECKING:
    from fairseq.data import Dictionary
    from transformers import PreTrainedTokenizerBase

HELP = "turn a checkpoint into folders for Hugging Face: one for generation, one for each head"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl export-hf` to its parser."""
    parser.add_argument("path", type=Path, metavar="CKPT", help="checkpoint of fairseq-train")
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="new folder: BartForConditionalGeneration, tokenizer and model card in OUT, "
        "BartForSequenceClassification in OUT/TASK for each head",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DATA",
        help="the prepared folder (data-bin), for its dictionary (default: that of the training)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace OUT, an earlier export, with everything in it",
    )
    add_bpe_flags(parser, "BPE of the data (default: DATA/../spm.model, where there is one)")


def run(args: argparse.Namespace) -> None:
    """Write the folders and say where they are.

    Raises:
        UserError: a checkpoint, data folder or BPE that cannot be used, or an output that exists
    """
    check_output_folder(args.out, args.overwrite, mark="generation_config.json")
    if args.bpe:
        check_bpe_files(args)
    from emo_mtl.huggingface.convert import to_huggingface, to_huggingface_classifier
    from emo_mtl.huggingface.library import import_transformers
    from emo_mtl.huggingface.model_card import model_card

    import_transformers().utils.logging.disable_progress_bar()
    state = read_checkpoint(args.path)
    data = args.data or trained_on(args.path, state["cfg"]["task"]["data"])
    choose_bpe(args, data)
    task, model = load_model(args.path, state, data, [])
    updates = state["optimizer_history"][-1]["num_updates"]
    with atomic_folder(args.out) as draft:
        tokenizer = save_tokenizer(
            draft, task.source_dictionary, args, max_length=task.cfg.max_source_length
        )
        to_huggingface(model, task.target_dictionary).save_pretrained(draft)
        for name, labels in task.heads.items():
            to_huggingface_classifier(model, name, labels).save_pretrained(draft / name)
            tokenizer.save_pretrained(draft / name)
        card = model_card(args.out.resolve().name, model, task.heads, updates)
        (draft / "README.md").write_text(card, encoding="utf-8")
    print(f"{args.out}: BartForConditionalGeneration")
    for name, labels in task.heads.items():
        print(f"{args.out / name}: BartForSequenceClassification, {', '.join(labels)}")


def trained_on(path: Path, data: str) -> Path:
    """The data folder that a checkpoint names: the first, where it was trained on several.

    Raises:
        UserError: it is not there any more
    """
    from fairseq import utils

    folder = Path(utils.split_paths(data)[0])
    if not folder.is_dir():
        raise UserError(
            f"{path}: found {folder} as the folder it was trained on, which is not there: give the "
            "folder with --data"
        )
    return folder


def choose_bpe(args: argparse.Namespace, data: Path) -> None:
    """Without `--bpe`, take the SentencePiece model that preprocess/prepare.py wrote for the data.

    Raises:
        UserError: there is none
    """
    if args.bpe:
        return
    model = data.resolve().parent / "spm.model"
    if not model.is_file():
        raise UserError(
            f"{model}: no such file: give the BPE that the data was prepared with, --bpe gpt2 "
            "--gpt2-encoder-json FILE --gpt2-vocab-bpe FILE or --bpe sentencepiece "
            "--sentencepiece-model FILE"
        )
    args.bpe, args.sentencepiece_model = "sentencepiece", str(model)


def save_tokenizer(
    folder: Path, dictionary: "Dictionary", args: argparse.Namespace, max_length: int
) -> "PreTrainedTokenizerBase":
    """Write the tokenizer of the chosen BPE to a folder."""
    from emo_mtl.huggingface.tokenizer import save_gpt2_tokenizer, save_sentencepiece_tokenizer

    if args.bpe == "gpt2":
        files = Path(args.gpt2_encoder_json), Path(args.gpt2_vocab_bpe)
        return save_gpt2_tokenizer(folder, dictionary, *files, max_length)
    return save_sentencepiece_tokenizer(
        folder, dictionary, Path(args.sentencepiece_model), max_length
    )
