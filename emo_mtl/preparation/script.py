"""The command line of a corpus alone: its raw files to text splits, without a BPE."""

import argparse
from collections.abc import Callable
from pathlib import Path

from emo_mtl.errors import os_error_on_one_line
from emo_mtl.preparation.corpus import Dataset
from emo_mtl.preparation.splits import write_splits


def run_script(read: Callable[[Path], Dataset], description: str | None) -> None:
    """Be the command line `SCRIPT RAW OUT` of a corpus module."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path, metavar="RAW", help="folder with the raw corpus")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the text splits")
    args = parser.parse_args()

    with os_error_on_one_line():
        dataset = read(args.raw)
        write_splits(dataset, args.out)
    print(dataset.summary())
