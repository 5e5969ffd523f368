"""How many threads a command should use: as many as there are cores that it may use and nobody else does.

torch takes one for each core of the machine, and its threads wait for each other: beside other work, or
under a quota, a training of minutes then takes hours.

    python emo_mtl/training/threads.py  # threads: 2 (2 cores, load 0.1; OMP_NUM_THREADS sets another number)
"""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "OMP_NUM_THREADS"


def quota(root: Path = Path("/")) -> float:
    """Cores' worth of time that the control groups of this process grant; infinite without a limit.

    Args:
        root: under which `proc` and `sys` lie
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return math.inf
    granted = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        group = base / path.lstrip("/")
        for folder in [group, *group.parents]:
            granted.append(quota_of(folder))
            if folder == base:
                break
    return min(granted)


def quota_of(folder: Path) -> float:
    """The same of one control group, of version 2 or 1."""
    try:
        if (folder / "cpu.max").is_file():
            limit, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            limit, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8")
                for name in ("quota", "period")
            )
        return math.inf if limit == "max" or int(limit) < 0 else int(limit) / int(period)
    except (OSError, ValueError):
        return math.inf


def free_threads(cores: int, allowed: int, granted: float, load: float) -> int:
    """Threads that find a core of their own; at least 1.

    Args:
        cores: of the machine
        allowed: cores that this process may run on
        granted: cores' worth of time that it gets
        load: programs that were running on the machine lately
    """
    return max(1, min(allowed, int(granted) if granted < allowed else allowed, round(cores - load)))


def choose_threads(environment: MutableMapping[str, str]) -> str:
    """Set the number for this process's children, unless the user has; one line that says so."""
    cores = os.cpu_count() or 1
    if environment.get(VARIABLE):
        return f"threads: {environment[VARIABLE]} ({VARIABLE})"
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    allowed = len(affinity(0)) if affinity else cores
    granted, load = quota(), os.getloadavg()[0]
    threads = free_threads(cores, allowed, granted, load)
    environment[VARIABLE] = str(threads)
    limit = f", a quota of {granted:g}" if granted < allowed else ""
    return f"threads: {threads} ({allowed} cores{limit}, load {load:.1f}; {VARIABLE} sets another number)"


if __name__ == "__main__":
    print(choose_threads(os.environ))
