"""SIGTERM and SIGUSR1 in fairseq-train: nothing that was learned is lost."""

import os
import re
import signal
from pathlib import Path

import pytest
import torch
from helpers.background import read_until, start, start_ranks
from helpers.commands import FOREVER, MULTITASK, train

from emo_mtl.training.preemption import EXIT_STATUS


def parameters(checkpoint: Path) -> dict[str, torch.Tensor]:
    return torch.load(checkpoint, weights_only=True)["model"]


class TestTraining:
    @pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, "2"), (signal.SIGUSR1, "0")])
    def test_saves_ends_and_goes_on(self, sample, tmp_path, number, workers):
        """The signal is sent to the whole process group, DataLoader workers included, as clusters do."""
        flags = [*MULTITASK, "--disable-validation", "--max-update", "12", "--num-workers", workers]
        whole, parts = tmp_path / "whole", tmp_path / "parts"
        train(sample, whole, *flags)
        process = start(sample, parts, *flags)
        read_until(process, r'"num_updates": "3"')
        os.killpg(process.pid, number)
        log, _ = process.communicate(timeout=FOREVER)
        assert process.returncode == EXIT_STATUS, log
        assert f"received {number.name}" in log
        saved = re.search(r"checkpoint_last.pt \(epoch 1 @ (\d+) updates", log)
        assert saved, log
        assert 3 <= int(saved[1]) < 12

        result = train(sample, parts, *flags)
        assert f"@ {saved[1]} updates" in result.stdout + result.stderr
        expected = parameters(whole / "checkpoint_last.pt")
        found = parameters(parts / "checkpoint_last.pt")
        assert all(torch.equal(found[key], expected[key]) for key in expected)

    @pytest.mark.slow
    def test_two_processes_of_which_one_gets_the_signal(self, sample, tmp_path):
        flags = [*MULTITASK, "--disable-validation", "--max-update", "1000"]
        first, second = start_ranks(2, sample, tmp_path, *flags)
        try:
            read_until(first, r'"num_updates": "3"')
            second.send_signal(signal.SIGTERM)
            logs = [process.communicate(timeout=FOREVER)[0] for process in (first, second)]
        finally:
            for process in (first, second):
                process.kill()
        assert [first.returncode, second.returncode] == [EXIT_STATUS] * 2, logs
        assert "received a signal on another rank" in logs[0]
        assert (tmp_path / "checkpoint_last.pt").is_file()

    def test_without_classification_tasks(self, sample, tmp_path):
        process = start(sample, tmp_path, "--disable-validation", "--max-update", "1000")
        read_until(process, r'"num_updates": "2"')
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=FOREVER)
        assert process.returncode == EXIT_STATUS, log
        assert (tmp_path / "checkpoint_last.pt").is_file()
