"""The flags of the task, beside those of fairseq's `translation`."""

from dataclasses import dataclass, field
from typing import Any

from fairseq.dataclass import ChoiceEnum
from fairseq.tasks.translation import TranslationConfig
from omegaconf import II

# Flags that a checkpoint keeps for generation.
LENGTHS = ("max_source_length", "max_target_length")


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
    task_sampling: ChoiceEnum(["round-robin", "proportional"]) = field(
        default="round-robin",
        metadata={
            "help": "order of the tasks' mini-batches in training. round-robin: one of each task in "
            "turn; an epoch is one pass over the responses. proportional: all mini-batches of all tasks, "
            "shuffled, as in the paper; an epoch is one pass over every task"
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
