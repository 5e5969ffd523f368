"""The flags of the task, beside those of fairseq's `translation`, and what the lists among them say."""

from dataclasses import dataclass, field
from typing import Any

from fairseq.dataclass import ChoiceEnum
from fairseq.tasks.translation import TranslationConfig
from omegaconf import II

from emo_mtl.errors import UserError
from emo_mtl.names import name_fault

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
    task_sampling: ChoiceEnum(["round-robin", "proportional"]) = field(  # type: ignore[valid-type]
        default="round-robin",
        metadata={
            "help": "order of the tasks' mini-batches in training. round-robin: one of each task in "
            "turn; an epoch is one pass over the responses. proportional: all mini-batches of all tasks, "
            "shuffled, as in the paper; an epoch is one pass over every task"
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
    weights: dict[str, float] = {}
    for part in text.split(",") if text.strip() else []:
        name, equals, number = (piece.strip() for piece in part.partition("="))
        where = f"--loss-weights {text!r}: found {part.strip()!r}"
        if not equals or name not in tasks or name in weights:
            raise UserError(
                f"{where}, expected TASK=WEIGHT, each task of --classification-tasks at most once "
                f"({', '.join(tasks) or 'there are none'}; the weight of response is always 1)"
            )
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = float("nan")
        if not 0 <= weights[name] < float("inf"):
            raise UserError(f"{where}, expected a finite number >= 0 as the weight of {name}")
    return {task: weights.get(task, 1.0) for task in tasks}
