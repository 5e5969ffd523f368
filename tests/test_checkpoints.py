"""Damaged checkpoints: told from whole ones, and resumed around."""

import os
from pathlib import Path

import pytest
import torch
from helpers.commands import MULTITASK, train

from emo_mtl.errors import UserError
from emo_mtl.inference.loading import load_checkpoint
from emo_mtl.training.checkpoints import damage


def write(path: Path, age: float = 0, **options: object) -> Path:
    """A small checkpoint, last changed `age` seconds ago."""
    torch.save({"model": {"w": torch.arange(1000.0)}}, path, **options)
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def flip_a_bit(path: Path) -> None:
    """In the middle of the only tensor."""
    content = bytearray(path.read_bytes())
    tensor = content.index(torch.arange(1000.0).numpy().tobytes())
    content[tensor + 2000] ^= 1
    path.write_bytes(content)


class TestDamage:
    @pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
    def test_whole(self, tmp_path, options):
        assert damage(write(tmp_path / "a.pt", **options)) is None

    def test_cut_off(self, tmp_path):
        cut(path := write(tmp_path / "a.pt"))
        assert damage(path) == "cut off"

    def test_every_length(self, tmp_path):
        content = write(path := tmp_path / "a.pt").read_bytes()
        for length in range(0, len(content), 97):
            path.write_bytes(content[:length])
            assert damage(path) is not None, length

    def test_bit_that_torch_does_not_notice(self, tmp_path):
        flip_a_bit(path := write(tmp_path / "a.pt"))
        torch.load(path, weights_only=True)
        assert "checksum" in damage(path)

    @pytest.mark.parametrize("content", [b"", b"<html>"])
    def test_no_checkpoint(self, tmp_path, content):
        path = tmp_path / "a.pt"
        path.write_bytes(content)
        assert damage(path) == ("no checkpoint of torch" if content else "empty")


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
