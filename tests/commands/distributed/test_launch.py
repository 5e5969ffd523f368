"""Training with several processes, started as users start it, on CPUs with gloo (docs/distributed.md)."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from helpers.background import GLOO, Background, free_port, ranks
from helpers.commands import FOREVER, REPOSITORY, run_command
from helpers.config import train_argv
from helpers.data import write_data_bin


def fairseq_train(data: Path, save_dir: Path, **flags: str) -> list[str]:
    """A training command of few updates, without validation."""
    argv = train_argv(data, user_dir=str(REPOSITORY / "emo_mtl"), save_dir=save_dir, **flags)
    return ["fairseq-train", *argv, "--no-epoch-checkpoints"]


def torchrun(command: list[str], *flags: str) -> list[str]:
    """The way of docs/distributed.md: torchrun names the rank, the command line gives it to fairseq."""
    line = " ".join([*(f"'{part}'" for part in command), *GLOO])
    line += " --distributed-world-size 2 --distributed-rank $RANK --distributed-init-method env://"
    return ["torchrun", *flags, "--no-python", "bash", "-c", line]


def train_together(*commands: list[str]) -> None:
    """Each in a process that is forked (helpers.commands), all at the same time; all end well."""
    with ThreadPoolExecutor(len(commands)) as pool:
        list(pool.map(lambda command: run_command(*command), commands))


@pytest.fixture
def start(tmp_path: Path):
    """Starts commands, which end with the test at the latest."""
    processes = []

    def run(command: list[str], **env: str) -> Background:
        processes.append(Background(tmp_path / f"log{len(processes)}", *command, **env))
        return processes[-1]

    yield run
    for process in processes:
        process.kill_group()
        process.wait()


def end_well(*processes: Background) -> None:
    for process in processes:
        assert process.wait() == 0, process.output[-4000:]


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + FOREVER
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def members(group: int) -> list[int]:
    """The living processes of a process group (from /proc; zombies are dead)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def parameters(save_dir: Path) -> dict[str, torch.Tensor]:
    return torch.load(save_dir / "checkpoint_last.pt", weights_only=True)["model"]


def assert_same(one: Path, other: Path, atol: float) -> None:
    expected, found = parameters(one), parameters(other)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(
            found[name], tensor, rtol=0, atol=atol, msg=lambda m, n=name: n + m
        )


# Plain gradient descent: Adam divides by sqrt(v), which makes rounding errors of tiny gradients large.
FEW = {"max_update": "4", "optimizer": "sgd", "lr": "0.05"}


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batches of 5: 14 pairs make 5 + 5 + 4; e6 and e2 have 4 utterances, one batch each."""
    return write_data_bin(tmp_path_factory.mktemp("uneven") / "data-bin", {"train": 14})


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batches of 4: 16 pairs make 4 of them; e6 and e2 have 5 utterances, two batches each."""
    return write_data_bin(tmp_path_factory.mktemp("even") / "data-bin", {"train": 16})


@pytest.mark.slow
class TestSameTraining:
    def test_tasks_of_one_batch_on_three_ranks(self, uneven, tmp_path):
        flags = {**FEW, "batch_size": "5", "max_tokens": "1000"}
        one = fairseq_train(uneven, tmp_path / "one", **flags, update_freq="9")
        three = fairseq_train(uneven, tmp_path / "three", **flags, update_freq="3")
        train_together(one, *([*three, *rank] for rank in ranks(3)))
        assert_same(tmp_path / "one", tmp_path / "three", atol=1e-6)

    @pytest.mark.parametrize("batch_size", ["4", "100"])
    def test_proportional(self, even, tmp_path, batch_size):
        """The order of the tasks depends on the number of ranks, so that an update holds a whole epoch.

        With a batch a task, fewer than ranks, both ranks hold it.
        """
        flags = {**FEW, "batch_size": batch_size, "max_tokens": "1000", "update_freq": "1000"}
        flags["task_sampling"] = "proportional"
        one = fairseq_train(even, tmp_path / "one", **flags)
        two = fairseq_train(even, tmp_path / "two", **flags)
        train_together(one, *([*two, *rank] for rank in ranks(2)))
        assert_same(tmp_path / "one", tmp_path / "two", atol=1e-6)

    def test_workers(self, data_bin, tmp_path):
        """The parameters are equal bit by bit; an epoch ends on the way."""
        flags = {**FEW, "max_update": "20", "task_sampling": "proportional", "dropout": "0.1"}
        runs = {
            workers: fairseq_train(data_bin, tmp_path / workers, **flags, num_workers=workers)
            for workers in ("0", "1", "4")
        }
        train_together(*runs.values())
        assert_same(tmp_path / "0", tmp_path / "1", atol=0)
        assert_same(tmp_path / "0", tmp_path / "4", atol=0)


