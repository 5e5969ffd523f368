"""SIGTERM and SIGUSR1 in fairseq-train: nothing that was learned is lost."""

import os
import signal
import time

import pytest
import torch
from helpers.commands import FOREVER

from emo_mtl.training.preemption import Preemption, ignore_once


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
