"""Every benchmark runs once, on the sample data with very small models. Times are not looked at."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY
from helpers.shell import bash, quick_programs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of all benchmarks writes, whose workers are forked."""
    folder = tmp_path_factory.mktemp("benchmarks")
    flags = f"--size toy --runs 1 --threads 1 --out {folder}"
    with quick_programs() as programs:
        bash(f"python benchmarks/run.py {flags}", REPOSITORY, programs)
    return folder


def run_benchmarks(*flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "benchmarks/run.py", "--size", "toy", *flags]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.fixture(scope="module")
def results(out: Path) -> dict:
    return json.loads((out / "results.json").read_text("utf-8"))


def installed(*packages: str) -> list[str]:
    return [package for package in packages if find_spec(package)]


class TestToyRun:
    def test_states_the_machine(self, results):
        assert results["machine"]["cores"] >= 1
        assert {"torch", "numpy"} <= set(results["machine"]["versions"])
        assert results["settings"]["threads"] == 1

    def test_tables_are_markdown(self, out):
        text = (out / "results.md").read_text("utf-8")
        for title in ("Training step", "Four tasks", "Generation", "Preparation", "Two processes"):
            assert f"### {title}" in text
        for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
            header, marks, *rows = table.splitlines()
            assert set(marks) <= set("|-: ")
            assert rows
            assert {row.count("|") for row in rows} == {header.count("|")}

    def test_train(self, results):
        train = results["train"]
        systems = {"emo_mtl", "fairseq", *installed("transformers")}
        (row,) = train["rows"]
        check = row["check"]
        assert set(check["losses"]) == systems
        assert all(len(losses) == 3 for losses in check["losses"].values())
        assert check["largest_relative_difference"] < 1e-4
        assert train["peak"]["flops_per_s"] > 0
        assert row["model_flops"] > 0
        assert set(row["runs"]) == systems
        for (run,) in row["runs"].values():
            assert run["tokens_per_s"] > 0
            assert run["memory_mib"] > 0
            assert run["threads"] == 1
            assert run["waits"] >= 0
            parts = [run[f"{part}_share"] for part in ("forward", "backward", "optimizer")]
            assert all(part > 0 for part in parts)
            assert sum(parts) <= 1
            assert 0 < run["vocabulary_share"] < parts[0] + parts[1]
        # the same batches
        assert len({run["padding_share"] for (run,) in row["runs"].values()}) == 1

    def test_epoch(self, results):
        runs = {name: run for name, (run,) in results["epoch"]["runs"].items()}
        tasks = ("response", "e6", "e2", "e12")
        assert runs["in turn"]["batches"] == sum(runs[task]["batches"] for task in tasks) == 12
        assert runs["in turn, --update-freq 4"]["batches"] == 12
        for run in runs.values():
            assert 0 < run["loading"] < run["seconds"]
            assert 0 <= run["padding_share"] < 1
        shares = [runs[name]["padding_share"] for name in ("in turn", "in turn, --update-freq 4")]
        assert shares[0] == shares[1]

    def test_generate(self, results):
        generate = results["generate"]
        runs = {name: run for name, (run,) in generate["runs"].items()}
        libraries = installed("transformers")
        libraries += installed("ctranslate2") if libraries else []
        assert set(runs) == {"emo_mtl", "fairseq", *libraries}
        sentences = runs["emo_mtl"]["sentences"]
        assert sentences >= 32
        assert generate["agreement"]["emo_mtl"] == generate["agreement"]["fairseq"] == sentences
        # ties and the order of sums may turn a few sentences over
        assert all(count >= 0.9 * sentences for count in generate["agreement"].values())
        for run in runs.values():
            assert run["sentences"] == sentences
            assert 0 < run["search"] <= run["pipeline"]
            assert run["loading"] > 0
        for shares in generate["shares"].values():
            assert min(shares.values()) > 0
            assert sum(shares.values()) < 1

    def test_preparation(self, results):
        preparation = results["preparation"]
        assert list(preparation["prepare"]) == [
            "sentencepiece"
        ]  # GPT-2's files are not in the sample
        assert preparation["prepare"]["sentencepiece"][0]["seconds"] > 0
        assert {"import emo_mtl", "emo-mtl --help"} <= set(preparation["startup"])

    def test_two_processes(self, results):
        runs = results["two-processes"]["runs"]
        assert runs["1 process"][0]["threads"] == [1]
        assert runs["2 processes"][0]["threads"] == [1, 1]
        assert runs["2 processes"][0]["tokens_per_s"] > 0

    def test_does_not_overwrite(self, out):
        refused = run_benchmarks("--out", str(out))
        assert refused.returncode == 1
        assert "--overwrite" in refused.stderr

    def test_asks_for_what_it_uses_only(self, tmp_path):
        """With --size full: each benchmark misses its own paths, and no others."""
        for only, missing in (
            ("train", "--data"),
            ("epoch,two-processes", "--data"),
            ("generate", "--spm-data"),
        ):
            flags = ["--size", "full", "--only", only, "--out", str(tmp_path)]
            assert f"{missing}: found None" in run_benchmarks(*flags).stderr
        flags = ["--only", "generate", "--spm-data", str(tmp_path), "--size", "full"]
        refused = run_benchmarks(*flags, "--out", str(tmp_path))
        assert "--checkpoint: found None, expected a folder or file that exists, for generate" in (
            refused.stderr
        )
        assert "--only: found 'trian'" in run_benchmarks("--only", "trian", "--out", "x").stderr
