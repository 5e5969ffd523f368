"""As many threads as cores that are free."""

import subprocess
import sys

from helpers.commands import REPOSITORY


class TestChoose:
    def test_as_a_script_without_fairseq(self):
        command = [sys.executable, "-X", "importtime", "emo_mtl/training/threads.py"]
        result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert result.stdout.startswith("threads: ")
        assert "fairseq" not in result.stderr
