"""The decay of the learning rate ends with the training."""

import logging
import re

import pytest
from fairseq_cli.train import main as fairseq_train
from helpers.config import parse_train, train_argv

from emo_mtl.errors import UserError
from emo_mtl.optim.horizon import count_updates, set_horizon, warn_once


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
    flags = {"classification_tasks": tasks, "update_freq": "2", "save_dir": str(tmp_path)}
    cfg = decay(data_bin, max_epoch="2", log_interval="1", **flags)
    with caplog.at_level(logging.INFO):
        fairseq_train(cfg)
    said = re.search(r"--total-num-update (\d+): not given", caplog.text)
    log = re.findall(r"num_updates (\d+) .*?\| lr (\S+)", caplog.text)
    assert log[-1] == (said[1], "0")
