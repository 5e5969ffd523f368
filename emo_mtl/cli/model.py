"""The flags with which subcommands name a model, and loading it."""

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emo_mtl.inference.hub_interface import EmoBART


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--path`, `--data`, `--cpu` and the flags of the BPE."""
    parser.add_argument(
        "--path",
        required=True,
        type=Path,
        metavar="CKPT",
        help="checkpoint, or a --save-dir with its checkpoint_best.pt",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="the prepared folder (data-bin), for its dictionary (default: the one that the "
        "checkpoint was trained on)",
    )
    parser.add_argument("--cpu", action="store_true", help="do not use a GPU")
    add_bpe_arguments(parser, "BPE (default: the files that lie in the folder above the data)")


def add_bpe_arguments(parser: argparse.ArgumentParser, title: str) -> None:
    """Add the flags of the BPE, under a title of their own."""
    bpe = parser.add_argument_group(title)
    bpe.add_argument("--bpe", choices=("gpt2", "sentencepiece"), help="kind of BPE")
    bpe.add_argument("--sentencepiece-model", metavar="FILE", help="path to spm.model")
    bpe.add_argument("--gpt2-encoder-json", metavar="FILE", help="path to encoder.json")
    bpe.add_argument("--gpt2-vocab-bpe", metavar="FILE", help="path to vocab.bpe")


def load_model(args: argparse.Namespace) -> "EmoBART":
    """The model that the flags name; `UserError` where a file is missing or of another kind."""
    from emo_mtl.inference.hub_interface import EmoBART

    warnings.filterwarnings("ignore", module="torch")  # about fairseq's use of it
    return EmoBART.from_pretrained(
        args.path,
        args.data,
        bpe=args.bpe,
        sentencepiece_model=args.sentencepiece_model,
        gpt2_encoder_json=args.gpt2_encoder_json,
        gpt2_vocab_bpe=args.gpt2_vocab_bpe,
        device="cpu" if args.cpu else None,
    )
