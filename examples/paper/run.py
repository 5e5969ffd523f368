r"""The paper's experiments: trains and evaluates the rows of a table, and writes the report.

    python examples/paper/run.py --table 2 --model tiny --data data --out runs/tiny
    python examples/paper/run.py --rows R,R+E6 --seeds 1,2,3 --model large --pretrained bart.large/model.pt \
      --data data --out runs/large

A row is a file of flags in rows/, a model is one in models/: both are read as fairseq-train's. A row
R+NAME+NAME needs no file: it trains those tasks of the data. DATA is what emo-mtl prepare made, of any
dialogues and tasks; the heads of all its tasks are scored. Each row and seed gets a run folder,
OUT/ROW/seed-N, with the checkpoints and the results. Run again, it goes on where it was stopped; what is
finished is skipped. Before anything runs, it looks at everything that is needed to the end (preflight.py).
It prints every command; each can be run by hand. Rows on several GPUs: start it once for each with
CUDA_VISIBLE_DEVICES and --rows.
"""

import argparse
import json
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import preflight
import torch

import emo_mtl
from emo_mtl.errors import UserError
from emo_mtl.evaluation.baseline_runs import CLASSIFIERS, RESPONDERS
from emo_mtl.io import atomic_file, read_json, write_atomically
from emo_mtl.names import RESPONSE
from emo_mtl.optim import horizon
from emo_mtl.preparation.splits import text_tasks
from emo_mtl.tasks.config import parse_loss_weights, parse_task_names
from emo_mtl.training.threads import choose_threads

HERE = Path(__file__).resolve().parent
PAPER = ["e6", "e2", "e12"]  # its tasks, in its order
SYSTEMS = ["R", "R+E6", "R+E6+E2", "R+E6+E12", "R+E6+E2+E12"]
WEIGHTED = ["weights-50-50-0", "weights-50-0-50", "weights-33-33-33"]
TABLES = {
    "2": SYSTEMS,
    "4": SYSTEMS,
    "5": ["R+E6", *WEIGHTED],  # R+E6 is (1, 0, 0)
    "all": [*SYSTEMS, *WEIGHTED],
}


def read_flags(preset: Path) -> list[str]:
    """The flags in a preset, whose lines may be comments.

    Raises:
        UserError: there is no such preset
    """
    if not preset.is_file():
        there = ", ".join(sorted(path.stem for path in preset.parent.glob("*.txt")))
        raise UserError(f"{preset.stem}: no such preset, expected one of {there}")
    return shlex.split(preset.read_text(encoding="utf-8"), comments=True)


def value_of(flags: Sequence[str], name: str, default: str = "") -> str:
    """The value of the last `name` in a list of flags."""
    values = [flags[i + 1] for i, flag in enumerate(flags) if flag == name]
    return values[-1] if values else default


def tasks_of(data: Path) -> list[str]:
    """The classification tasks of the data, the paper's first: their heads are scored, trained or not."""
    tasks = [task for task in text_tasks(data) if task != RESPONSE]
    return [*(task for task in PAPER if task in tasks), *(t for t in tasks if t not in PAPER)]


def row_flags(row: str, tasks: Sequence[str]) -> list[str]:
    """The flags of a row: those of its file, or `R+NAME+NAME` with tasks of the data."""
    first, *names = row.split("+")
    if first == "R" and names and not (HERE / "rows" / f"{row}.txt").exists():
        if set(names) <= set(tasks):
            return ["--classification-tasks", ",".join(names)]
        raise UserError(
            f"{row}: found neither rows/{row}.txt nor these tasks in the data, which has "
            f"{', '.join(tasks) or 'none'}"
        )
    return read_flags(HERE / "rows" / f"{row}.txt")


def loss_weights(flags: Sequence[str], tasks: Sequence[str]) -> dict[str, float]:
    """The weight of each classification task of a row; those of `tasks` that it does not have are 0."""
    names = parse_task_names(value_of(flags, "--classification-tasks"))
    weights = parse_loss_weights(value_of(flags, "--loss-weights"), names)
    return dict.fromkeys(tasks, 0.0) | weights


def count_updates(sizes: dict[str, int], flags: Sequence[str], sampling: str) -> int:
    """Updates of a whole training, at whose end the learning rate is to be 0.

    Args:
        sizes: training examples of each task that is trained, of the responses first
        flags: with `--batch-size`, `--update-freq`, `--max-epoch` and perhaps `--max-update`

    Raises:
        UserError: a training without an end
    """
    batches = [math.ceil(size / number_in(flags, "--batch-size")) for size in sizes.values()]
    steps = sum(batches) if sampling == "proportional" else batches[0] * len(batches)
    ends = number_in(flags, "--max-epoch"), number_in(flags, "--max-update", "0")
    updates = horizon.count_updates(steps, [number_in(flags, "--update-freq")], *ends)
    if updates is None:
        raise UserError(
            "--max-epoch 0 without --max-update: nothing ends the training, give one of them"
        )
    return updates


