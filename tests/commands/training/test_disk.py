"""A disk that is full or read-only: what was saved before stays, and training goes on from it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import FOREVER, MULTITASK, REPOSITORY, TRAIN, train

# In a mount namespace of its own, which ends with it: nothing of this machine is changed.
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c"]
SCRIPT = """
set -u
mount -t tmpfs -o size=$1 none "$2" || exit 99
shift 2
echo "== full"; "$@" --max-update 40
echo "status $?"
mount -o remount,size=1g none "$SAVE_DIR"
echo "== enlarged"; "$@" --max-update 42
echo "status $?"
sha256sum "$SAVE_DIR"/*.pt > "$SUMS"
mount -o remount,ro none "$SAVE_DIR"
echo "== read-only"; "$@" --max-update 44
echo "status $?"
sha256sum --check --quiet "$SUMS" && echo "unchanged"
"""


def can_mount(folder: Path) -> bool:
    command = [*NAMESPACE, f"mount -t tmpfs none '{folder}'"]
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
    command = [Path(sys.executable).parent / "fairseq-train", sample / "data-bin", *TRAIN, *flags]
    command += ["--save-dir", save_dir]
    # room for checkpoint_1_10.pt, its copy checkpoint_last.pt, and a half
    arguments = ["bash", int(2.5 * size), save_dir, *command]
    result = subprocess.run(
        [*NAMESPACE, SCRIPT, *map(str, arguments)],
        cwd=REPOSITORY,
        env={
            **os.environ,
            **{"OMP_NUM_THREADS": "1", "SAVE_DIR": str(save_dir), "SUMS": str(tmp_path / "sums")},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=FOREVER,
    )
    log = result.stdout
    _, full, enlarged, read_only = re.split(r"^== .*$", log, flags=re.MULTILINE)
    assert "status 1\n" in full, log[-4000:]
    assert "No space left on device" in full
    assert "status 0\n" in enlarged, log[-4000:]
    assert re.search(r"Loaded checkpoint .*@ \d+0 updates", enlarged), enlarged
    assert "status 1\n" in read_only, log[-4000:]
    assert f"Unable to access checkpoint save directory: {save_dir}" in read_only
    assert "Read-only file system" in read_only
    assert "unchanged" in read_only
