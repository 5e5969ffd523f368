"""The one exception that means "your input, not our code", and what fairseq's commands say of files."""

import pickle
import re
import sys
from pathlib import Path
from types import TracebackType


class UserError(SystemExit):
    """Raised for input that cannot be used: a file, a flag, a missing optional package.

    The message names the file and the line where there is one, what was found, what was expected
    and how to fix it. As a `SystemExit` it ends any command, fairseq's own included, with this
    message alone and status 1: no traceback, and fairseq does not replace it with "please ensure
    that the architectures match" while it loads a checkpoint.
    """

    def __init__(self, message: str):
        super().__init__(f"emo_mtl: error: {message}")


def say_in_one_line(program: str) -> None:
    """Let fairseq's commands end with one line where a file cannot be read or written.

    fairseq-train looks at `--save-dir`, and fairseq-validate loads its checkpoint, before any task is asked.

    Args:
        program: `sys.argv[0]`; of other programs nothing is changed
    """
    path = Path(program)
    if not (path.name.startswith("fairseq-") or path.parent.name == "fairseq_cli"):
        return
    show = sys.excepthook

    def show_file_errors(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if message := file_error(error):
            print(UserError(message), file=sys.stderr)
        else:
            show(kind, error, traceback)

    sys.excepthook = show_file_errors


def file_error(error: BaseException) -> str | None:
    """What is wrong with a file, on one line; None where an exception is about something else."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}: give another path, or change its permissions"
    if isinstance(error, pickle.UnpicklingError):
        return f"a checkpoint: {unpickling_fault(error)}: use a file that fairseq-train wrote"
    return None


def unpickling_fault(error: Exception) -> str:
    """Why torch did not load a file, on one line: what in it would have run code, if anything."""
    if culprit := re.search(r"GLOBAL (\S+)", str(error)):
        return (
            f"refused: found {culprit[1]}, which could run code when it is loaded (nothing was run), "
            "expected numbers and settings"
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return f"cannot be read as a checkpoint ({reason[:200]})"
