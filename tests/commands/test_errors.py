"""fairseq's own commands say in one line what is wrong with a file."""

import subprocess
import sys

import pytest
import torch
from helpers.checkpoints import RunsCode
from helpers.commands import REPOSITORY, TASK, TRAIN, run_command
from torch.multiprocessing import ProcessRaisedException

from emo_mtl.errors import UserError, user_message


class TestUserMessage:
    def test_process_that_torch_spawned(self):
        with pytest.raises(ProcessRaisedException) as caught:
            torch.multiprocessing.spawn(raise_user_error, nprocs=1)
        assert user_message(caught.value) == "rank 0: bad"


def raise_user_error(rank: int) -> None:
    raise UserError(f"rank {rank}: bad")


class TestPrograms:
    """What a program shows that ends with an exception."""

    RUN = "import emo_mtl.errors, sys; sys.argv[0] = {program!r}; {statement}"

    @pytest.mark.parametrize(
        ("program", "statement", "shown"),
        [
            ("notebook.py", "raise emo_mtl.errors.UserError('a: b')", "emo_mtl: error: a: b\n"),
            ("notebook.py", "open('/no/file')", None),
            ("/home/fairseq/train.py", "open('/no/file')", None),
            (
                "/env/bin/fairseq-train",
                "open('/no/file')",
                "emo_mtl: error: /no/file: No such file ",
            ),
            ("/env/fairseq_cli/train.py", "open('/no/file')", "emo_mtl: error: /no/file: No such "),
            ("/env/bin/fairseq-train", "1 / 0", None),
        ],
    )
    def test_program(self, program, statement, shown):
        program = self.RUN.format(program=program, statement=statement)
        result = subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True
        )
        assert result.returncode == 1
        assert result.stderr.startswith(shown or "Traceback"), result.stderr
        assert (len(result.stderr.splitlines()) == 1) == bool(shown)


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
