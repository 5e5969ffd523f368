"""Criterion `multitask_nll`: label-smoothed NLL of responses and weighted cross entropy of emotions."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from fairseq import utils
from fairseq.criterions import register_criterion
from fairseq.criterions.label_smoothed_cross_entropy import (
    LabelSmoothedCrossEntropyCriterion,
    LabelSmoothedCrossEntropyCriterionConfig,
)
from fairseq.dataclass import ChoiceEnum
from fairseq.logging import metrics
from fairseq.logging.meters import safe_round
from numpy.typing import NDArray
from torch import Tensor, nn

from emo_mtl.criterions.projected_nll import projected_nll
from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import accuracy_of_counts, macro_f1_of_counts
from emo_mtl.names import RESPONSE


@dataclass
class MultitaskNLLConfig(LabelSmoothedCrossEntropyCriterionConfig):
    """The flags of `label_smoothed_cross_entropy`; the weights are the task's `--loss-weights`."""

    response_loss_reduction: ChoiceEnum(["mean", "sum"]) = field(  # type: ignore[valid-type]
        default="mean",
        metadata={
            "help": "how a mini-batch's response loss is reduced over its target tokens before it meets the "
            "classification losses, which are means over utterances. mean: the tasks are of one size, and "
            "--loss-weights act. sum: as in the code of the paper's authors; the response loss is then some "
            "hundred times larger, and the classification tasks hardly act on shared parameters"
        },
    )


def class_counts(logits: Tensor, target: Tensor) -> Tensor:
    """Counts a class, from which accuracy and macro-F1 follow, and which add up over batches and ranks.

    Three vectors and no confusion matrix: these sums are sent, kept and saved, also for 3,000 classes.

    Args:
        logits: B x C
        target: class numbers, shape (B); or truth values, B x C, where logits of 0 or more are predicted: a
            probability of 0.5

    Returns:
        3 x C: hits, gold labels, predictions
    """
    if target.dim() == 2:
        above = logits >= 0
        return torch.stack([(target & above).sum(0), target.sum(0), above.sum(0)])
    predicted = logits.argmax(dim=1)
    kinds = torch.stack([target.eq(predicted), torch.ones_like(target), torch.ones_like(target)])
    classes = torch.stack([target, target, predicted])
    # not torch.bincount, which waits for a GPU
    return target.new_zeros(3, logits.size(1)).scatter_add_(1, classes, kinds.to(target.dtype))


def of_task(name: str, kind: str) -> str:
    """The key of a sum of a classification task; no other key has a colon, and no task's name."""
    return f"{name}:{kind}"


class NotFiniteError(UserError, RuntimeError):
    """A loss that is NaN or infinite.

    fairseq's trainer lets a `RuntimeError` pass; at any other exception it writes a `crash.pt` first, of
    gigabytes, and here all is in the checkpoints.
    """


def check_finite(loss: Tensor, task: str, model: nn.Module) -> None:
    """Raise `UserError` where a loss on the CPU is NaN or infinite: the parameters stay as they are.

    On a GPU this would wait for the result; fairseq's own look at the norm of the gradients, once an
    update, ends the training there.
    """
    if loss.device.type != "cpu" or torch.isfinite(loss).all():
        return
    where = f"update {getattr(model, 'num_updates', 0) + 1}" if model.training else "validation"
    raise NotFiniteError(
        f"{where}, task {task}: found a loss of {loss.sum().item()}, expected a finite number; the "
        "checkpoints are as they were: continue from the last good one with a lower --lr, with --clip-norm 1 "
        "or with --reset-optimizer"
    )


