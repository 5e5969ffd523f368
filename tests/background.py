"""fairseq-train in the background, to be killed."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, TRAIN


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


def start_ranks(count: int, sample: Path, save_dir: Path, *flags: str) -> list[subprocess.Popen]:
    """One training on several processes; the first one is rank 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    return [
        start(
            *(sample, save_dir, *flags, "--distributed-no-spawn"),
            *("--distributed-world-size", count, "--distributed-rank", rank),
            *("--distributed-init-method", address, "--distributed-backend", "gloo"),
            *("--ddp-backend", "legacy_ddp"),
        )
        for rank in range(count)
    ]


def read_until(process: subprocess.Popen, pattern: str) -> str:
    """What the process prints up to a line with the pattern, or all of it."""
    read = ""
    for line in process.stdout:
        read += line
        if re.search(pattern, line):
            break
    return read
