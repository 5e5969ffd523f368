"""Optimizer `fused_adam`: the updates of fairseq's `adam` in one pass over the parameters."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from fairseq import utils
from fairseq.dataclass import FairseqDataclass
from fairseq.optim import FairseqOptimizer, register_optimizer
from fairseq.optim.adam import Adam, FairseqAdam
from omegaconf import II
from torch import Tensor
from torch.optim.adamw import adamw

from emo_mtl.compat import has_fused_adam


@dataclass
class FusedAdamConfig(FairseqDataclass):
    """The flags of `--optimizer adam` that apply here."""

    adam_betas: Any = field(
        default=(0.9, 0.999), metadata={"help": "decay rates of the moving averages"}
    )
    adam_eps: float = field(default=1e-8, metadata={"help": "added to the denominator"})
    weight_decay: float = field(
        default=0.0, metadata={"help": "decoupled weight decay, as in AdamW"}
    )
    lr: list[float] = II("optimization.lr")


class FusedAdamStep(Adam):
    """fairseq's `Adam` with torch's fused kernel; its state has the same content.

    fairseq compares the names of optimizers all the same: a run goes on with the one that it began with.
    """

    # Parameters in half precision would need a float32 copy: fairseq's `--fp16` and `--bf16` have one.
    supports_memory_efficient_fp16 = False

    def step(self, closure: Callable | None = None, scale: float | Tensor = 1.0) -> Any:
        """Update all parameters that have a gradient; every gradient is divided by `scale` first."""
        params = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        if not all(has_fused_adam(p.device.type) for p in params):
            torch._foreach_div_([p.grad for p in params], scale)
            return super().step(closure)
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for equal in self.by_step(group["params"]).values():
                self.fused_step(equal, group, scale)
        return loss

    def by_step(self, params: Iterable[Tensor]) -> dict[tuple[int, torch.device], list[Tensor]]:
        """Count one more step of each parameter that has a gradient; equal counts and devices together."""
        groups = defaultdict(list)
        for p in params:
            if p.grad is None:
                continue
            state = self.state[p]
            if not state:
                state["step"] = 0
                state["exp_avg"] = torch.zeros_like(p)
                state["exp_avg_sq"] = torch.zeros_like(p)
            state["step"] += 1
            groups[state["step"], p.device].append(p)
        return groups

    @torch.no_grad()
    def fused_step(
        self, params: list[Tensor], group: dict[str, Any], scale: float | Tensor
    ) -> None:
        """Update parameters of one device that have been stepped equally often."""
        states = [self.state[p] for p in params]
        step, device = states[0]["step"], params[0].device
        beta1, beta2 = group["betas"]
        adamw(
            params,
            [p.grad for p in params],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            # torch counts this step itself
            list(torch.full((len(params),), step - 1.0, device=device).unbind()),
            fused=True,
            grad_scale=torch.as_tensor(scale, dtype=torch.float32, device=device),
            found_inf=torch.zeros((), device=device),
            amsgrad=False,
            maximize=False,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            # torch adds eps after the bias correction of the denominator, fairseq before it
            eps=group["eps"] / math.sqrt(1 - beta2**step),
        )


@register_optimizer("fused_adam", dataclass=FusedAdamConfig)
class FusedAdam(FairseqAdam):
    """fairseq's `adam` with a fused step, which also does the scaling and clipping of the gradients.

    `multiply_grads` and `clip_grad_norm` only remember a factor, as in fairseq's `FP16Optimizer`, until
    `step`: gradients are read twice an update (norm, step) instead of four times.
    """

    def __init__(self, cfg: FusedAdamConfig, params: Iterable[Tensor]):
        FairseqOptimizer.__init__(self, cfg)
        self._optimizer = FusedAdamStep(params, **self.optimizer_config)
        self.factor: float | Tensor = 1.0

    def multiply_grads(self, c: float | Tensor) -> None:
        """Multiply all gradients by `c`, in the next step."""
        self.factor = self.factor * c

    def clip_grad_norm(
        self, max_norm: float, aggregate_norm_fn: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Norm of all gradients; in the next step they are rescaled to `max_norm` if it is larger."""
        norm = self.factor * utils.clip_grad_norm_(self.params, 0, aggregate_norm_fn)
        if max_norm > 0:
            self.multiply_grads((max_norm / (norm + 1e-6)).clamp(max=1))
        return norm

    def step(
        self, closure: Callable | None = None, scale: float | Tensor = 1.0, groups: Any = None
    ) -> None:
        """Update the parameters with the gradients times the remembered factor, divided by `scale`."""
        self.optimizer.step(closure, scale=scale / self.factor)
        self.factor = 1.0

    def zero_grad(self) -> None:
        """Forget the gradients and the factor."""
        super().zero_grad()
        self.factor = 1.0
