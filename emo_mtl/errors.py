"""The one exception that means "your input, not our code", and how commands show it: on one line."""

import pickle
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType


class UserError(Exception):
    """Raised for input that cannot be used: a file, a flag, a missing optional package.

    The message names the file and the line where there is one, what was found, what was expected
    and how to fix it. Where nothing catches it, it ends the program with this message alone and
    status 1 (:func:`show_in_one_line`), in fairseq's commands too.
    """

    @classmethod
    def at(cls, where: object, *, found: str, expected: str, fix: str) -> "UserError":
        """An error about one place: a file, `FILE:LINE` (lines count from 1) or a flag."""
        return cls(f"{where}: found {found}, expected {expected}: {fix}")


def show_in_one_line() -> None:
    """From now on, end this process with one line where a :class:`UserError` is what ends it.

    In fairseq's programs also where a file cannot be read or written: fairseq-train looks at `--save-dir`,
    and fairseq-validate loads its checkpoint, before any task is asked.
    """
    show = sys.excepthook

    def show_user_errors(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        message = user_message(error) or (file_message(error) if is_fairseq(sys.argv[0]) else None)
        if message:
            print(f"emo_mtl: error: {message}", file=sys.stderr)
        else:
            show(kind, error, traceback)

    sys.excepthook = show_user_errors


def is_fairseq(program: str) -> bool:
    """Whether the path of a program, `sys.argv[0]`, is that of a command of fairseq's."""
    path = Path(program)
    return path.name.startswith("fairseq-") or path.parent.name == "fairseq_cli"


def user_message(error: BaseException) -> str | None:
    """The message of a :class:`UserError` that an exception is, or was raised because of or after.

    fairseq raises exceptions of its own where it cannot load a model; torch sends those of other processes
    (ranks, workers of a DataLoader) as text that ends with them.
    """
    own = f"{UserError.__module__}.{UserError.__name__}: "
    for link in chain(error):
        _, mark, message = str(link).rpartition(own)
        if mark or isinstance(link, UserError):
            return message.strip()
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those that it was raised from or while handling."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def file_message(error: BaseException) -> str | None:
    """What is wrong with a file, on one line; None where an exception is about something else."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}: give another path, or change its permissions"
    if isinstance(error, pickle.UnpicklingError):
        return f"a checkpoint: {unpickling_fault(error)}: use a file that fairseq-train wrote"
    return None


@contextmanager
def os_error_on_one_line() -> Iterator[None]:
    """For this package's own commands: a file that cannot be read or written is a :class:`UserError`."""
    try:
        yield
    except OSError as error:
        if message := file_message(error):
            raise UserError(message) from error
        raise


def unpickling_fault(error: Exception) -> str:
    """Why torch did not load a file, on one line: what in it would have run code, if anything."""
    if culprit := re.search(r"GLOBAL (\S+)", str(error)):
        return (
            f"refused: found {culprit[1]}, which could run code when it is loaded (nothing was run), "
            "expected numbers and settings"
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return f"cannot be read as a checkpoint ({reason[:200]})"
