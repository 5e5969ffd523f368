"""SIGTERM and SIGUSR1 in fairseq-train: nothing that was learned is lost."""

import os
import re
import signal
from pathlib import Path

import pytest
import torch
from helpers.background import start, start_ranks
from helpers.commands import MULTITASK, train

from emo_mtl.training.preemption import EXIT_STATUS


def parameters(checkpoint: Path) -> dict[str, torch.Tensor]:
    return torch.load(checkpoint, weights_only=True)["model"]


FEW = [*MULTITASK, "--disable-validation", "--max-update", "12"]


class TestTraining:
    @pytest.fixture(scope="class")
    def whole(self, sample, tmp_path_factory) -> dict[str, torch.Tensor]:
        """The parameters of a training that is not stopped."""
        folder = tmp_path_factory.mktemp("whole")
        train(sample, folder, *FEW)
        return parameters(folder / "checkpoint_last.pt")

    @pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, "2"), (signal.SIGUSR1, "0")])
    def test_saves_ends_and_goes_on(self, sample, whole, tmp_path, number, workers):
        """The signal is sent to the whole process group, DataLoader workers included, as clusters do."""
        flags = [*FEW, "--num-workers", workers]
        process = start(sample, tmp_path, *flags)
        process.read_until(r'"num_updates": "3"')
        process.kill_group(number)
        assert process.wait() == EXIT_STATUS, process.output
        log = process.output
        assert f"received {number.name}" in log
        saved = re.search(r"checkpoint_last.pt \(epoch 1 @ (\d+) updates", log)
        assert saved, log
        assert 3 <= int(saved[1]) < 12

        result = train(sample, tmp_path, *flags)
        assert f"@ {saved[1]} updates" in result.stdout + result.stderr
        found = parameters(tmp_path / "checkpoint_last.pt")
        assert all(torch.equal(found[key], whole[key]) for key in whole)

    @pytest.mark.slow
    def test_two_processes_of_which_one_gets_the_signal(self, sample, tmp_path):
        flags = [*MULTITASK, "--disable-validation", "--max-update", "1000"]
        first, second = start_ranks(2, sample, tmp_path, *flags)
        try:
            first.read_until(r'"num_updates": "3"')
            os.kill(second.pid, signal.SIGTERM)
            assert [first.wait(), second.wait()] == [EXIT_STATUS] * 2, first.output + second.output
        finally:
            for process in (first, second):
                process.kill_group()
        assert "received a signal on another rank" in first.output
        assert (tmp_path / "checkpoint_last.pt").is_file()

    def test_without_classification_tasks(self, sample, tmp_path):
        process = start(sample, tmp_path, "--disable-validation", "--max-update", "1000")
        process.read_until(r'"num_updates": "2"')
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == EXIT_STATUS, process.output
        assert (tmp_path / "checkpoint_last.pt").is_file()
