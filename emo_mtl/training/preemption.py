"""Preempted training: on SIGTERM or SIGUSR1 finish the update, save `checkpoint_last.pt`, end with status 75.

Clusters send SIGTERM before they take a machine away, SLURM sends SIGUSR1 if asked (`--signal=USR1@60`).
"""

import logging
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
import time
from types import FrameType

from omegaconf import DictConfig
from torch.utils.data import get_worker_info

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
# Seconds in which another signal counts as the same one: torchrun passes on what it gets itself.
ECHO = 5.0
EXIT_STATUS = 75  # EX_TEMPFAIL of sysexits.h: the same command, started again, goes on


class Preemption:
    """Listens for the signals; each is only noted, since a signal can arrive in the middle of anything.

    What was noted rides on the logging outputs that fairseq adds up over the ranks of an update: all
    ranks stop after the same update, whichever of them got the signal.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.received_at = 0.0  # seconds, of a monotonic clock
        self.stopping = False
        self.process: int | None = None  # that listens

    def listen(self) -> None:
        """Listen from now on, in this process; nothing where Python allows no handlers (threads)."""
        if self.process == os.getpid() or threading.current_thread() != threading.main_thread():
            return
        self.process = os.getpid()
        for number in SIGNALS:
            signal.signal(number, self.note)
        # like atexit, but also where fairseq starts a process for each GPU; before workers are terminated
        multiprocessing.util.Finalize(None, self.exit, exitpriority=1)

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The handler; another signal, `ECHO` seconds later, ends the process as if there were none."""
        if os.getpid() != self.process:  # a worker that loads data, which ends with its parent
            return
        if self.received is None:
            self.received, self.received_at = signal.Signals(number), time.monotonic()
        elif time.monotonic() - self.received_at >= ECHO:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def stop(self, cfg: DictConfig) -> None:
        """Let fairseq-train, which looks at its config after each update, save and end after this one.

        Without a validation before: a cluster's grace period is short.

        Args:
            cfg: the whole config of fairseq-train
        """
        if self.stopping:
            return
        self.stopping = True
        logger.warning(
            f"received {self.received.name if self.received else 'a signal on another rank'}: saving "
            f"checkpoint_last.pt and ending with status {EXIT_STATUS}; the same command goes on from there"
        )
        cfg.optimization.max_update = 1
        cfg.dataset.disable_validation = True

    def exit(self) -> None:
        """At the process's end: with `EXIT_STATUS` if it was preempted; fairseq-train itself ends with 0."""
        if os.getpid() != self.process:
            return
        kill_workers()
        # set when a traceback was printed: e.g. the checkpoint could not be saved
        failed = getattr(sys, "last_type", None) is not None
        if self.stopping and not failed:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(EXIT_STATUS)


def kill_workers() -> None:
    """End what DataLoaders have left: Python would send SIGTERM, which is ignored, and wait for ever."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler raises when a worker is killed
    for worker in multiprocessing.active_children():
        if worker.daemon:
            worker.kill()


def spare_worker() -> None:
    """In a DataLoader's worker: ignore the first SIGTERM.

    Clusters send it to all processes at once, and training fails when a worker dies. A worker ends with its
    parent (:func:`kill_workers`).
    """
    if get_worker_info() is None:
        return
    if signal.getsignal(signal.SIGTERM) not in (ignore_once, signal.SIG_DFL):  # that of `note`
        signal.signal(signal.SIGTERM, ignore_once)


def ignore_once(number: int, _frame: FrameType | None) -> None:
    """A handler for one signal; the next one has the default effect."""
    signal.signal(number, signal.SIG_DFL)
