"""fairseq's own commands say in one line what is wrong with a file."""

import pickle
import sys

import pytest
import torch
from helpers.checkpoints import RunsCode
from helpers.commands import TASK, TRAIN, run_command

from emo_mtl.errors import file_error, say_in_one_line


def test_other_programs_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", hook := object())
    for program in ("", "notebook.py", "/home/fairseq/train.py", "emo-mtl"):
        say_in_one_line(program)
        assert sys.excepthook is hook
    say_in_one_line("/env/bin/fairseq-train")
    assert sys.excepthook is not hook


def test_what_is_about_no_file():
    assert file_error(ValueError("a")) is file_error(OSError("no file is named")) is None
    assert "a checkpoint" in file_error(pickle.UnpicklingError())


@pytest.mark.parametrize("kind", ["file", "below a file"])
def test_save_dir_that_cannot_be_made(sample, tmp_path, kind):
    (tmp_path / "taken").touch()
    folder = tmp_path / "taken" / ("x" if kind == "below a file" else "")
    command = ["fairseq-train", sample / "data-bin", *TRAIN, "--save-dir", folder]
    result = run_command(*command, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "taken" in result.stderr.strip().splitlines()[-1]
    assert result.stderr.strip().splitlines()[-1].startswith("emo_mtl: error: ")


def test_validation_of_a_checkpoint_that_would_run_code(sample, tmp_path):
    torch.save({"surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
    command = ["fairseq-validate", sample / "data-bin", *TASK, "--path", tmp_path / "evil.pt"]
    result = run_command(*command, "--max-tokens", "512", check=False)
    assert result.returncode == 1
    assert not (tmp_path / "ran").exists()
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("emo_mtl: error: ")
    assert "found posix.mkdir, which could run code" in result.stderr
