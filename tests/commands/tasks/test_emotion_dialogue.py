"""The task: data folders, schedule, heads, validation, checkpoints."""

import os
import subprocess
import sys

import pytest
from helpers.commands import FOREVER, REPOSITORY
from helpers.config import train_argv


class TestUserDir:
    """`--user-dir emo_mtl`, whether or not emo_mtl was imported before."""

    PACKAGE = REPOSITORY / "emo_mtl"

    @pytest.mark.parametrize("before", ["", "import emo_mtl"])
    def test_in_another_folder(self, data_bin, tmp_path, before):
        """A fresh process outside the repository, with the absolute path of the package."""
        argv = ["--user-dir", str(self.PACKAGE), *train_argv(data_bin)]
        program = f"""
import sys
{before}
from fairseq import criterions, models, options, tasks
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
args = options.parse_args_and_arch(options.get_training_parser(), {argv!r})
cfg = convert_namespace_to_omegaconf(args)
task = tasks.setup_task(cfg.task)
print(type(task).__name__, type(task.build_model(cfg.model)).__name__)
print(type(task.build_criterion(cfg.criterion)).__name__)
"""
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY) if before else ""}
        result = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=FOREVER,
        )
        assert result.stdout.split() == [
            "EmotionDialogueTask",
            "EmoBARTModel",
            "MultitaskNLLCriterion",
        ], result.stderr
