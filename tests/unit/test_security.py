"""No file is unpickled without protection, by any command."""

import ast

import pytest
from helpers.commands import REPOSITORY

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
