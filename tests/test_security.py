"""No file is unpickled without protection, by any command."""

import ast

import pytest
import torch
from helpers.checkpoints import RunsCode
from helpers.commands import REPOSITORY, TASK, TRAIN, run_command

FOLDERS = ("emo_mtl", "preprocess", "examples", "benchmarks")
SOURCES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))


def unsafe_calls(source: str) -> list[str]:
    """Calls that could run code of the file they load."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        keywords = {item.arg: ast.unparse(item.value) for item in node.keywords}
        if (
            (name == "torch.load" and keywords.get("weights_only") != "True")
            or name.split(".")[0] in ("pickle", "dill", "joblib", "shelve", "marshal")
            or keywords.get("allow_pickle", "False") != "False"
            or name in ("eval", "exec", "yaml.load", "yaml.unsafe_load")
        ):
            found.append(ast.unparse(node))
    return found


def test_no_unsafe_call():
    assert len(SOURCES) > 40
    found = {str(path): unsafe_calls(path.read_text("utf-8")) for path in SOURCES}
    assert {path: calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(p)",
        "torch.load(p, weights_only=x)",
        "pickle.load(f)",
        "np.load(p, allow_pickle=True)",
    ],
)
def test_finds_unsafe_calls(source):
    assert unsafe_calls(source) == [source]
    assert unsafe_calls("torch.load(p, weights_only=True)") == []


COMMANDS = {
    "train": ["fairseq-train", "DATA", *TRAIN, "--restore-file", "CKPT", "--save-dir", "OUT"],
    "generate": ["fairseq-generate", "DATA", *TASK, "--path", "CKPT"],
    "validate": ["fairseq-validate", "DATA", *TASK, "--path", "CKPT", "--max-tokens", "512"],
    "classify": ["emo-mtl", "classify", "DATA", "--path", "CKPT", "--task", "e6", "--cpu"],
    "chat": ["emo-mtl", "chat", "--path", "CKPT", "--cpu"],  # demo loads as chat does
    "export-hf": ["emo-mtl", "export-hf", "CKPT", "OUT"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_checkpoint_that_would_run_code(name, trained, sample, tmp_path):
    """torch before 2.6 protects fairseq's own commands only if asked, which fairseq does not."""
    version = tuple(map(int, torch.__version__.split(".")[:2]))
    if COMMANDS[name][0] != "emo-mtl" and version < (2, 6):
        pytest.skip("fairseq's own commands are protected by torch 2.6 and later")
    state = torch.load(trained[0], weights_only=True)
    torch.save({**state, "surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
    places = {"DATA": sample / "data-bin", "CKPT": tmp_path / "evil.pt", "OUT": tmp_path / "out"}
    result = run_command(*(places.get(part, part) for part in COMMANDS[name]), check=False)
    assert result.returncode
    assert "mkdir" in result.stdout + result.stderr, result.stderr[-2000:]  # what was found in it
    assert not (tmp_path / "ran").exists()
