"""Trainings by fairseq's trainer, within this process."""

import torch
from fairseq.logging import metrics
from fairseq.trainer import Trainer
from helpers.checkpoints import real_state


class Training:
    """A training that can go on from another one's checkpoint.

    Args:
        build: the fixture
        device: `cpu`, or `cuda` for the first GPU
        flags: of fairseq-train; `fp16=None` for one without a value
    """

    def __init__(self, build, optimizer: str, device: str = "cpu", **flags: str | None):
        place = {} if device == "cpu" else {"cpu": False}
        given = {"optimizer": optimizer, "log_interval": "1", **place, **flags}
        cfg, task, model, criterion = build(**given)
        self.trainer = Trainer(cfg, task, model, criterion)
        self.iterator = self.trainer.get_train_iterator(epoch=1)
        self.update_freq = cfg.optimization.update_freq[0]

    def run(self, updates: int) -> list[dict[str, float]]:
        """What the next updates log; of those that overflow nothing."""
        batches = list(self.iterator.next_epoch_itr(shuffle=True))
        logs = []
        for _ in range(updates):
            start = self.trainer.get_num_updates() * self.update_freq
            with metrics.aggregate(new_root=True) as meters:
                self.trainer.train_step(batches[start : start + self.update_freq])
            logs.append(meters.get_smoothed_values())
        return logs

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        """A copy of the parameters, on the CPU."""
        state = real_state(self.trainer.model.state_dict())
        return {name: value.cpu().clone() for name, value in state.items()}
