"""As many threads as cores that are free."""

import math
from pathlib import Path

import pytest

from emo_mtl.training.threads import choose_threads, free_threads, quota


@pytest.mark.parametrize(
    ("arguments", "threads"),
    [
        ((8, 8, math.inf, 0.2), 8),
        ((8, 2, math.inf, 0.2), 2),  # taskset
        ((8, 8, 2.5, 0.2), 2),  # docker run --cpus 2.5
        ((8, 8, 0.5, 0.2), 1),
        ((8, 8, math.inf, 5.4), 3),
        ((64, 4, 4.0, 30.0), 4),  # a busy host, and still room for a container's share
        ((2, 2, math.inf, 10.0), 1),
    ],
)
def test_free(arguments, threads):
    assert free_threads(*arguments) == threads


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


class TestQuota:
    def test_version_2_with_a_limit_above(self, tmp_path):
        files = {
            "proc/self/cgroup": "0::/slice/unit\n",
            "sys/fs/cgroup/slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/slice/unit/cpu.max": "max 100000\n",
        }
        assert quota(write(tmp_path, files)) == 1.5

    def test_version_1(self, tmp_path):
        files = {
            "proc/self/cgroup": "4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "300000\n",
            "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
        }
        assert quota(write(tmp_path, files)) == 3

    @pytest.mark.parametrize("content", ["0::/\n", None])
    def test_none(self, tmp_path, content):
        assert quota(write(tmp_path, {"proc/self/cgroup": content} if content else {})) == math.inf


class TestChoose:
    def test_the_users_number_stays(self):
        environment = {"OMP_NUM_THREADS": "7"}
        assert choose_threads(environment) == "threads: 7 (OMP_NUM_THREADS)"
        assert environment == {"OMP_NUM_THREADS": "7"}

    def test_set_and_said(self):
        environment = {}
        said = choose_threads(environment)
        assert said.startswith(f"threads: {environment['OMP_NUM_THREADS']} (")
        assert int(environment["OMP_NUM_THREADS"]) >= 1
