"""Entry point of the ``emo-mtl`` command.

A subcommand is a module with ``HELP``, ``add_arguments(parser)`` and ``run(args)``. It imports torch and
fairseq, which take seconds, inside functions: ``--help`` answers at once.
"""

import argparse
import logging
import os
import select
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from emo_mtl.cli import (
    awareness,
    baselines,
    chat,
    classify,
    control,
    demo,
    download,
    evaluate,
    export_hf,
    human_eval,
    import_hf,
    judges,
    likelihood,
    overlap,
    prepare,
    report,
    side_by_side,
    significance,
)
from emo_mtl.cli.flags import update_spelling
from emo_mtl.errors import os_error_on_one_line

SUBCOMMANDS = {
    "awareness": awareness,
    "baselines": baselines,
    "chat": chat,
    "classify": classify,
    "control": control,
    "demo": demo,
    "download": download,
    "evaluate": evaluate,
    "export-hf": export_hf,
    "human-eval": human_eval,
    "import-hf": import_hf,
    "judges": judges,
    "likelihood": likelihood,
    "overlap": overlap,
    "prepare": prepare,
    "report": report,
    "side-by-side": side_by_side,
    "significance": significance,
}
ENDED_BY_READER = 128 + 13  # as a shell sees other programs that SIGPIPE ended


def main(argv: Sequence[str] | None = None) -> None:
    """Run one subcommand. Where nobody reads on what it prints, it ends without a word.

    Args:
        argv: the arguments after the program's name; those of the process by default

    Raises:
        UserError: which ends the command with its message
    """
    try:
        try:
            _run(argv)
        finally:
            sys.stdout.flush()  # here, where it can fail in peace
    except BrokenPipeError:
        if _is_read(sys.stdout):
            raise
        # such as `| head`: the reader has what it wants, and Python must not flush to it at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ENDED_BY_READER)


def _is_read(stream: TextIO) -> bool:
    """False for a pipe whose reader is gone: of another pipe or socket that broke, nobody was told."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)  # asks for errors only
    return not poll.poll(0)


def _run(argv: Sequence[str] | None) -> None:
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger().setLevel(logging.WARNING)  # DEBUG where fairseq was imported first
    logging.getLogger("fairseq").setLevel(logging.WARNING)  # it tells of every dataset it opens
    logging.getLogger("emo_mtl").setLevel(logging.INFO)
    update_spelling(args)
    with os_error_on_one_line():
        args.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emo-mtl",
        description="Multi-task BART for emotion-aware dialogue: what fairseq has no command for. "
        "Train with fairseq-train and generate with fairseq-generate.",
    )
    parser.add_argument("--version", action=PrintVersion, help="print the version and exit")
    subparsers = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    for name, module in SUBCOMMANDS.items():
        subparser = subparsers.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


class PrintVersion(argparse.Action):
    """``--version``; looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any):
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(self, parser: argparse.ArgumentParser, *unused: Any) -> None:
        from importlib import metadata

        try:
            print(f"emo-mtl {metadata.version('emo-mtl')}")
        except metadata.PackageNotFoundError:
            print("emo-mtl (not installed: run from its source folder)")
        parser.exit()


if __name__ == "__main__":
    main()
