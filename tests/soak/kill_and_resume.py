"""Kill trainings with SIGKILL and start them again: do they end with the parameters of one that ran through?

    python tests/soak/kill_and_resume.py DATA OUT --kills 3     # DATA: a folder that holds data-bin

For each sampling, --update-freq 1 and 4, 0 and 2 workers, and two processes: one training runs through,
another is killed at random moments (within an update, a validation, or the writing of a checkpoint) and
started again with the same command. Parameters and the optimizer's state must be equal bit by bit. Prints a
table; its exit status is 1 if any differ.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.extend(str(REPOSITORY / folder) for folder in ("", "tests", "examples/quickstart"))
from helpers.background import Background, start, start_ranks  # noqa: E402

import emo_mtl.compat  # noqa: E402, F401  lets torch load fairseq's checkpoints
from emo_mtl.training.checkpoints import newest_whole  # noqa: E402

UPDATES = 24
# Lines of the log behind which a process is killed.
MOMENTS = {
    "update": r'"num_updates": "{}"',
    "validation": "begin validation on",
    "saving": "Saving checkpoint to",
    "copying": "Finished saving checkpoint to",
}


class Setting(NamedTuple):
    sampling: str
    update_freq: int
    workers: int
    processes: int

    def flags(self) -> list[str]:
        """Dropout stays on: its random numbers depend on the update alone."""
        return [
            *("--classification-tasks", "e6,e2,e12", "--task-sampling", self.sampling),
            *("--update-freq", self.update_freq, "--num-workers", self.workers),
            *("--max-tokens", 1024, "--max-update", UPDATES, "--save-interval-updates", 4),
        ]


SETTINGS = [
    *(Setting(*s, 1) for s in itertools.product(("round-robin", "proportional"), (1, 4), (0, 2))),
    Setting("round-robin", 2, 0, 2),
]


def launch(data: Path, save_dir: Path, setting: Setting) -> list[Background]:
    """The processes of one training; the first one is rank 0."""
    if setting.processes == 1:
        return [start(data, save_dir, *setting.flags())]
    return start_ranks(setting.processes, data, save_dir, *setting.flags())


def run_through(data: Path, save_dir: Path, setting: Setting) -> None:
    """Train to the end.

    Raises:
        RuntimeError: a process failed; with the end of its output
    """
    processes = launch(data, save_dir, setting)
    for process in processes:
        if status := process.wait():
            raise RuntimeError(f"{setting}: status {status}\n{process.output[-3000:]}")


def kill(data: Path, save_dir: Path, setting: Setting, rng: random.Random) -> str | None:
    """Start the training and kill it; returns where, or None if it ended before."""
    processes = launch(data, save_dir, setting)
    moment = rng.choice(list(MOMENTS))
    first = processes[0]
    log = first.read_until(MOMENTS[moment].format(rng.randrange(2, UPDATES - 2)))
    time.sleep(rng.uniform(0, 0.05))  # an update takes about 0.05 s
    ended = first.status is not None
    for process in processes:
        process.kill_group()
        process.wait()
    if ended and first.status:
        raise RuntimeError(f"{setting}: {log[-3000:]}")
    return None if ended else moment


def tensors(tree: object) -> Iterator[torch.Tensor]:
    """The tensors and numbers of nested dictionaries and lists, in order."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree, key=str)]
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from tensors(item)
    elif isinstance(tree, torch.Tensor | int | float):
        yield torch.as_tensor(tree)


def load_newest(folder: Path) -> dict[str, Any]:
    """The newest whole checkpoint, which is what training resumes from."""
    return torch.load(newest_whole(folder, but=Path()), weights_only=True)


def updates(folder: Path) -> int:
    """Of the newest whole checkpoint; 0 if there is none."""
    if newest_whole(folder, but=Path()) is None:
        return 0
    return load_newest(folder)["optimizer_history"][-1]["num_updates"]


def equal(one: Path, other: Path) -> bool:
    """Whether two trainings ended with the same parameters and optimizer's state, bit by bit."""
    first, second = load_newest(one), load_newest(other)
    return all(
        torch.equal(a, b)
        for part in ("model", "last_optimizer_state")
        for a, b in zip(tensors(first[part]), tensors(second[part]), strict=True)
    )


def main() -> None:
    """Run all settings and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that holds data-bin")
    parser.add_argument("out", type=Path, help="folder for the checkpoints")
    parser.add_argument("--kills", type=int, default=3, help="of each setting (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    all_equal = True
    print("| sampling | --update-freq | workers | processes | killed in | equal |")
    print("| --- | ---: | ---: | ---: | --- | --- |", flush=True)
    for number, setting in enumerate(SETTINGS):
        whole, parts = (args.out / f"{number}-{name}" for name in ("whole", "parts"))
        run_through(args.data, whole, setting)
        moments = [kill(args.data, parts, setting, rng) for _ in range(args.kills)]
        if updates(parts) < UPDATES:  # fairseq makes one update more where none is left to make
            run_through(args.data, parts, setting)
        all_equal &= (same := equal(whole, parts))
        killed = ", ".join(moment for moment in moments if moment)
        print(f"| {' | '.join(map(str, setting))} | {killed} | {same} |", flush=True)
    sys.exit(not all_equal)


if __name__ == "__main__":
    main()
