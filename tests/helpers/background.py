"""Commands in the background, forked as in helpers/commands.py, to be watched and killed."""

import os
import re
import signal
import socket
import time
from pathlib import Path

from helpers.commands import FOREVER, TRAIN, forkserver, run_forked


class Background:
    """A running command of the bin folder, in a process group of its own; its output goes to a file."""

    def __init__(self, log: Path, executable: str, *arguments: object, **env: str):
        log.touch()
        self.log = log
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **env}
        call = (executable, list(map(str, arguments)), environment, log)
        self.process = forkserver.Process(target=run_in_group, args=call)
        self.process.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def status(self) -> int | None:
        """The exit status; none while it runs."""
        return self.process.exitcode

    @property
    def output(self) -> str:
        """What it has printed by now."""
        return self.log.read_text("utf-8", errors="replace")

    def wait(self) -> int:
        """The exit status, after it has ended."""
        self.process.join(FOREVER)
        self.process.kill()
        self.process.join()
        return self.process.exitcode

    def kill_group(self, number: int = signal.SIGKILL) -> None:
        """Signal the command and all that it has started."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # nothing of it is left, or it has just begun
            self.process.kill()

    def read_until(self, pattern: str) -> str:
        """What it prints up to a line with the pattern, or all of it."""
        while True:
            ended = self.status is not None
            read = self.output
            if (found := re.search(f"{pattern}.*\n", read)) or ended:
                return read[: found.end()] if found else read
            time.sleep(0.005)


def run_in_group(executable: str, arguments: list[str], env: dict[str, str], log: Path) -> None:
    """In the new process."""
    os.setsid()
    run_forked(executable, arguments, env, log, log)


def start(sample: Path, save_dir: Path, *flags: str) -> Background:
    """fairseq-train on the sample; it logs each update, to a file beside its checkpoints."""
    save_dir.mkdir(parents=True, exist_ok=True)
    log = save_dir / f"log{len(list(save_dir.glob('log*')))}"
    flags = (*TRAIN, "--save-dir", save_dir, "--log-interval", "1", *flags)
    return Background(log, "fairseq-train", sample / "data-bin", *flags)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


# Ranks on CPUs, each started by hand or by a launcher.
GLOO = [
    *("--distributed-backend", "gloo", "--ddp-backend", "legacy_ddp", "--distributed-no-spawn"),
]


def ranks(count: int) -> list[list[str]]:
    """For each rank of one training the flags that make it one; the first is rank 0."""
    address = f"tcp://127.0.0.1:{free_port()}"
    return [
        [
            *(*GLOO, "--distributed-init-method", address),
            *("--distributed-world-size", str(count), "--distributed-rank", str(rank)),
        ]
        for rank in range(count)
    ]


def start_ranks(count: int, sample: Path, save_dir: Path, *flags: str) -> list[Background]:
    """One training on several processes; the first one is rank 0."""
    return [start(sample, save_dir, *flags, *rank) for rank in ranks(count)]
