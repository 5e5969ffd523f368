"""The flags of the task, beside those of fairseq's `translation`, and what the lists among them say."""

from dataclasses import dataclass, field
from typing import Any

from fairseq.dataclass import ChoiceEnum
from fairseq.tasks.translation import TranslationConfig
from omegaconf import II

from emo_mtl.errors import UserError
from emo_mtl.names import name_fault

BALANCED = "balanced"
DEGREE = 5.0  # of --sampling-temperature

# Flags that a checkpoint keeps for generation, and the least of each.
LENGTHS = {"max_source_length": 2, "max_target_length": 2, "context_turns": 1}


@dataclass
class EmotionDialogueConfig(TranslationConfig):
    """The flags of `--task translation` and those of the classification tasks."""

    left_pad_source: bool = field(
        default=False, metadata={"help": "pad the source on the left (BART is padded on the right)"}
    )
    classification_tasks: str = field(
        default="",
        metadata={
            "help": "comma-separated names of classification tasks, each a folder of the data "
            "(NAME/input0 and NAME/label), e.g. e6,e2,e12; none by default"
        },
    )
    loss_weights: str = field(
        default="",
        metadata={
            "help": "weights lambda of the classification losses, e.g. 'e6=0.5,e2=0.5,e12=0'; 1 for a "
            "task that is not named; a task of weight 0 is not trained but still validated; the weight "
            "of response generation is 1. It scales a task's loss; --task-sampling scales how often the "
            "task is seen. With --clip-norm and one task an update, clipping undoes the weights: give "
            "--update-freq at least the number of tasks"
        },
    )
    class_weights: str = field(
        default="",
        metadata={
            "help": "class weights of the classification losses: 'balanced' for every trained task, or for "
            "some, e.g. 'e12=balanced'; none by default. balanced: a class of n_c of the n training examples "
            "weighs n / (C n_c), C the number of classes. The loss that is trained, and logged as NAME_loss "
            "(in validation too), is then the weighted mean over utterances; accuracy and F1 are not weighted"
        },
    )
    task_sampling: ChoiceEnum(["round-robin", "proportional", "temperature"]) = field(  # type: ignore[valid-type]
        default="round-robin",
        metadata={
            "help": "order of the tasks' mini-batches in training. round-robin: one of each task in "
            "turn; an epoch is one pass over the responses. proportional: all mini-batches of all tasks, "
            "shuffled, as in the paper; an epoch is one pass over every task. temperature: in between, see "
            "--sampling-temperature"
        },
    )
    sampling_temperature: float = field(
        default=DEGREE,
        metadata={
            "help": "with --task-sampling temperature: T, 1 or more; a task of n mini-batches is seen in "
            "proportion to n^(1/T), in random order, and an epoch is one pass over the responses. 1: as "
            "often as with proportional; a large T: as often as with round-robin"
        },
    )
    context_turns: int = field(
        default=1,
        metadata={
            "help": "the last turns of a conversation that an input has, where the data has as many "
            "(emo-mtl prepare --context-turns); 1: only the utterance to answer, as in the paper. The "
            "oldest are left out where --max-source-length has no room: about 128 tokens for 3 turns, "
            "256 for 5. In generation the checkpoint's, unless it is given and not 1"
        },
    )
    emotion_task: str = field(
        default="",
        metadata={
            "help": "name of the task in the data whose labels are those of the responses (emo-mtl prepare "
            "--reply-labels), e.g. dd-next-emotion: in training its label stands in front of each utterance, "
            "as words and a turn of its own, so that responses of an emotion can be asked for (--emotion). "
            "It has a head where --classification-tasks names it too"
        },
    )
    emotion_dropout: float = field(
        default=0.1,
        metadata={
            "help": "share of the training utterances without the label of --emotion-task, drawn anew for "
            "each epoch, so that the model also responds without a wanted emotion"
        },
    )
    emotion: str = field(
        default="",
        metadata={
            "help": "in generation, of a model that was trained with --emotion-task: the emotion that "
            "responses are to have: a label; gold: that of the response in the data; auto: the one that the "
            "model's head of --emotion-task expects. Without one by default"
        },
    )
    mmi_weight: float = field(
        default=0.0,
        metadata={
            "help": "in generation: subtract this share of a response's log-probability after an empty "
            "utterance, from 0 to 1 (maximum mutual information, Li et al. 2016): answers that would fit "
            "everything make room for some that fit the utterance. 0 by default: off"
        },
    )
    max_source_length: int = field(
        default=64,
        metadata={
            "help": "tokens of an utterance with <s> and </s>; the rest is cut off. The positions of the "
            "model are --max-source-positions. In generation the checkpoint's, unless it is given and not 64"
        },
    )
    max_target_length: int = field(
        default=64,
        metadata={
            "help": "tokens of a response with <s> and </s>; longer ones are cut off in training and "
            "never generated. The positions of the model are --max-target-positions. In generation the "
            "checkpoint's, unless it is given and not 64"
        },
    )
    seed: int = II("common.seed")
    clip_norm: float = II("optimization.clip_norm")
    update_freq: Any = II("optimization.update_freq")
    distributed_world_size: int = II("distributed_training.distributed_world_size")
    # The whole group of --bpe: its own name would be taken for the flag's value.
    bpe_config: Any = II("bpe")


