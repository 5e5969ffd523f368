"""Damaged checkpoints: told from whole ones, and resumed around."""

import pytest
import torch
from helpers.checkpoints import cut, flip_a_bit, write

from emo_mtl.training.checkpoints import damage


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
