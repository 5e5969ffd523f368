"""One command from the raw corpora to data-bin, and what it does when it runs again."""

import shutil
import subprocess
import sys
from pathlib import Path

from helpers.commands import REPOSITORY

from emo_mtl.cli.main import main
from emo_mtl.preparation import tec


def run(*arguments: object) -> None:
    """Call the command line in this process."""
    main(["prepare", *map(str, arguments)])


class TestBadInput:
    def test_missing_corpus_on_the_command_line(self, raw: Path, tmp_path: Path) -> None:
        shutil.rmtree(raw / "tec")
        script = REPOSITORY / "preprocess" / "prepare.py"
        command = [sys.executable, "-B", script, "--raw-dir", raw, "--out-dir", tmp_path / "data",
                   "--bpe", "sentencepiece"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith(
            f"emo_mtl: error: {raw / 'tec' / tec.FILE}: found no such file"
        )
        assert done.stderr.count("\n") == 1
