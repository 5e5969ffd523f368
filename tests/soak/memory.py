"""Does a long training leak? fairseq-train on four tasks, watched from outside.

    python tests/soak/memory.py data/data-bin --out soak            # 2,000 updates
    python tests/soak/memory.py data/data-bin --out soak --max-tokens 4096    # more flags of fairseq-train

Writes `memory.csv` (a row every two seconds), `memory.svg`, `train.log` and checkpoints to --out. Prints how
memory grows over the second half of the updates, and exits with 1 if that is more than --limit, or if open
files or processes are more in the second half than in the first. Needs the extra `soak`.
"""

import argparse
import csv
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

try:
    import matplotlib
    import psutil
except ImportError as error:
    raise SystemExit(f"{error.name} is not installed: pip install '.[soak]'") from None

matplotlib.use("svg")
from matplotlib import pyplot

REPOSITORY = Path(__file__).resolve().parents[2]
MIB = 2**20
SECONDS = 2  # between two samples


@dataclass(frozen=True)
class Sample:
    """The training and its workers at one time."""

    seconds: float  # since the start
    updates: int
    main_mib: float  # resident memory of the training process
    tree_mib: float  # proportional: of all processes, each shared page counted once
    open_files: int
    processes: int


def command(data: str, out: Path, updates: int, flags: Sequence[str]) -> list[str]:
    """fairseq-train of a very small model; every 200 updates it validates and writes a checkpoint."""
    return [
        *(str(Path(sys.executable).with_name("fairseq-train")), data, "--cpu"),
        *("--user-dir", str(REPOSITORY / "emo_mtl")),
        *("--task", "emotion_dialogue", "--arch", "emo_bart_tiny"),
        *("--encoder-embed-dim", "32", "--encoder-ffn-embed-dim", "64"),
        *("--classification-tasks", "e6,e2,e12", "--task-sampling", "proportional"),
        *("--criterion", "multitask_nll", "--label-smoothing", "0.1", "--dropout", "0.1"),
        *("--optimizer", "adam", "--lr", "1e-3", "--lr-scheduler", "fixed", "--clip-norm", "1.0"),
        *("--max-tokens", "2048", "--required-batch-size-multiple", "1", "--num-workers", "2"),
        *("--max-update", str(updates), "--save-interval-updates", "200"),
        *("--keep-interval-updates", "2", "--no-epoch-checkpoints", "--save-dir", str(out)),
        *("--log-format", "simple", "--log-interval", "10", *flags),
    ]


def sample(main: psutil.Process, seconds: float, updates: int) -> Sample | None:
    """What the process and its descendants use now; nothing if one of them ends meanwhile."""
    try:
        if main.status() == psutil.STATUS_ZOMBIE:  # it has ended, and its memory is 0
            return None
        tree = [main, *main.children(recursive=True)]
        return Sample(
            round(seconds, 1),
            updates,
            round(main.memory_info().rss / MIB, 1),
            round(sum(process.memory_full_info().pss for process in tree) / MIB, 1),
            sum(process.num_fds() for process in tree),
            len(tree),
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def watch(arguments: Sequence[str], log: Path) -> list[Sample]:
    """Samples of a training from its first logged update to its end.

    Raises:
        SystemExit: the training failed
    """
    samples = []
    start = time.monotonic()
    with log.open("wb") as output, log.open(encoding="utf-8", errors="replace") as progress:
        training = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT)
        updates = 0
        while training.poll() is None:
            time.sleep(SECONDS)
            for number in re.findall(r"train_inner.*?num_updates=(\d+)", progress.read()):
                updates = int(number)
            now = sample(psutil.Process(training.pid), time.monotonic() - start, updates)
            if updates and now:
                samples.append(now)
    if training.returncode:
        raise SystemExit(f"{log}: the training ended with status {training.returncode}")
    return samples


def slope(samples: Sequence[Sample]) -> float:
    """MiB for 1,000 updates: the least-squares line through the memory of all processes."""
    updates = [s.updates / 1000 for s in samples]
    return float(np.polyfit(updates, [s.tree_mib for s in samples], deg=1)[0])


def plot(samples: Sequence[Sample], path: Path) -> None:
    """Memory, open files and processes over the updates, as SVG."""
    updates = [s.updates for s in samples]
    figure, (memory, counts) = pyplot.subplots(
        2, sharex=True, figsize=(8, 5), height_ratios=[3, 1], layout="constrained"
    )
    memory.plot(updates, [s.tree_mib for s in samples], label="all processes, shared pages once")
    memory.plot(updates, [s.main_mib for s in samples], label="training process")
    memory.set(ylabel="resident memory, MiB", ylim=(0, None))
    counts.plot(updates, [s.open_files for s in samples], label="open files")
    counts.plot(updates, [s.processes for s in samples], label="processes")
    counts.set(xlabel="updates", ylim=(0, None))
    for axes in (memory, counts):
        axes.legend(loc="lower right")
        axes.grid(alpha=0.3)
    figure.savefig(path)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.split(";")[0],
        epilog="other flags are given to fairseq-train",
        allow_abbrev=False,
    )
    parser.add_argument("data", help="a data-bin folder with the tasks e6, e2 and e12")
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--limit", type=float, default=50, help="MiB for 1,000 updates")
    args, flags = parser.parse_known_args(argv)
    args.out.mkdir(parents=True)

    samples = watch(command(args.data, args.out, args.updates, flags), args.out / "train.log")
    with (args.out / "memory.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(samples[0])))
        writer.writeheader()
        writer.writerows(map(asdict, samples))

    first, second = (
        [s for s in samples if (s.updates > args.updates / 2) is late] for late in (False, True)
    )
    growth = slope(second)
    print(f"second half: {growth:+.1f} MiB for 1,000 updates (limit {args.limit:g})")
    print(f"most memory: {max(s.tree_mib for s in samples):,.0f} MiB")
    constant = True
    for name in ("open_files", "processes"):
        before, after = (max(getattr(s, name) for s in half) for half in (first, second))
        constant &= after <= before
        print(
            f"{name.replace('_', ' ')}: at most {before} in the first half, {after} in the second"
        )
    plot(samples, args.out / "memory.svg")
    return int(growth > args.limit or not constant)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
