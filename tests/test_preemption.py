"""SIGTERM and SIGUSR1 in fairseq-train: nothing that was learned is lost."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
import torch
from helpers.background import read_until, start, start_ranks
from helpers.commands import FOREVER, MULTITASK, train

from emo_mtl.training.preemption import EXIT_STATUS, Preemption, ignore_once


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


class TestPreemption:
    def test_second_signal_has_its_default_effect(self, restore_handlers, monkeypatch):
        monkeypatch.setattr("emo_mtl.training.preemption.ECHO", 0)
        ended = []
        monkeypatch.setattr("emo_mtl.training.preemption.signal.raise_signal", ended.append)
        preemption = Preemption()
        preemption.listen()
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_for(lambda: preemption.received is signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: ended == [signal.SIGTERM])
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def test_the_same_signal_twice_is_one(self, restore_handlers):
        """A cluster signals every process, and torchrun passes its own signal on to them."""
        preemption = Preemption()
        preemption.listen()
        preemption.note(signal.SIGTERM, None)
        preemption.note(signal.SIGTERM, None)
        assert signal.getsignal(signal.SIGTERM) == preemption.note

    def test_not_before_training(self, build, restore_handlers):
        _, task, model, _ = build()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        task.begin_epoch(1, model)
        assert signal.getsignal(signal.SIGTERM) == task.preemption.note

    def test_ranks_stop_together(self, build):
        """The rank that got no signal sees the sum over the ranks."""
        cfg, task, _, criterion = build()
        assert task.command_cfg.optimization.max_update != 1
        task.reduce_metrics([{"preempted": torch.tensor(0)}], criterion)
        assert not task.preemption.stopping
        task.reduce_metrics([{"preempted": torch.tensor(1)}], criterion)
        assert task.preemption.stopping
        assert cfg.optimization.max_update == 1
        assert cfg.dataset.disable_validation

    def test_worker_survives_one(self, restore_handlers):
        signal.signal(signal.SIGTERM, ignore_once)
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)


@pytest.fixture
def restore_handlers():
    numbers = (signal.SIGTERM, signal.SIGUSR1)
    # an earlier test of this process may have trained
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def wait_for(condition) -> None:
    end = time.monotonic() + FOREVER
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