def number_in(flags: Sequence[str], name: str, default: str = "") -> int:
    """The same as a whole number; `UserError` where it is none."""
    value = value_of(flags, name, default)
    if not value.isdecimal():
        raise UserError(
            f"{name} {value!r}: expected a whole number, in the model's preset or --extra"
        )
    return int(value)


def count_lines(path: Path) -> int:
    """Lines of a file; `UserError` where it is missing."""
    try:
        return path.read_bytes().count(b"\n")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); --data is the folder that preprocess/prepare.py made"
        ) from error


def train_flags(args: argparse.Namespace, row: str, seed: int, folder: Path) -> list[str]:
    """The command that trains a row: what is the same for all, the model's preset, the row's, `--extra`."""
    tasks = tasks_of(args.data)
    preset = [
        *read_flags(HERE / "models" / f"{args.model}.txt"),
        *row_flags(row, tasks),
        *shlex.split(args.extra),
    ]
    weights = loss_weights(preset, tasks)
    text = args.data / "text"
    sizes = {"response": count_lines(text / "response" / "train.target")}
    sizes |= {t: count_lines(text / t / "train.input") for t in weights if weights[t]}
    pretrained = ["--finetune-from-model", str(args.pretrained)] if args.pretrained else []
    return [
        *["fairseq-train", str(args.data / "data-bin"), "--user-dir", user_dir()],
        *["--task", "emotion_dialogue", "--criterion", "multitask_nll", "--label-smoothing", "0.1"],
        *["--response-loss-reduction", args.response_loss_reduction],
        *["--task-sampling", args.sampling, "--required-batch-size-multiple", "1"],
        *preset,
        *["--total-num-update", str(count_updates(sizes, preset, args.sampling))],
        *pretrained,
        *[
            "--seed",
            str(seed),
            "--no-epoch-checkpoints",
            "--best-checkpoint-metric",
            "response_ppl",
        ],
        *["--save-dir", str(folder / "checkpoints"), "--log-file", str(folder / "train.log")],
    ]


def for_this_machine(command: Sequence[str]) -> list[str]:
    """The training command without half precision, where it is to run on a CPU.

    Raises:
        UserError: a model for GPUs, no GPU, and no --cpu
    """
    if "--fp16" not in command or torch.cuda.is_available():
        return list(command)
    if "--cpu" not in command:
        raise UserError(
            "found no GPU, which the model's preset is for (--fp16): use --model tiny, or add --extra=--cpu, "
            "which trains it in full precision and takes weeks where a GPU takes hours"
        )
    return [flag for flag in command if flag != "--fp16"]


def user_dir() -> str:
    """The folder of the plugin, as seen from here."""
    return os.path.relpath(Path(emo_mtl.__file__).parent)


def evaluation_commands(
    args: argparse.Namespace, folder: Path, overlap: Path
) -> dict[Path, list[str]]:
    """The commands behind the training; each writes the file it stands beside."""
    data = args.data / "data-bin"
    model = str(folder / "checkpoints" / f"checkpoint_{args.checkpoint}.pt")
    cpu = [] if torch.cuda.is_available() else ["--cpu"]
    generated = folder / "generate-test.txt"
    tasks = ",".join(tasks_of(args.data))
    commands = {
        generated: [
            *["fairseq-generate", str(data), "--user-dir", user_dir()],
            *["--task", "emotion_dialogue", "--path", model, "--gen-subset", "test"],
            *["--beam", "5", "--no-repeat-ngram-size", "3", "--batch-size", "64"],
            *["--required-batch-size-multiple", "1", *cpu],
        ],
        folder / "evaluate.json": [
            *["emo-mtl", "evaluate", "--hypotheses", str(generated)],
            *["--references", gold_responses(args), "--overlap", str(overlap)],
            *["--json", str(folder / "evaluate.json")],
        ],
    }
    if tasks:
        commands[folder / "classify.json"] = [
            *["emo-mtl", "classify", model, "--data", str(data), "--task", tasks, *cpu],
            *["--untrained-head", "--overlap", str(overlap), "--overwrite"],
            *["--predictions", str(folder / "predictions.tsv")],
            *["--json", str(folder / "classify.json")],
        ]
        awareness, output = awareness_command(args, generated)
        commands[output] = awareness
    return commands


def say(text: str) -> None:
    """One line about what is done now."""
    print(f"== {text}", flush=True)


