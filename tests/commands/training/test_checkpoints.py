"""Damaged checkpoints: told from whole ones, and resumed around."""

import pytest
from helpers.checkpoints import cut
from helpers.commands import MULTITASK, train

from emo_mtl.errors import UserError
from emo_mtl.inference.loading import load_checkpoint
from emo_mtl.training.checkpoints import damage


class TestCommands:
    def test_training_goes_on_from_the_other(self, sample, tmp_path):
        flags = [*MULTITASK, "--save-interval-updates", "2", "--disable-validation"]
        train(sample, tmp_path, *flags, "--max-update", "2")
        cut(tmp_path / "checkpoint_last.pt")
        result = train(sample, tmp_path, *flags, "--max-update", "3")
        log = result.stdout + result.stderr
        assert "checkpoint_last.pt: cut off: going on from" in log
        assert "@ 2 updates" in log
        assert damage(tmp_path / "checkpoint_last.pt") is None

    def test_inference(self, trained, tmp_path):
        damaged = tmp_path / "checkpoint_best.pt"
        content = bytearray(trained[0].read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
        with pytest.raises(UserError, match=r"checkpoint_best.pt: cannot be read.*damaged"):
            load_checkpoint(damaged)
