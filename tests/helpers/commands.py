"""The real command lines, each in a process of its own.

torch and fairseq take five seconds to import: here one process has imported them, and each command is
forked from it. What a command does with what it has imported is its own; the rest is as on a shell.
"""

import atexit
import importlib.metadata
import logging
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import emo_mtl

REPOSITORY = Path(emo_mtl.__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
FOREVER = 3600  # seconds; against a command that hangs, not against a slow machine
SMALL = ["--encoder-embed-dim", "32", "--encoder-ffn-embed-dim", "64"]
# Without data workers, whose end takes seconds: what they change has tests of its own.
TASK = [
    *("--user-dir", str(REPOSITORY / "emo_mtl"), "--task", "emotion_dialogue", "--cpu"),
    *("--num-workers", "0"),
]
TRAIN = [
    *(*TASK, "--arch", "emo_bart_tiny", *SMALL),
    *("--criterion", "multitask_nll", "--label-smoothing", "0.1"),
    *("--optimizer", "adam", "--lr", "0.003", "--lr-scheduler", "fixed", "--clip-norm", "1.0"),
    *("--max-tokens", "512", "--log-format", "json", "--dropout", "0.1"),
    *("--no-epoch-checkpoints",),
]
MULTITASK = ["--classification-tasks", "e6,e2,e12", "--update-freq", "4"]

forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(
    [
        # evaluate and report use them; before fairseq, which has matplotlib's details logged
        *("nltk", "matplotlib.figure", "matplotlib.backends.backend_svg"),
        *("fairseq.trainer", "fairseq.sequence_scorer", "fairseq.models.bart", "emo_mtl"),
        "torch._dynamo",  # imported by a training's first update
    ]
)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads do not survive a fork


def run_command(*command: object, check: bool = True, **env: str) -> subprocess.CompletedProcess:
    """Run a command of the environment's bin folder from the repository, as a user would.

    Raises:
        AssertionError: it did not end with status 0, if `check`
    """
    executable, *arguments = map(str, command)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **env}
    with tempfile.TemporaryDirectory() as folder:
        printed = [Path(folder) / name for name in ("stdout", "stderr")]
        call = (executable, arguments, environment, *printed)
        process = forkserver.Process(target=run_forked, args=call)
        process.start()
        process.join(FOREVER)
        process.kill()
        stdout, stderr = (path.read_text() for path in printed)
    result = subprocess.CompletedProcess(command, process.exitcode, stdout, stderr)
    if check and result.returncode:
        raise AssertionError(f"{command}\n{stdout[-4000:]}\n{stderr[-4000:]}")
    return result


def run_forked(
    executable: str, arguments: Sequence[str], env: dict[str, str], stdout: Path, stderr: Path
) -> None:
    """In the new process: what a shell does, then :func:`run`."""
    for number, path in ((1, stdout), (2, stderr)):  # which may be one file
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    run(executable, arguments, REPOSITORY, env)


def run(executable: str, arguments: Sequence[str], folder: Path, env: dict[str, str]) -> None:
    """In the new process: what Python's start does, then the command, then Python's end."""
    # The fork server's children would start servers, which import all again, for data workers and pools.
    multiprocessing.set_start_method(None, force=True)
    logging.root.handlers.clear()  # fairseq's commands configure it before they import fairseq
    logging.root.setLevel(logging.WARNING)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    status = 1
    try:
        if executable == "python":
            run_program(arguments)
        else:
            sys.argv = [str(BIN / executable), *arguments]
            (entry,) = importlib.metadata.entry_points(group="console_scripts", name=executable)
            sys.exit(entry.load()())
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.last_type, sys.last_value, sys.last_traceback = sys.exc_info()
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    sys.exit(status)


def run_program(arguments: Sequence[str]) -> None:
    """What Python does with its command line: `-c CODE`, `-m MODULE` or a script, and its arguments."""
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    elif arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        sys.path[0] = str(Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")


def run_python(program: str) -> str:
    """What a program prints in a Python that has imported nothing yet."""
    run = [sys.executable, "-c", program]
    return subprocess.run(run, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True).stdout


def train(
    sample: Path, save_dir: Path, *flags: str, check: bool = True, **env: str
) -> subprocess.CompletedProcess:
    save = ["--save-dir", save_dir]
    command = ["fairseq-train", sample / "data-bin", *TRAIN, *save, *flags]
    return run_command(*command, check=check, **env)