@register_criterion("multitask_nll", dataclass=MultitaskNLLConfig)
class MultitaskNLLCriterion(LabelSmoothedCrossEntropyCriterion):
    """The loss of one micro-batch, which holds one task (paper, Equations 1 and 2 and Section 3.3).

    Over the K micro-batches of an update (`--update-freq` times ranks) the gradient is
    (1/K) sum of lambda_t * gradient of m_k, where m_k is the mean loss of micro-batch k: label-smoothed
    NLL per target token for responses (per response with `--sentence-avg`), cross entropy per utterance
    for classification (with `--class-weights` the weighted sum over the sum of the weights); lambda of
    responses is 1. fairseq divides by the summed `sample_size`, which is therefore 1 for each
    micro-batch. Where no classification task is trained, loss and sample size are those of
    `label_smoothed_cross_entropy`.

    With `--response-loss-reduction sum` m_k of responses is the sum over target tokens, with or without
    classification tasks.
    """

    def __init__(
        self,
        task: Any,
        sentence_avg: bool,
        label_smoothing: float,
        response_loss_reduction: str = "mean",
        **kwargs: Any,
    ):
        """Raises `UserError` for another task than `emotion_dialogue`."""
        if not hasattr(task, "loss_weights"):
            raise UserError(
                "--criterion multitask_nll: needs the heads and weights of --task emotion_dialogue, found "
                f"{type(task).__name__}: use that task, or --criterion label_smoothed_cross_entropy"
            )
        super().__init__(task, sentence_avg, label_smoothing, **kwargs)
        self.heads: dict[str, list[str]] = task.heads
        self.loss_weights: dict[str, float] = task.loss_weights
        self.sums_responses = response_loss_reduction == "sum"
        self.counts_micro_batches = self.sums_responses or any(self.loss_weights.values())

    @classmethod
    def build_criterion(cls, cfg: MultitaskNLLConfig, task: Any) -> "MultitaskNLLCriterion":
        return cls(
            task,
            sentence_avg=cfg.sentence_avg,
            label_smoothing=cfg.label_smoothing,
            response_loss_reduction=cfg.response_loss_reduction,
            ignore_prefix_size=cfg.ignore_prefix_size,
            report_accuracy=cfg.report_accuracy,
        )

    def forward(
        self, model: nn.Module, sample: dict[str, Any], reduce: bool = True
    ) -> tuple[Tensor, float, dict[str, Any]]:
        """The loss in nats, the sample size, and sums for :meth:`reduce_metrics`.

        The keys of the sums do not depend on the micro-batch's task: fairseq adds them up over ranks.
        """
        name = sample.get("task", RESPONSE)
        if name == RESPONSE:
            loss, nll_loss = self.response_loss(model, sample, reduce)
            count = sample["target"].size(0) if self.sentence_avg else sample["ntokens"]
            sums = {
                "response_loss": loss.data,
                "response_count": count,
                "response_nll_loss": nll_loss.data,
                "response_ntokens": sample["ntokens"],
            }
            if not model.training and sample["target"].size(0) > 1:
                sums["response_gain"] = self.other_nll(model, sample) - nll_loss.data
                sums["response_gain_ntokens"] = sample["ntokens"]
            weight = 1.0
        else:
            logits, _ = model(**sample["net_input"], classification_head_name=name)  # B x C
            target = sample["target"]
            weight = self.loss_weights[name]
            loss, count = self.classification_loss(name, logits, target)
            sums = {of_task(name, "weights"): count} if name in self.task.class_weights else {}
            if name in self.task.multi_label:
                sums[of_task(name, "right")] = target.eq(logits.data >= 0).all(dim=1).sum()
            sums |= {
                of_task(name, "loss"): loss.data,
                of_task(name, "weighted_loss"): weight * loss.data,
                of_task(name, "count"): target.size(0),
                of_task(name, "classes"): class_counts(logits.data, target),
            }
        check_finite(loss, name, model)
        if self.counts_micro_batches:
            divisor = 1 if self.sums_responses and name == RESPONSE else count
            loss, sample_size = weight * loss / divisor, 1
        else:
            sample_size = count
        logging_output = {
            **self.zero_sums(loss.device),
            **sums,
            "ntokens": sample["ntokens"],
            "nsentences": sample["net_input"]["src_tokens"].size(0),
            "sample_size": sample_size,
        }
        return loss, sample_size, logging_output

    def classification_loss(
        self, name: str, logits: Tensor, target: Tensor
    ) -> tuple[Tensor, int | Tensor]:
        """Cross entropy in nats, summed over utterances, and what its mean is divided by.

        That is the number of utterances; with `--class-weights` the loss of each is weighted, and the sum
        is divided by that of the weights. Where an utterance may have several labels, its loss is the mean
        of the C binary cross entropies, as in transformers (`multi_label_classification`).

        Args:
            logits: B x C
            target: class numbers, shape (B), or truth values, B x C
        """
        logits = logits.float()
        if name in self.task.multi_label:
            losses = F.binary_cross_entropy_with_logits(logits, target.float(), reduction="none")
            return losses.mean(dim=1).sum(), target.size(0)
        if name not in self.task.class_weights:
            return F.cross_entropy(logits, target, reduction="sum"), target.size(0)
        # the copy does not wait for the GPU
        weights = torch.tensor(self.task.class_weights[name]).to(logits.device, non_blocking=True)
        loss = F.cross_entropy(logits, target, weights, reduction="sum")
        return loss, weights[target].sum()

    def response_loss(
        self, model: nn.Module, sample: dict[str, Any], reduce: bool
    ) -> tuple[Tensor, Tensor]:
        """Label-smoothed NLL and NLL, in nats, summed over the target tokens if `reduce`.

        The values are those of `label_smoothed_cross_entropy`; an `emo_bart` projects only the tokens
        that count onto the vocabulary.
        """
        skips = not self.ignore_prefix_size and getattr(model, "takes_lm_loss", False)
        if not (reduce and skips):
            return self.compute_loss(model, model(**sample["net_input"]), sample, reduce=reduce)
        target = sample["target"].flatten()  # B * T
        # Their number is known on the host: `target[is_token]` would wait for the GPU to tell it.
        is_token = target.ne(self.padding_idx)
        tokens = is_token.sort(descending=True, stable=True).indices[: sample["ntokens"]]  # N

        def lm_loss(features: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            return projected_nll(features.flatten(0, 1)[tokens], weight, target[tokens], self.eps)

        (loss, nll_loss), _ = model(**sample["net_input"], lm_loss=lm_loss)
        return loss, nll_loss

    def other_nll(self, model: nn.Module, sample: dict[str, Any]) -> Tensor:
        """NLL in nats, summed, of responses, each after the utterance of another one of the mini-batch."""
        others = {
            key: sample["net_input"][key].roll(1, dims=0) for key in ("src_tokens", "src_lengths")
        }
        moved = {**sample, "net_input": {**sample["net_input"], **others}}
        return self.response_loss(model, moved, reduce=True)[1].data

    def zero_sums(self, device: torch.device) -> dict[str, Any]:
        """What is logged for a task that the micro-batch does not hold.

        Losses are tensors and counts are numbers, as where there is something to log: fairseq packs the two
        kinds apart when it adds up over ranks, which hold different tasks in validation.
        """
        zeros: dict[str, Any] = dict.fromkeys(
            ["response_count", "response_ntokens", "response_gain_ntokens"], 0
        )
        zeros |= {
            of_task(name, "right"): torch.zeros((), dtype=torch.long, device=device)
            for name in self.task.multi_label
        }
        losses = ["response_loss", "response_nll_loss", "response_gain"]
        losses += [of_task(name, "weights") for name in self.task.class_weights]
        for name, labels in self.heads.items():
            zeros[of_task(name, "count")] = 0
            losses += [of_task(name, "loss"), of_task(name, "weighted_loss")]
            zeros[of_task(name, "classes")] = torch.zeros(
                3, len(labels), dtype=torch.long, device=device
            )
        return zeros | dict.fromkeys(losses, torch.zeros((), device=device))

    @classmethod
    def reduce_metrics(cls, logging_outputs: list[dict[str, Any]]) -> None:
        """Log each mean over all that the meter has seen, in bits as fairseq does (base 2).

        `loss`: sum over tasks of lambda_t times the mean loss of t; `response_loss` and
        `response_nll_loss` per token, `response_ppl`; in validation `response_gain`, by how much larger
        `response_nll_loss` is where the responses of a mini-batch stand after each other's utterances; for
        a classification task t `t_loss` per utterance (the weighted mean with `--class-weights`),
        `t_accuracy` and `t_f1` (macro) in percent. Of several labels an utterance the accuracy is that of
        whole sets.
        """

        def total(key: str) -> Any:
            return sum(log.get(key, 0) for log in logging_outputs)

        def log_mean(key: str, sum_key: str, count_key: str) -> None:
            count = total(count_key)
            if count > 0:
                # a sum on a GPU stays there until somebody looks at the meter
                metrics.log_scalar(key, total(sum_key) / count / math.log(2), count, round=3)

        names = [
            key.removesuffix(":classes")
            for key in (logging_outputs[0] if logging_outputs else ())
            if key.endswith(":classes")
        ]
        log_mean("response_loss", "response_loss", "response_count")
        log_mean("response_nll_loss", "response_nll_loss", "response_ntokens")
        log_mean("response_gain", "response_gain", "response_gain_ntokens")
        if total("response_count") > 0:
            metrics.log_derived(
                "response_ppl",
                lambda meters: utils.get_perplexity(meters["response_nll_loss"].avg),
            )
        for name in names:
            is_class_weighted = of_task(name, "weights") in logging_outputs[0]
            count = of_task(name, "weights" if is_class_weighted else "count")
            log_mean(f"{name}_loss", of_task(name, "loss"), count)
            log_mean(f"_{name}_weighted_loss", of_task(name, "weighted_loss"), count)
            utterances = total(of_task(name, "count"))
            if utterances > 0:
                has_sets = of_task(name, "right") in logging_outputs[0]
                log_classification(name, total(of_task(name, "classes")), not has_sets)
                if has_sets:
                    share = 100 * total(of_task(name, "right")) / utterances
                    metrics.log_scalar(f"{name}_accuracy", share, utterances, round=2)
        parts = ["response_loss", *(f"_{name}_weighted_loss" for name in names)]
        metrics.log_derived(
            "loss",
            lambda meters: safe_round(sum(meters[p].avg for p in parts if has_data(meters, p)), 3),
            priority=0,
        )


def has_data(meters: Any, key: str) -> bool:
    """Whether a meter holds anything: fairseq empties those of a log interval when it ends."""
    return key in meters and meters[key].count > 0


def log_classification(name: str, counts: Tensor, has_accuracy: bool) -> None:
    """Log macro-F1, and accuracy where each utterance has one label, of the summed counts of the classes.

    Args:
        counts: 3 x C, see :func:`class_counts`
        has_accuracy: whether they tell it: not how many sets of several labels are right
    """
    key = f"_{name}_classes"
    metrics.log_scalar(key, counts)

    def derive(measure: Callable[[NDArray], float]) -> Callable[[Any], float | None]:
        def score(meters: Any) -> float | None:
            if not has_data(meters, key):
                return None
            return round(measure(meters[key].sum.cpu().numpy()), 2)

        return score

    if has_accuracy:
        metrics.log_derived(f"{name}_accuracy", derive(lambda c: accuracy_of_counts(c[0], c[1])))
    metrics.log_derived(f"{name}_f1", derive(lambda c: macro_f1_of_counts(*c)))
