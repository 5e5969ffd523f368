"""A disk that is full or read-only: what was saved before stays, and training goes on from it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import FOREVER, MULTITASK, REPOSITORY, TRAIN, train

# In a mount namespace of its own, which ends with it: nothing of this machine is changed.
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
PROGRAM = """
import subprocess, sys
from pathlib import Path
from helpers.commands import run_command

size, save_dir, *command = sys.argv[1:]

def mount(*flags):
    subprocess.run(["mount", *flags, "none", save_dir], check=True)

def train(title, max_update):
    result = run_command(*command, "--max-update", max_update, check=False)
    print("==", title, result.stdout, result.stderr, "status", result.returncode)

def checkpoints():
    return {path: path.read_bytes() for path in Path(save_dir).glob("*.pt")}

mount("-t", "tmpfs", "-o", f"size={size}")
train("full", 40)
mount("-o", "remount,size=1g")
train("enlarged", 42)
before = checkpoints()
mount("-o", "remount,ro")
train("read-only", 44)
print("unchanged" if checkpoints() == before else "changed")
"""


def can_mount(folder: Path) -> bool:
    command = [*NAMESPACE, "mount", "-t", "tmpfs", "none", folder]
    try:
        return subprocess.run(command, capture_output=True, timeout=FOREVER).returncode == 0
    except FileNotFoundError:  # no unshare on this system
        return False


@pytest.mark.slow
def test_full_and_read_only(sample, tmp_path):
    save_dir = tmp_path / "checkpoints"
    save_dir.mkdir()
    if not can_mount(save_dir):
        pytest.skip("this machine allows no mounting: unshare --user --mount")
    flags = [*MULTITASK, "--disable-validation", "--save-interval-updates", "10"]
    train(sample, tmp_path / "one", *flags, "--max-update", "1")
    size = (tmp_path / "one" / "checkpoint_last.pt").stat().st_size
    command = ["fairseq-train", sample / "data-bin", *TRAIN, *flags, "--save-dir", save_dir]
    # room for checkpoint_1_10.pt, its copy checkpoint_last.pt, and a half
    arguments = [int(2.5 * size), save_dir, *command]
    result = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=FOREVER,
    )
    log = result.stdout
    _, full, enlarged, read_only = re.split("^== ", log, flags=re.MULTILINE)
    assert "status 1\n" in full, log[-4000:]
    assert "No space left on device" in full
    assert "status 0\n" in enlarged, log[-4000:]
    assert re.search(r"Loaded checkpoint .*@ \d+0 updates", enlarged), enlarged
    assert "status 1\n" in read_only, log[-4000:]
    assert f"Unable to access checkpoint save directory: {save_dir}" in read_only
    assert "Read-only file system" in read_only
    assert "unchanged" in read_only
