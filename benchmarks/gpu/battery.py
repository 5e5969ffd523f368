"""Runs the steps of this folder one after the other, each in its time, and writes what each finds at once.

    python benchmarks/gpu/battery.py OUT --minutes 8        # or run.sh, which installs what is carried along

A step that fails or runs out of its time is reported so, and the next goes on. The steps stand in the order
of their worth; what is left of the minutes goes to the last one, a real training.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import plan  # noqa: E402
from measure import environment  # noqa: E402

from emo_mtl.io import check_output, write_atomically  # noqa: E402

PYTHON = sys.executable
SHAPES = ("base", "large")
PRECISIONS = ("fp16", "bf16")
Command = Sequence[str | Path]
RESULTS = ("results.md", "results.json")  # in the folder of a step, where it writes any


@dataclass(frozen=True)
class Step:
    """Commands that write Markdown to `OUT/NAME/results.md`, or else print what is to be seen."""

    name: str
    title: str
    seconds: float  # its limit
    commands: Sequence[Command]


@dataclass
class Outcome:
    """What became of a step."""

    title: str
    status: str  # "done", "failed", "out of time" or "left out"
    seconds: float
    text: str  # Markdown


def steps(args: argparse.Namespace) -> list[Step]:
    """All steps but the plan, which is made of their results."""
    data, out, cpu = args.bundle / "gpt2", args.out, args.device == "cpu"
    runs = "1" if cpu else "2"
    benchmark: Command = [PYTHON, HERE.parent / "run.py", "--runs", runs, "--overwrite"]
    small: Command = ["--size", "toy", "--threads", "1"]
    size: Command = small if cpu else ["--device", "cuda", "--data", data]
    tests: Command = [
        PYTHON,
        *("-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider"),
        HERE.parents[1] / "tests/gpu",
    ]
    found = [
        Step(
            "card",
            "The machine",
            60,
            [[PYTHON, HERE / "card.py", out / "card" / "results.md", "--device", args.device]],
        ),
        Step("tests", "Correctness", 900 if cpu else 150, [tests]),
    ]
    for precision in ["fp32"] if cpu else PRECISIONS:
        name = f"train-{precision}"
        training: Command = ["--only", "train", "--in-process", "--precision", precision]
        found.append(
            Step(
                name,
                f"Training, {precision}",
                600 if cpu else 90,
                [[*benchmark, *size, *training, "--out", out / name]],
            )
        )
    for shape in ["toy"] if cpu else SHAPES:
        name = f"generate-{shape}"
        flags = ["--only", "generate", "--response-length", "16", "--out", out / name]
        commands: list[Command] = []
        if not cpu:
            checkpoint = out / name / "untrained.pt"
            commands.append([PYTHON, HERE / "untrained.py", data, shape, checkpoint])
            flags += ["--spm-data", data, "--checkpoint", checkpoint, "--precision", "fp16"]
            flags += ["--runs", "1"]
        found.append(
            Step(
                name,
                f"Generation, {shape}, untrained",
                600 if cpu else 90,
                [*commands, [*benchmark, *size, *flags]],
            )
        )
    return found


def run(step: Step, args: argparse.Namespace, deadline: float) -> Outcome:
    """Run the commands of a step until its limit, or the deadline of all."""
    folder = args.out / step.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in RESULTS:  # of an earlier run, which would pass for this one's
        (folder / name).unlink(missing_ok=True)
    start = time.monotonic()
    end = min(start + step.seconds, deadline)
    environ = environment(args.threads) | {"EMO_MTL_TEST_DEVICE": args.device}
    status = "done"
    with (folder / "log").open("w", encoding="utf-8") as log:
        for command in step.commands:
            status = run_until(end, list(map(str, command)), environ, log)
            if status != "done":
                break
    results = folder / RESULTS[0]
    text = results.read_text("utf-8") if results.exists() else last_lines(folder / "log")
    return Outcome(step.title, status, time.monotonic() - start, text)


def run_until(end: float, command: Sequence[str], environ: Mapping[str, str], log: Any) -> str:
    """The status of a command, which is killed with all that it has started when its time is over."""
    left = end - time.monotonic()
    if left <= 0:
        return "left out"
    process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        return "done" if process.wait(left) == 0 else "failed"
    except subprocess.TimeoutExpired:
        return "out of time"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def last_lines(log: Path, lines: int = 40) -> str:
    """The end of a log, as a block of Markdown."""
    return (
        "```\n"
        + "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-lines:])
        + "\n```"
    )


def report(outcomes: Mapping[str, Outcome]) -> str:
    """What all steps have found, as Markdown."""
    parts = ["# On this machine"]
    for outcome in outcomes.values():
        parts.append(
            f"## {outcome.title}: {outcome.status}, {outcome.seconds:.0f} s\n\n{outcome.text.strip()}"
        )
    return "\n\n".join(parts) + "\n"


def write(out: Path, outcomes: Mapping[str, Outcome]) -> None:
    write_atomically(out / "report.md", report(outcomes))
    content = {name: asdict(outcome) for name, outcome in outcomes.items()}
    write_atomically(out / "report.json", json.dumps(content, indent=1) + "\n")


def train(args: argparse.Namespace, deadline: float) -> Step:
    """A real training in the time that is left, with room for its scores."""
    seconds = max(deadline - time.monotonic(), 0)
    hours = f"{0.6 * seconds / 3600:.4f}"
    command = ["bash", HERE / "train.sh", args.bundle, args.out / "training", hours]
    return Step("training", "A real training", seconds, [command])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the steps; the status is 1 if one failed or ran out of its time."""
    args = get_parser().parse_args(argv)
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ("report.md", "report.json"):
        check_output(args.out / name, args.overwrite)
    deadline = time.monotonic() + 60 * args.minutes
    outcomes: dict[str, Outcome] = {}
    for step in steps(args):
        outcomes[step.name] = run(step, args, deadline)
        print(
            f"{step.name}: {outcomes[step.name].status}, {outcomes[step.name].seconds:.0f} s",
            flush=True,
        )
        write(args.out, outcomes)
    measured = {p: args.out / f"train-{p}" / "results.json" for p in PRECISIONS}
    found = {
        p: json.loads(path.read_text("utf-8")) for p, path in measured.items() if path.exists()
    }
    if found:
        outcomes["plan"] = Outcome(
            "What the paper's training needs", "done", 0, plan.table(found, args.bundle)
        )
        write(args.out, outcomes)
    if args.device != "cpu":
        outcomes["training"] = run(train(args, deadline), args, deadline)
        write(args.out, outcomes)
    print((args.out / "report.md").read_text("utf-8"))
    bad = {name: it for name, it in outcomes.items() if it.status in ("failed", "out of time")}
    for name, outcome in bad.items():
        log = args.out / name / "log"
        print(f"{name}: {outcome.status}: {log}\n{last_lines(log)}", file=sys.stderr)
    return int(bool(bad))


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for what is written")
    parser.add_argument(
        "--minutes", type=float, default=8, help="for all steps (default: %(default)s)"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        default=HERE / "bundle",
        help="made by bundle.sh (default: %(default)s)",
    )
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="cuda", help="cpu: toy sizes, no numbers"
    )
    parser.add_argument(
        "--threads", type=int, default=4, help="of each process on the CPU (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the report in OUT")
    return parser


if __name__ == "__main__":
    sys.exit(main())
