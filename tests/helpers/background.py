"""fairseq-train in the background, to be killed."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from helpers.commands import REPOSITORY, TRAIN


def start(sample: Path, save_dir: Path, *flags: str) -> subprocess.Popen:
    """fairseq-train on the sample, in a process group of its own; it logs each update."""
    command = [Path(sys.executable).parent / "fairseq-train", sample / "data-bin", *TRAIN]
    command += ["--save-dir", save_dir, "--log-interval", "1", *flags]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


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


def start_ranks(count: int, sample: Path, save_dir: Path, *flags: str) -> list[subprocess.Popen]:
    """One training on several processes; the first one is rank 0."""
    return [start(sample, save_dir, *flags, *rank) for rank in ranks(count)]


def read_until(process: subprocess.Popen, pattern: str) -> str:
    """What the process prints up to a line with the pattern, or all of it."""
    read = ""
    for line in process.stdout:
        read += line
        if re.search(pattern, line):
            break
    return read
