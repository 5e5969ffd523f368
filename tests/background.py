"""fairseq-train in the background, to be killed."""

import os
import re
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


def read_until(process: subprocess.Popen, pattern: str) -> str:
    """What the process prints up to a line with the pattern, or all of it."""
    read = ""
    for line in process.stdout:
        read += line
        if re.search(pattern, line):
            break
    return read