def parse_task_names(text: str) -> list[str]:
    """`"e6,e2"` -> `["e6", "e2"]`.

    Raises:
        UserError: a name that is given twice, or that :func:`emo_mtl.names.name_fault` refuses
    """
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    for name in names:
        fault = name_fault(name) or ("twice" if names.count(name) > 1 else None)
        if fault:
            raise UserError(
                f"--classification-tasks {text[:200]!r}: found {name[:100]!r} {fault}: give the names of "
                "folders of the data separated by commas, each once, for example e6,e2,e12"
            )
    return names


def parse_loss_weights(text: str, tasks: list[str]) -> dict[str, float]:
    """`"e6=0.5,e12=0"` -> a weight for each of the tasks; 1 for those that are not named.

    Raises:
        UserError: an unknown task, a task named twice, or a weight that is no finite number >= 0
    """
    note = "; the weight of response is always 1"
    weights = dict.fromkeys(tasks, 1.0)
    for name, number in parse_by_task("--loss-weights", text, tasks, "WEIGHT", note).items():
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = float("nan")
        if not 0 <= weights[name] < float("inf"):
            raise UserError(
                f"--loss-weights {text!r}: found '{name}={number}', expected a finite number >= 0 as the "
                f"weight of {name}"
            )
    return weights


def parse_class_weights(text: str, tasks: list[str]) -> list[str]:
    """`"e12=balanced"` -> `["e12"]`, the tasks with class weights; `"balanced"` -> all of the tasks.

    Raises:
        UserError: an unknown task, a task named twice, another word than `balanced`, or no task at all
    """
    if text.strip() == BALANCED and tasks:
        return list(tasks)
    found = parse_by_task("--class-weights", text, tasks, BALANCED, f", or {BALANCED} for all")
    for name, kind in found.items():
        if kind != BALANCED:
            raise UserError(
                f"--class-weights {text!r}: found '{name}={kind}', expected {name}={BALANCED}"
            )
    return [task for task in tasks if task in found]


def parse_by_task(
    flag: str, text: str, tasks: list[str], value: str, note: str = ""
) -> dict[str, str]:
    """`"e6=0.5,e12=0"` -> `{"e6": "0.5", "e12": "0"}`.

    Args:
        value: what an error message calls a value
        note: what it adds to the names of the tasks

    Raises:
        UserError: an unknown task, or a task named twice
    """
    found: dict[str, str] = {}
    for part in text.split(",") if text.strip() else []:
        name, equals, given = (piece.strip() for piece in part.partition("="))
        if not equals or name not in tasks or name in found:
            raise UserError(
                f"{flag} {text!r}: found {part.strip()!r}, expected TASK={value}, each task of "
                f"--classification-tasks at most once ({', '.join(tasks) or 'there are none'}{note})"
            )
        found[name] = given
    return found
