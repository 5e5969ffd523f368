"""No file is unpickled without protection, by any command."""

import pytest
import torch
from helpers.checkpoints import RunsCode
from helpers.commands import TASK, TRAIN, run_command

COMMANDS = {
    "train": ["fairseq-train", "DATA", *TRAIN, "--restore-file", "CKPT", "--save-dir", "OUT"],
    "generate": ["fairseq-generate", "DATA", *TASK, "--path", "CKPT"],
    "validate": ["fairseq-validate", "DATA", *TASK, "--path", "CKPT", "--max-tokens", "512"],
    "classify": ["emo-mtl", "classify", "CKPT", "--data", "DATA", "--task", "e6", "--cpu"],
    "chat": ["emo-mtl", "chat", "CKPT", "--cpu"],  # demo loads as chat does
    "export-hf": ["emo-mtl", "export-hf", "CKPT", "OUT"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_checkpoint_that_would_run_code(name, trained, sample, tmp_path):
    """torch before 2.6 protects fairseq's own commands only if asked, which fairseq does not."""
    version = tuple(map(int, torch.__version__.split(".")[:2]))
    if COMMANDS[name][0] != "emo-mtl" and version < (2, 6):
        pytest.skip("fairseq's own commands are protected by torch 2.6 and later")
    state = torch.load(trained[0], weights_only=True)
    torch.save({**state, "surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
    places = {"DATA": sample / "data-bin", "CKPT": tmp_path / "evil.pt", "OUT": tmp_path / "out"}
    result = run_command(*(places.get(part, part) for part in COMMANDS[name]), check=False)
    assert result.returncode
    assert "mkdir" in result.stdout + result.stderr, result.stderr[-2000:]  # what was found in it
    assert not (tmp_path / "ran").exists()
