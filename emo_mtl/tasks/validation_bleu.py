"""BLEU of validation (`--eval-bleu`): counts of batches and ranks, added up before they are scored."""

from typing import Any

from fairseq import utils
from fairseq.logging import metrics
from fairseq.tasks.translation import EVAL_BLEU_ORDER


def log_bleu(logging_outputs: list[dict[str, Any]]) -> None:
    """Log the counts and the score of some batches; nothing where no batch has counts.

    As plain numbers: `TranslationTask` keeps numpy arrays, which torch refuses to load from a checkpoint.
    """
    if not any(key in log for log in logging_outputs for key in bleu_keys()):
        return
    for key in bleu_keys():
        metrics.log_scalar(key, utils.item(sum(log.get(key, 0) for log in logging_outputs)))
    metrics.log_derived("bleu", bleu_of_meters)


def bleu_keys() -> list[str]:
    """The keys under which `TranslationTask.valid_step` logs a batch's BLEU counts.

    In its order: ranks that hold different tasks are added up by it.
    """
    counts = [f"_bleu_{kind}_{n}" for n in range(EVAL_BLEU_ORDER) for kind in ("counts", "totals")]
    return ["_bleu_sys_len", "_bleu_ref_len", *counts]


def bleu_of_meters(meters: Any) -> float:
    """Corpus BLEU in percent of the counts summed in the meters, as `--eval-bleu` defines it."""
    from sacrebleu.metrics import BLEU

    sums = {key: meters[key].sum for key in bleu_keys()}
    score = BLEU.compute_bleu(
        correct=[int(sums[f"_bleu_counts_{n}"]) for n in range(EVAL_BLEU_ORDER)],
        total=[int(sums[f"_bleu_totals_{n}"]) for n in range(EVAL_BLEU_ORDER)],
        sys_len=int(sums["_bleu_sys_len"]),
        ref_len=int(sums["_bleu_ref_len"]),
        smooth_method="exp",
    ).score
    return round(score, 2)
