"""The model card of an export: names stay names."""

import ast
import re

import pytest

from emo_mtl.data.emotions import Emotions
from emo_mtl.huggingface.model_card import model_card

NONE = Emotions("", {})

NAMES = ["model", 'a"; import os; "', "x`|`<script>", "# h", "$ - \\\\", "a\\tb"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "label", ["joy", "a|b", "<script>alert(1)</script>", "![x](y)", "a\n\n# b"]
)
def test_names_and_labels(name, label, shared_model):
    heads = {"e6": [label, "fear"], "my-task": ["a", "b"]}
    card = model_card(
        name, shared_model, heads, updates=3, writings={}, corpora={}, turns=1, emotions=NONE
    )
    codes = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    text = re.sub(r"```python\n.*?```", "", card, flags=re.DOTALL)
    assert "<script" not in text
    assert "![" not in text
    assert "# " not in text.split("# ", 1)[1].split("\n", 1)[0].replace(r"\# ", "")
    for code in codes:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        given = [a.value for c in calls for a in c.args if isinstance(a, ast.Constant)]
        assert given.count(name) == 2 or f"{name}/e6" in given
    lines = text.split("\n")
    widths = [line.replace(r"\\", "").replace(r"\|", "").count("|") for line in lines]
    rules = [number for number, line in enumerate(lines) if line.startswith("| ---")]
    assert len(rules) == 2
    for rule in rules:
        assert len(set(widths[rule - 1 : rule + 3])) == 1  # header, rule and two rows
    assert ("| `model/e6` | joy, fear |" in card) == (name == "model" and label == "joy")


def test_corpora(shared_model):
    """Names and terms of published corpora; of others what the user has to say of them."""
    corpora = {"response": ["DailyDialog", "my talks"], "e6": ["TEC"]}
    heads = {"e6": ["joy", "fear"], "mood": ["up", "down"]}
    card = model_card(
        "m", shared_model, heads, 3, writings={}, corpora=corpora, turns=1, emotions=NONE
    )
    assert "| response | DailyDialog (Li et al. 2017)" in card
    assert "| response | my talks: describe it here | state its licence here |" in card
    assert "| mood | describe it here | state its licence here |" in card
    own = model_card("m", shared_model, {}, 3, writings={}, corpora={}, turns=1, emotions=NONE)
    assert "DailyDialog" not in own
    assert "no earlier turns" in own