@pytest.mark.slow
class TestLaunchers:
    @pytest.fixture(scope="class")
    def alone(self, data_bin, tmp_path_factory):
        """One process with twice the update frequency."""
        save_dir = tmp_path_factory.mktemp("alone")
        command = fairseq_train(data_bin, save_dir, **FEW, update_freq="6")
        train_together(command)
        return save_dir

    @pytest.fixture
    def path(self, programs):
        """A PATH on which the commands of torchrun start at once."""
        return os.pathsep.join([str(programs), os.environ["PATH"]])

    def test_one_node(self, data_bin, tmp_path, start, alone, path):
        command = fairseq_train(data_bin, tmp_path / "two", **FEW, update_freq="3")
        end_well(start(torchrun(command, "--standalone", "--nproc-per-node", "2"), PATH=path))
        assert_same(alone, tmp_path / "two", atol=1e-6)

    def test_two_nodes(self, data_bin, tmp_path, start, alone, path):
        command = fairseq_train(data_bin, tmp_path / "two", **FEW, update_freq="3")
        endpoint = f"127.0.0.1:{free_port()}"
        flags = ["--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d"]
        flags += ["--rdzv-endpoint", endpoint, "--rdzv-id", "1", "--local-addr", "127.0.0.1"]
        end_well(*(start(torchrun(command, *flags), PATH=path) for _ in range(2)))
        assert_same(alone, tmp_path / "two", atol=1e-6)

    def test_slurm(self, data_bin, tmp_path, start, alone):
        """fairseq reads rank, port and host from SLURM's variables; `scontrol` is a stub."""
        scontrol = tmp_path / "bin" / "scontrol"
        scontrol.parent.mkdir()
        scontrol.write_text("#!/bin/sh\necho 127.0.0.1\n")
        scontrol.chmod(0o755)
        flags = {"distributed_world_size": "2", "distributed_port": free_port()}
        command = fairseq_train(data_bin, tmp_path / "two", **FEW, update_freq="3", **flags)
        command += GLOO
        slurm = {"SLURM_JOB_NODELIST": "node1", "SLURM_NNODES": "1", "SLURM_NTASKS": "2"}
        slurm |= {"SLURM_NTASKS_PER_NODE": "2", "PATH": f"{scontrol.parent}:{os.environ['PATH']}"}
        tasks = [{"SLURM_PROCID": str(i), "SLURM_LOCALID": "0"} for i in range(2)]
        end_well(*(start(command, **slurm, **task) for task in tasks))
        assert_same(alone, tmp_path / "two", atol=1e-6)


@pytest.mark.slow
class TestKilled:
    def test_one_rank(self, data_bin, tmp_path, start):
        """The other rank ends with an error, and the training goes on from the last checkpoint."""
        save_dir = tmp_path / "two"
        often = {**FEW, "save_interval_updates": "5", "keep_interval_updates": "1"}
        endless = fairseq_train(data_bin, save_dir, **often | {"max_update": "1000000"})
        first, second = (start([*endless, *rank]) for rank in ranks(2))
        wait_until((save_dir / "checkpoint_last.pt").exists, "no checkpoint")
        os.kill(second.pid, signal.SIGKILL)
        killed = time.monotonic()
        assert first.wait() != 0
        print(f"the other rank ended after {time.monotonic() - killed:.1f} s")
        assert "Connection" in first.output
        saved = torch.load(save_dir / "checkpoint_last.pt", weights_only=True)
        done = saved["optimizer_history"][-1]["num_updates"]
        more = fairseq_train(data_bin, save_dir, **often | {"max_update": str(done + 2)})
        end_well(*(start([*more, *rank]) for rank in ranks(2)))
        saved = torch.load(save_dir / "checkpoint_last.pt", weights_only=True)
        assert saved["optimizer_history"][-1]["num_updates"] == done + 2

    def test_the_training_process(self, data_bin, tmp_path, start):
        """Its data workers notice and end."""
        endless = {**FEW, "max_update": "1000000", "num_workers": "2"}
        training = start([*fairseq_train(data_bin, tmp_path, **endless), "--no-save"])
        wait_until(lambda: len(members(training.pid)) >= 3, "no workers")
        os.kill(training.pid, signal.SIGKILL)
        training.wait()
        killed = time.monotonic()
        wait_until(lambda: not members(training.pid), "workers live on")
        print(f"the workers ended after {time.monotonic() - killed:.1f} s")

    def test_nothing_is_left_after_training(self, data_bin, tmp_path, start):
        training = start(fairseq_train(data_bin, tmp_path, max_epoch="3", num_workers="2"))
        end_well(training)
        wait_until(lambda: not members(training.pid), "processes live on")
