"""`emo-mtl report`: the paper's tables and learning curves from the folders of several runs."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import add_overwrite_argument
from emo_mtl.io import atomic_folder, check_output_folder

HELP = "tables beside the paper's (1, 2, 4, 5) and learning curves from the folders of runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl report` to its parser."""
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="folders with any of run.json, train.log, evaluate.json, classify.json and awareness.json; "
        "runs with the same `row` in run.json are seeds of one system",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="new folder for report.md, report.csv, report.json and the plots as SVG and PNG",
    )
    parser.add_argument(
        "--people",
        type=Path,
        metavar="SCORES.json",
        help="also show ratings by people: what emo-mtl human-eval score --json wrote",
    )
    parser.add_argument(
        "--significance",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="also show tests of differences: what emo-mtl significance --json wrote",
    )
    add_overwrite_argument(parser, "an earlier report")


def run(args: argparse.Namespace) -> None:
    """Read the runs, print the tables, write the folder.

    Raises:
        UserError: a file cannot be read, runs of one row do not fit together, or matplotlib is missing
    """
    check_output_folder(args.out, args.overwrite, mark="report.json")
    from emo_mtl.evaluation.comparison import read_significance
    from emo_mtl.evaluation.people.scores import read_scores
    from emo_mtl.evaluation.report.plots import save_figures
    from emo_mtl.evaluation.report.runs import gather_rows, read_run
    from emo_mtl.evaluation.report.tables import csv_text, json_text, markdown

    rows = gather_rows(map(read_run, args.runs))
    people = read_scores(args.people) if args.people else None
    significance = [read_significance(path) for path in args.significance]
    with atomic_folder(args.out) as folder:
        text = markdown(rows, save_figures(rows, folder), people, significance)
        for name, content in (
            ("report.md", text),
            ("report.csv", csv_text(rows)),
            ("report.json", json_text(rows, people, significance)),
        ):
            (folder / name).write_text(content, encoding="utf-8")
    print(text, end="")
