"""What a checkpoint keeps of the task: it generates and classifies without any flag of its training.

`heads`: name of each classification task -> its labels, in order; `multi_label`: those whose utterances may
have several labels, since one of the training data has; `dictionary_sha256`: of the symbols;
`max_source_length`, `max_target_length` and `context_turns`; `turns`: name of each trained task -> the most
turns that its inputs had (a head of single utterances is given no more than one); `class_weights`: name of
each task of `--class-weights` -> the weight of each class, which its loss is validated with; `emotion_task`
and `emotions`: see `emo_mtl.data.emotions.Emotions`; `bpe`, `writing`, `titles` and `corpora`: of the data,
see `emo_mtl.inference.model_files.notes_for_checkpoint`.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairseq.data import Dictionary

from emo_mtl.data.binarized import has_several_labels
from emo_mtl.data.dictionaries import dictionary_sha256, load_all_labels
from emo_mtl.errors import UserError
from emo_mtl.inference.model_files import notes_for_checkpoint
from emo_mtl.tasks.config import LENGTHS, EmotionDialogueConfig

logger = logging.getLogger(__name__)


def own_state(cfg: Any, names: Sequence[str], dictionary: Dictionary, data: Path) -> dict[str, Any]:
    """The state of a task before any checkpoint.

    Args:
        cfg: the task's
        names: of the classification tasks
        data: the folder of the binarized tasks

    Raises:
        UserError: labels that cannot be read, or are damaged, or utterances with another dictionary
    """
    heads = load_all_labels(data, names, dictionary)
    multi_label = [
        name for name in names if has_several_labels(str(data / name / "label" / cfg.train_subset))
    ]
    for name in multi_label:
        logger.info(
            f"{name}: several labels an utterance: binary cross entropy, probabilities by sigmoid"
        )
    return {
        "heads": heads,
        "multi_label": multi_label,
        "dictionary_sha256": dictionary_sha256(dictionary),
        **{flag: getattr(cfg, flag) for flag in LENGTHS},
        "turns": {},  # known once the training data is loaded
        "class_weights": {},  # likewise
        "emotion_task": "",
        "emotions": {},
        **notes_for_checkpoint(data),
    }


def check_state(saved: Mapping[str, Any], own: Any, data: Path) -> None:
    """Compare the task's state in a checkpoint with that of this run.

    Args:
        saved: the checkpoint's
        own: of this run: `bpe`, `dictionary_sha256`, `heads`
        data: its folder

    Raises:
        UserError: another dictionary, or other labels of a head
    """
    bpe_saved = saved.get("bpe") or own.bpe
    if own.bpe and bpe_saved != own.bpe:
        raise UserError(
            f"{data}: its text was encoded with another BPE ({own.bpe['kind']}) "
            f"than that of the checkpoint ({bpe_saved['kind']}): use the data folder of the training, or "
            "prepare the data with the checkpoint's BPE"
        )
    if saved.get("dictionary_sha256", own.dictionary_sha256) != own.dictionary_sha256:
        raise UserError(
            f"{data}: its dictionary is not the one that the checkpoint was trained "
            "with (the symbols differ): use the data folder of the training, or prepare the data "
            "with the same dict.txt and the same BPE"
        )
    heads = saved.get("heads", {})
    for name, labels in own.heads.items():
        if heads.get(name, labels) != labels:
            raise UserError(
                f"{data / name / 'label' / 'dict.txt'}: found the labels "
                f"{', '.join(labels)}, expected those of the checkpoint: {', '.join(heads[name])}"
            )


def merged_state(saved: Mapping[str, Any], own: Mapping[str, Any], cfg: Any) -> dict[str, Any]:
    """A checkpoint's state with what this run knows better.

    Args:
        saved: the checkpoint's, after :func:`check_state`; old ones lack entries
        own: of this run
        cfg: the task's, whose lengths go before the checkpoint's where they are given
    """
    lengths = {flag: getattr(cfg, flag) for flag in LENGTHS}
    return {
        **saved,
        "heads": {**saved.get("heads", {}), **own["heads"]},
        "multi_label": [
            *saved.get("multi_label", []),
            *(name for name in own["multi_label"] if name not in saved.get("heads", {})),
        ],
        "bpe": saved.get("bpe") or own["bpe"],
        **{
            key: own[key] if own["emotions"] else saved.get(key, own[key])
            for key in ("emotion_task", "emotions")
        },
        # of the data of the training, where it says so
        **{
            key: {**own[key], **saved.get(key, {})}
            for key in ("writing", "titles", "corpora", "turns", "class_weights")
        },
        **{f: n for f, n in lengths.items() if n != getattr(EmotionDialogueConfig, f)},
    }
