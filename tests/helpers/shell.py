"""A shell in which the commands of this project start at once.

Each of them is a small program, first on the PATH, that hands its arguments, folder, environment and open
files to a server. The server is forked from the process of helpers/commands.py that has imported fairseq,
and forks once more for each command.
"""

import contextlib
import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.commands import FOREVER, forkserver, run

import emo_mtl

CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"3"], [0, 1, 2])
    server.sendall(json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode())
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(8)))
"""


@contextlib.contextmanager
def quick_programs() -> Iterator[Path]:
    """A folder with `emo-mtl`, fairseq's commands and `python`, to be put first on the PATH."""
    with tempfile.TemporaryDirectory() as temporary, socket.socket(socket.AF_UNIX) as listener:
        folder = Path(temporary)
        listener.bind(str(folder / "socket"))
        listener.listen()
        scripts = importlib.metadata.entry_points(group="console_scripts").names
        for name in ["python", *(n for n in scripts if n.startswith(("emo-mtl", "fairseq-")))]:
            text = CLIENT.format(python=sys.executable, address=str(folder / "socket"))
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        server = forkserver.Process(target=serve, args=(listener,))
        server.start()
        try:
            yield folder
        finally:  # pytest would wait for it at its end
            server.kill()
            server.join()


def serve(listener: socket.socket) -> None:
    """Answer each client in a process of its own."""
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            answer(client)
        client.close()
        with contextlib.suppress(ChildProcessError):  # none is left
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def answer(client: socket.socket) -> None:
    """Run a client's command on its files, and send the status, as a shell has it."""
    _, files, _, _ = socket.recv_fds(client, 1, 3)
    call = b"".join(iter(lambda: client.recv(1 << 16), b""))
    command = os.fork()
    if command == 0:
        client.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  (as long as the process)
        (program, *arguments), folder, env = json.loads(call)
        sys.executable = str(Path(program).with_name("python"))  # what it starts in turn
        # As if imported from there, which `--user-dir emo_mtl` insists on.
        emo_mtl.__path__.append(str(Path(folder, "emo_mtl")))
        run(Path(program).name, arguments, Path(folder), env)
    status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
    client.sendall(b"%d" % (status if status >= 0 else 128 - status))
    os._exit(0)


def bash(command: str, folder: Path, programs: Path) -> str:
    """What a command prints on standard output; `programs`: of :func:`quick_programs`.

    Raises:
        AssertionError: it did not end with status 0
    """
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PATH": path, "PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=FOREVER,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}"
    return result.stdout
