"""`emo-mtl download`: corpora, BART, MiniLM, the GPT-2 BPE from their homes, laid out as in docs/data.md."""

import argparse
import sys
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.preparation.download import ITEMS, download

HELP = "get the corpora, the weights of BART and MiniLM, and the GPT-2 BPE from their official addresses"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl download` to its parser."""
    parser.add_argument(
        "names", nargs="+", choices=ITEMS, metavar="NAME", help=f"one or more of {', '.join(ITEMS)}"
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder that gets a folder for each NAME (GPT2 for gpt2-bpe, empathetic_dialogues for "
        "empatheticdialogues): RAW for the corpora",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there and differ"
    )


def run(args: argparse.Namespace) -> None:
    """Download one after the other; one that cannot be had does not keep the others back.

    Raises:
        UserError: addresses that do not work, with the manual way; or files that are not the original
    """
    failed = {}
    try:
        for name in args.names:
            try:
                download(name, args.out, args.overwrite)
            except UserError as error:
                if len(args.names) == 1:
                    raise
                failed[name] = error
                print(f"emo_mtl: error: {error}", file=sys.stderr)
    except KeyboardInterrupt as error:
        raise UserError("stopped; the same command continues from there") from error
    if failed:
        raise UserError(
            f"{', '.join(failed)}: not downloaded, see above; the same command tries these again"
        )
