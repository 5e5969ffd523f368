"""`emo-mtl export-hf`: a checkpoint as folders that Hugging Face transformers loads."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from emo_mtl.cli.model import add_bpe_arguments
from emo_mtl.io import atomic_folder, check_output_folder
from emo_mtl.names import RESPONSE

if TYPE_CHECKING:
    from fairseq.data import Dictionary
    from transformers import PreTrainedTokenizerBase

HELP = "turn a checkpoint into folders for Hugging Face: one for generation, one for each head"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl export-hf` to its parser."""
    parser.add_argument(
        "path",
        type=Path,
        metavar="CKPT",
        help="checkpoint, or a --save-dir with checkpoint_best.pt",
    )
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
    add_bpe_arguments(parser, "BPE (default: the files that lie in the folder above the data)")


def run(args: argparse.Namespace) -> None:
    """Write the folders and say where they are.

    Raises:
        UserError: a checkpoint, data folder or BPE that cannot be used, or an output that exists
    """
    check_output_folder(args.out, args.overwrite, mark="generation_config.json")
    from emo_mtl.huggingface.convert import to_huggingface, to_huggingface_classifier
    from emo_mtl.huggingface.library import import_transformers
    from emo_mtl.huggingface.model_card import model_card
    from emo_mtl.inference.loading import (
        build_model,
        checkpoint_file,
        data_folder,
        find_bpe,
        load_checkpoint,
    )

    import_transformers().utils.logging.disable_progress_bar()
    state = load_checkpoint(checkpoint_file(args.path))
    task, model = build_model(state, data_folder(state, args.data))
    bpe = find_bpe(task, vars(args))
    updates = state["optimizer_history"][-1]["num_updates"]
    with atomic_folder(args.out) as draft:
        tokenizer = save_tokenizer(
            draft, task.source_dictionary, bpe, max_length=task.cfg.max_source_length
        )
        to_huggingface(model, task.target_dictionary).save_pretrained(draft)
        for name, labels in task.heads.items():
            to_huggingface_classifier(model, name, labels).save_pretrained(draft / name)
            tokenizer.save_pretrained(draft / name)
        names = [name for name in (RESPONSE, *task.heads) if name in task.state.writing]
        writings = {name: task.writing(name) for name in names}
        card = model_card(args.out.resolve().name, model, task.heads, updates, writings)
        (draft / "README.md").write_text(card, encoding="utf-8")
    print(f"{args.out}: BartForConditionalGeneration")
    for name, labels in task.heads.items():
        print(f"{args.out / name}: BartForSequenceClassification, {', '.join(labels)}")


def save_tokenizer(
    folder: Path, dictionary: "Dictionary", bpe: argparse.Namespace, max_length: int
) -> "PreTrainedTokenizerBase":
    """Write the tokenizer of a BPE, of `find_bpe`, to a folder."""
    from emo_mtl.huggingface.tokenizer import save_gpt2_tokenizer, save_sentencepiece_tokenizer

    if bpe.bpe == "gpt2":
        files = Path(bpe.gpt2_encoder_json), Path(bpe.gpt2_vocab_bpe)
        return save_gpt2_tokenizer(folder, dictionary, *files, max_length)
    return save_sentencepiece_tokenizer(
        folder, dictionary, Path(bpe.sentencepiece_model), max_length
    )
