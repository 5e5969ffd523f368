"""Flags that several subcommands share."""

import argparse
from pathlib import Path


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Add the prepared folder, whose text is read."""
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="the --out-dir of emo-mtl prepare, for the text in DATA/text",
    )


def add_overlap_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--overlap`, the file that `emo_mtl.evaluation.parts.read_parts` takes."""
    parser.add_argument(
        "--overlap",
        type=Path,
        metavar="OVERLAP.json",
        help="what emo-mtl overlap --json wrote: also score the examples that do not stand in "
        "the training data (clean) and those that do (seen)",
    )
