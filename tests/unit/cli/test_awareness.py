"""`emo-mtl awareness` on text and with a checkpoint's heads."""

import json

import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.agreement import agreement


class TestAgreement:
    def test_by_hand(self):
        """3 of 4 agree; chance: (2*3 + 2*1) / 16; kappa: (3/4 - 1/2) / (1 - 1/2)."""
        pairs = [("joy", "joy"), ("joy", "joy"), ("fear", "joy"), ("fear", "fear")]
        assert agreement(pairs) == {"agreement": 75.0, "chance": 50.0, "kappa": 0.5}

    def test_equals_scikit_learn(self):
        from sklearn.metrics import cohen_kappa_score

        pairs = list(zip("abcabcaabbcc", "aacabcbabbca", strict=True))
        expected = cohen_kappa_score(*zip(*pairs, strict=True))
        assert agreement(pairs)["kappa"] == pytest.approx(expected)

    def test_constant_label(self):
        found = agreement([("joy", "joy")] * 3)
        assert found == {"agreement": 100, "chance": 100, "kappa": 0}


@pytest.fixture
def text(tmp_path):
    """A prepared folder's text in which a word tells the emotion."""
    files = {
        "response/test.source": ["so happy today", "what an awful day", "happy happy"],
        "response/test.target": ["happy for you", "happy anyway", "awful to hear"],
        "e6/train.input": ["happy time", "happy end", "awful time", "awful end"],
        "e6/train.label": ["joy", "joy", "anger", "anger"],
    }
    for name, lines in files.items():
        path = tmp_path / "text" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


class TestCommand:
    def run(self, data, *extra: str) -> dict:
        source = data / "text" / "response" / "test.source"
        argv = ["awareness", "--data", str(data), "--hypotheses", str(source), "--json"]
        main([*argv, str(data / "out.json"), *extra])
        return json.loads((data / "out.json").read_text(encoding="utf-8"))

    def test_copy_agrees_always_gold_once(self, text, capsys):
        [row] = self.run(text, "--task", "e6")["rows"]
        assert (row["task"], row["agreement"], row["kappa"]) == ("e6", 100, 1)
        assert row["gold_agreement"] == pytest.approx(100 / 3)
        assert "no angry answer" in capsys.readouterr().out

    def test_gold_as_hypotheses_is_the_gold_row(self, text):
        gold = text / "text" / "response" / "test.target"
        out = text / "gold.json"
        argv = [
            "awareness",
            "--data",
            str(text),
            "--hypotheses",
            str(gold),
            "--task",
            "e6",
            "--json",
        ]
        main([*argv, str(out)])
        [row] = json.loads(out.read_text(encoding="utf-8"))["rows"]
        assert row["agreement"] == row["gold_agreement"]
        assert row["kappa"] == row["gold_kappa"]

    def test_unknown_task(self, text):
        with pytest.raises(UserError, match=r"--task e7: found the text of e6 in"):
            self.run(text, "--task", "e7")

    def test_other_number_of_responses(self, text):
        short = text / "short.txt"
        short.write_text("happy\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"short.txt: found 1 hypotheses, expected 3"):
            main(["awareness", "--data", str(text), "--hypotheses", str(short), "--task", "e6"])

    def test_json_is_not_overwritten(self, text):
        self.run(text, "--task", "e6")
        with pytest.raises(UserError, match="exists already"):
            self.run(text, "--task", "e6")