def call(command: Sequence[str], output: Path | None = None) -> None:
    """Print a command and run it; a status other than 0 ends this program with it."""
    shown = shlex.join(command) + (f" > {shlex.quote(str(output))}" if output else "")
    print(f"+ {shown}", flush=True)
    if output is None:
        status = subprocess.run(command, check=False).returncode
    else:
        with atomic_file(output) as draft, draft.open("wb") as stdout:
            status = subprocess.run(command, stdout=stdout, check=False).returncode
            if status:
                sys.exit(status)
    if status:
        sys.exit(status)


def training_seconds(checkpoint: Path) -> float:
    """Seconds spent in training, over all its starts, as fairseq notes in a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return state["extra_state"]["previous_training_time"]


@dataclass
class Run:
    """A row with a seed: what run.json notes of it, and whether its training has ended."""

    folder: Path
    notes: dict[str, Any]
    command: list[str]
    trained: bool

    @property
    def name(self) -> str:
        return f"{self.notes['row']}, seed {self.notes['seed']}"


def plan_run(args: argparse.Namespace, row: str, seed: int) -> Run:
    """What is to be run of a row with a seed.

    Raises:
        UserError: the folder holds a run with other settings, or there is no preset of that name
    """
    folder = args.out / row / f"seed-{seed}"
    command = for_this_machine(train_flags(args, row, seed, folder))
    notes = {
        "row": row,
        "seed": seed,
        "model": args.model,
        "loss_weights": loss_weights(command, tasks_of(args.data)),
        "checkpoint": args.checkpoint,
        "train": shlex.join(command),
    }
    path = folder / "run.json"
    before = read_json(path) if path.exists() else {}
    if before and before | notes != before:
        found = {key: before.get(key) for key, value in notes.items() if before.get(key) != value}
        raise UserError(
            f"{path}: found a run of other settings, {found}, expected {notes}: choose another --out, or "
            "remove that folder"
        )
    return Run(folder, before | notes, command, trained="training_seconds" in before)


def check(args: argparse.Namespace, runs: Sequence[Run]) -> None:
    """Look at everything that the runs need until the report.

    Raises:
        UserError: something is missing, or does not fit the rest
    """
    preflight.check_programs()
    tasks = tasks_of(args.data)
    preflight.check_text(args.data, [RESPONSE, *tasks])
    # the heads of all tasks are scored, whichever are trained
    all_tasks = ["--classification-tasks", ",".join(tasks), "--loss-weights", ""]
    task = preflight.check_training([*runs[0].command, *all_tasks])
    task.load_dataset("test")
    for run in runs:
        preflight.check_training(run.command)
    generate = next(iter(evaluation_commands(args, runs[0].folder, args.out).values()))
    preflight.check_generation(generate, task)
    to_train = [run for run in runs if not run.trained]
    if to_train:
        preflight.check_model(to_train[0].command)
    preflight.check_output(args.out)


def run_row(args: argparse.Namespace, run: Run, overlap: Path) -> None:
    """Train and evaluate one row with one seed, or what is left of that."""
    run.folder.mkdir(parents=True, exist_ok=True)
    path = run.folder / "run.json"
    if not run.trained:
        updates = value_of(run.command, "--total-num-update")
        say(f"{run.name}: training, {updates} updates; log: {run.folder / 'train.log'}")
        write_atomically(path, json.dumps(run.notes, indent=2) + "\n")
        call(run.command)
        last = run.folder / "checkpoints" / "checkpoint_last.pt"
        run.notes["training_seconds"] = training_seconds(last)
        write_atomically(path, json.dumps(run.notes, indent=2) + "\n")
    for output, command in evaluation_commands(args, run.folder, overlap).items():
        if output.exists():
            continue
        if command[0] == "fairseq-generate":
            lines = f"{count_lines(Path(gold_responses(args))):,}"
            say(f"{run.name}: responses to the {lines} utterances of the test set, in silence")
            call(command, output)
        else:
            call(command)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("--table", choices=TABLES, help="the rows of this table of the paper")
    rows.add_argument(
        "--rows", help="comma-separated rows, e.g. R,R+E6, or R+NAME with a task of the data"
    )
    parser.add_argument(
        "--model", default="tiny", help="file of models/: tiny, base, large (default: %(default)s)"
    )
    parser.add_argument(
        "--pretrained", type=Path, metavar="FILE", help="BART's weights, e.g. bart.large/model.pt"
    )
    parser.add_argument("--data", type=Path, required=True, help="made by emo-mtl prepare")
    parser.add_argument("--out", type=Path, required=True, help="folder for the run folders")
    parser.add_argument("--seeds", default="1", help="comma-separated (default: %(default)s)")
    parser.add_argument(
        "--sampling",
        choices=("proportional", "round-robin"),
        default="proportional",
        help="--task-sampling; proportional is the paper's (default: %(default)s)",
    )
    parser.add_argument(
        "--response-loss-reduction",
        choices=("mean", "sum"),
        default="mean",
        help="mean: tasks of one size; sum: as the authors' code (default: %(default)s)",
    )
    parser.add_argument(
        "--checkpoint",
        choices=("last", "best"),
        default="last",
        help="which to evaluate; last is the paper's (default: %(default)s)",
    )
    parser.add_argument(
        "--extra", default="", help="more flags of fairseq-train, which win, e.g. '--max-epoch 1'"
    )
    args = parser.parse_args(argv)
    if args.model != "tiny" and not args.pretrained:
        parser.error(f"--model {args.model} starts from BART's weights: give --pretrained")
    for name, values in (("--seeds", args.seeds.split(",")), ("--rows", rows_of(args))):
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            parser.error(f"{name}: found {', '.join(sorted(twice))} twice")
    if not all(seed.isdecimal() for seed in args.seeds.split(",")):
        parser.error(f"--seeds {args.seeds}: expected numbers, e.g. 1,2,3")
    try:
        shlex.split(args.extra)
    except ValueError as error:
        parser.error(f"--extra {args.extra}: {error}")
    if args.data.name == "data-bin" and (args.data.parent / "text").is_dir():
        args.data = args.data.parent
    return args


def rows_of(args: argparse.Namespace) -> list[str]:
    """The rows of the table or of --rows."""
    return TABLES[args.table] if args.table else args.rows.split(",")


def main(argv: Sequence[str] | None = None) -> None:
    """Run all rows with all seeds, report, and test the differences between the rows."""
    args = parse_args(argv)
    say(choose_threads(os.environ))
    say("looking at everything that is needed: some seconds, with large weights a minute")
    rows = rows_of(args)
    runs = [plan_run(args, row, int(seed)) for seed in args.seeds.split(",") for row in rows]
    with preflight.quiet():
        check(args, runs)
    overlap = args.out / "overlap.json"
    if not overlap.exists():
        say("which test examples stand in the training data")
        call(["emo-mtl", "overlap", "--data", str(args.data), "--json", str(overlap)])
    baselines = run_baselines(args, overlap)
    for run in runs:
        run_row(args, run, overlap)
    say(f"report: {args.out / 'report' / 'report.md'}")
    folders = [run.folder for run in runs]
    out = ["--out", str(args.out / "report"), "--overwrite"]
    call(["emo-mtl", "report", *map(str, [*folders, *baselines]), *out])
    if len(rows) > 1:
        compare(args, folders[: len(rows)])


def run_baselines(args: argparse.Namespace, overlap: Path) -> list[Path]:
    """The run folders of the baselines."""
    out = args.out / "baselines"
    if not all((out / name).exists() for name in (*RESPONDERS, *CLASSIFIERS)):
        flags = ["--out", str(out), "--overlap", str(overlap), "--overwrite"]
        say("baselines without a network: some minutes on the paper's corpora")
        call(["emo-mtl", "baselines", "--data", str(args.data), *flags])
    for hypotheses in sorted(out.glob("*/generate-test.txt")) if tasks_of(args.data) else ():
        command, output = awareness_command(args, hypotheses)
        if not output.exists():
            call(command)
    return sorted(path for path in out.iterdir() if path.is_dir())


def awareness_command(args: argparse.Namespace, hypotheses: Path) -> tuple[list[str], Path]:
    """The command, and the file that it writes beside the responses."""
    output = hypotheses.with_name("awareness.json")
    command = ["emo-mtl", "awareness", "--data", str(args.data), "--hypotheses", str(hypotheses)]
    tasks = tasks_of(args.data)
    of_paper = [task for task in ("e6", "e2") if task in tasks]
    judged = ["--task", ",".join(of_paper or tasks)]
    return [*command, *judged, "--json", str(output)], output


def compare(args: argparse.Namespace, runs: Sequence[Path]) -> None:
    """Test whether BLEU and accuracy of each run differ from those of the first."""
    compared = [
        ("bleu", "--hypotheses", "generate-test.txt", ["--references", gold_responses(args)])
    ]
    if tasks_of(args.data):
        compared.append(("accuracy", "--predictions", "predictions.tsv", []))
    for what, flag, name, extra in compared:
        out = ["--json", str(args.out / f"significance-{what}.json"), "--overwrite"]
        files = [str(run / name) for run in runs]
        call(["emo-mtl", "significance", *out, *extra, flag, *files])


def gold_responses(args: argparse.Namespace) -> str:
    """The gold responses of the test set."""
    return str(args.data / "text" / "response" / "test.target")


if __name__ == "__main__":
    main()
