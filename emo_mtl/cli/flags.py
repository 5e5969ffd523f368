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
