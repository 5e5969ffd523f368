"""The decay of the learning rate ends with the training."""

import logging
import re
import signal

import pytest
from fairseq_cli.train import main as fairseq_train
from helpers.config import parse_train, train_argv

from emo_mtl.errors import UserError
from emo_mtl.optim.horizon import count_updates, keep_horizon, set_horizon, warn_once
from emo_mtl.training.preemption import Preemption


class TestCountUpdates:
    @pytest.mark.parametrize(
        ("arguments", "updates"),
        [
            ((10, [4], 2, 0), 6),  # ceil(10 / 4) an epoch
            ((10, [4], 2, 5), 5),
            ((10, [4], 2, 100), 6),
            ((10, [1, 5], 4, 0), 10 + 3 * 2),
            ((10, [1, 5], 1, 0), 10),
            ((10, [4], 0, 7), 7),
            ((10, [4], 0, 0), None),
        ],
    )
    def test_by_hand(self, arguments, updates):
        assert count_updates(*arguments) == updates


def decay(data_bin, **flags):
    return parse_train(train_argv(data_bin, lr_scheduler="polynomial_decay", **flags))


def warnings(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


class TestSetHorizon:
    def test_nothing_ends_the_training(self, data_bin):
        with pytest.raises(UserError, match=r"found none of --total-num-update, --max-epoch"):
            set_horizon(decay(data_bin), 10)

    @pytest.mark.parametrize(
        ("flags", "end"), [({"max_epoch": "2"}, "to update 20"), ({}, "without end")]
    )
    def test_ends_early(self, data_bin, caplog, flags, end):
        warn_once.cache_clear()
        cfg = decay(data_bin, total_num_update="19", **flags)
        for _ in range(2):  # each epoch
            set_horizon(cfg, 10)
        assert [end in message for message in warnings(caplog)] == [True]
        assert cfg.lr_scheduler.total_num_update == 19

    @pytest.mark.parametrize("flags", [{"max_epoch": "2"}, {"max_update": "20"}])
    def test_no_warning(self, data_bin, caplog, flags):
        set_horizon(decay(data_bin, total_num_update="20", **flags), 10)
        set_horizon(parse_train(train_argv(data_bin, **flags)), 10)
        set_horizon({}, 10)
        assert warnings(caplog) == []


@pytest.mark.parametrize("tasks", ["", "e6,e2"])
def test_without_the_flag_the_last_update_is_the_end(data_bin, tmp_path, caplog, tasks):
    """In fairseq-train, the rate is 0 after the last of the updates that it counted itself."""
    flags = {"classification_tasks": tasks, "max_tokens": "256", "save_dir": str(tmp_path)}
    cfg = decay(data_bin, max_epoch="2", log_interval="1", **flags)
    with caplog.at_level(logging.INFO):
        fairseq_train(cfg)
    said = re.search(r"--total-num-update (\d+): not given", caplog.text)
    log = re.findall(r"num_updates (\d+) .*?\| lr (\S+)", caplog.text)
    assert log[-1] == (said[1], "0")


@pytest.mark.parametrize("tasks", ["", "e6,e2"])
@pytest.mark.parametrize("how", ["finetune", "reset", "reset-optimizer"])
def test_starts_from_a_file_without_the_flag(data_bin, tmp_path, caplog, tasks, how):
    """fairseq builds the scheduler when it loads the file, before it asks for batches."""
    first = str(tmp_path / "first" / "checkpoint_last.pt")
    flags = {"classification_tasks": tasks, "max_tokens": "256"}
    argv = train_argv(data_bin, max_epoch="1", save_dir=str(tmp_path / "first"), **flags)
    fairseq_train(parse_train(argv))
    reset = {f"reset_{part}": None for part in ("optimizer", "dataloader", "meters")}
    start = {
        "finetune": {"finetune_from_model": first},
        "reset": {"restore_file": first, "reset_lr_scheduler": None, **reset},
        "reset-optimizer": {"restore_file": first, **reset},
    }[how]
    save = {"save_dir": str(tmp_path / "second"), "log_interval": "1", "max_epoch": "3"}
    with caplog.at_level(logging.INFO):
        fairseq_train(decay(data_bin, **flags, **start, **save))
    (said,) = re.findall(r"--total-num-update (\d+): not given", caplog.text)
    log = re.findall(r"num_updates (\d+) .*?\| lr (\S+)", caplog.text)
    assert log[-1] == (said, "0")


def test_goes_on_without_the_flag(data_bin, tmp_path, caplog, monkeypatch):
    """A training that a signal stopped after its first update, and one that was never stopped."""
    caplog.set_level(logging.INFO)

    def rates(folder: str) -> dict[str, str]:
        caplog.clear()
        flags = {"max_tokens": "256", "warmup_updates": "3", "log_interval": "1", "max_epoch": "2"}
        fairseq_train(decay(data_bin, save_dir=str(tmp_path / folder), **flags))
        return dict(re.findall(r"num_updates=(\d+), lr=([^,]+)", caplog.text))

    whole = rates("whole")
    with monkeypatch.context() as patch:
        patch.setattr(Preemption, "listen", lambda self: setattr(self, "received", signal.SIGTERM))
        assert list(rates("parts")) == ["1"]
    rest = rates("parts")
    assert min(rest, key=int) == "2"
    assert whole == {"1": whole["1"], **rest}


@pytest.mark.parametrize(
    "saved", [{}, {"_name": "fixed"}, {"_name": "polynomial_decay", "total_num_update": 0}]
)
def test_goes_on_from_a_training_without_it(data_bin, tmp_path, saved):
    path = tmp_path / "checkpoint_last.pt"
    with pytest.raises(
        UserError, match=r"checkpoint_last.pt was not trained with it, expected --tot"
    ):
        keep_horizon(decay(data_bin), path, saved)
    given = decay(data_bin, total_num_update="20")
    keep_horizon(given, path, saved)
    assert given.lr_scheduler.total_num_update == 20
