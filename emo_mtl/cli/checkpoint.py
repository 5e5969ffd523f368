"""Loading a checkpoint of fairseq-train for a subcommand."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint of `emotion_dialogue`.

    Raises:
        UserError: no such file, or not a checkpoint of that task
    """
    from fairseq import checkpoint_utils

    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a checkpoint of fairseq-train")
    try:
        state = checkpoint_utils.load_checkpoint_to_cpu(str(path))
    except Exception as error:  # torch raises many kinds for a file cut off or no checkpoint
        raise UserError(f"{path}: cannot be read as a checkpoint ({error})") from error
    if "heads" not in state.get("task_state", {}):
        raise UserError(
            f"{path}: found no classification heads, expected a checkpoint of "
            "fairseq-train --task emotion_dialogue"
        )
    return state


def load_model(
    path: Path, state: dict[str, Any], data: Path, tasks: list[str]
) -> tuple["EmotionDialogueTask", "nn.Module"]:
    """The task on another data folder and the model of a checkpoint, in evaluation mode.

    The model has the checkpoint's heads, and new ones for those of `tasks` that it lacks.

    Args:
        state: what :func:`read_checkpoint` found at `path`
        tasks: classification tasks whose folders of `data` are needed

    Raises:
        UserError: a data folder that does not fit the checkpoint
    """
    from fairseq import checkpoint_utils
    from fairseq.dataclass.utils import overwrite_args_by_name

    overrides = {
        "data": str(data),
        "classification_tasks": ",".join(tasks),
        "loss_weights": "",
        "eval_bleu": False,
        # Lets the model have heads that the checkpoint lacks; there is no optimizer here.
        "reset_optimizer": True,
    }
    overwrite_args_by_name(state["cfg"], overrides)
    models, _, task = checkpoint_utils.load_model_ensemble_and_task([str(path)], state=state)
    return task, models[0].eval()
