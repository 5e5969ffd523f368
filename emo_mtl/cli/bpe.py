"""The flags `--bpe ...` of a subcommand, as fairseq-interactive has them."""

import argparse
from pathlib import Path

from emo_mtl.errors import UserError

# The flags that name the files of each kind of BPE.
BPE_FILES = {
    "gpt2": ("gpt2_encoder_json", "gpt2_vocab_bpe"),
    "sentencepiece": ("sentencepiece_model",),
}


def add_bpe_flags(parser: argparse.ArgumentParser, title: str) -> None:
    """Add the flags, as a group with this title."""
    bpe = parser.add_argument_group(title)
    bpe.add_argument("--bpe", choices=tuple(BPE_FILES), help="kind of BPE")
    bpe.add_argument("--sentencepiece-model", metavar="FILE", help="path to spm.model")
    bpe.add_argument("--gpt2-encoder-json", metavar="FILE", help="path to encoder.json")
    bpe.add_argument("--gpt2-vocab-bpe", metavar="FILE", help="path to vocab.bpe")


def check_bpe_files(args: argparse.Namespace) -> None:
    """Raise `UserError` where a file of the chosen `--bpe` was not given or is not there."""
    for flag in BPE_FILES[args.bpe]:
        file = getattr(args, flag)
        if file is None or not Path(file).is_file():
            raise UserError(
                f"--bpe {args.bpe}: found {file or 'nothing'} as --{flag.replace('_', '-')}, expected a "
                "file: give the one that the data was prepared with (nothing is downloaded)"
            )
