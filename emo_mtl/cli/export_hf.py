"""`emo-mtl export-hf`: a checkpoint as folders that Hugging Face transformers loads."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import (
    add_bpe_arguments,
    add_dictionary_argument,
    add_model_argument,
    add_overwrite_argument,
)
from emo_mtl.io import atomic_folder, check_output_folder

HELP = "turn a checkpoint into folders for Hugging Face: one for generation, one for each head"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl export-hf` to its parser."""
    add_model_argument(parser)
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="new folder: BartForConditionalGeneration, tokenizer and model card in OUT, "
        "BartForSequenceClassification in OUT/TASK for each head",
    )
    add_dictionary_argument(parser)
    add_overwrite_argument(parser, "OUT, an earlier export, with everything in it")
    add_bpe_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the folders and say where they are.

    Raises:
        UserError: a checkpoint, data folder or BPE that cannot be used, or an output that exists
    """
    check_output_folder(args.out, args.overwrite, mark="generation_config.json")
    from emo_mtl.huggingface.library import import_transformers

    import_transformers().utils.logging.disable_progress_bar()
    from emo_mtl.huggingface.export import export
    from emo_mtl.inference.loading import (
        build_model,
        checkpoint_file,
        data_folder,
        find_bpe,
        load_checkpoint,
    )

    state = load_checkpoint(checkpoint_file(args.model))
    task, model = build_model(state, data_folder(state, args.data))
    bpe = find_bpe(task, vars(args))
    updates = state["optimizer_history"][-1]["num_updates"]
    with atomic_folder(args.out) as draft:
        export(draft, args.out.resolve().name, task, model, bpe, updates)
    print(f"{args.out}: BartForConditionalGeneration")
    for name, labels in task.heads.items():
        print(f"{args.out / name}: BartForSequenceClassification, {', '.join(labels)}")
