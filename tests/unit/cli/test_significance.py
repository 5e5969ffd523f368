"""`emo-mtl significance` through its entry point."""

import json
import random

import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError

RIGHT = {"a": {0}, "b": {0, 1, 2, 3, 4}, "c": {0}}  # of each ten lines

HEADER = "line\ttask\tgold\tpredicted\tprobability\n"


def predictions(**tasks):
    """The text of `emo-mtl classify --predictions`: gold labels and predictions by task."""
    rows = [
        f"{number}\t{task}\t{gold}\t{guess}\t0.9000\n"
        for task, pairs in tasks.items()
        for number, (gold, guess) in enumerate(pairs, start=1)
    ]
    return HEADER + "".join(rows)


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def find(tmp_path, capsys):
    """Run the command; returns its comparisons and what it printed."""

    def run(*arguments):
        out = tmp_path / "out.json"
        main(["significance", *map(str, arguments), "--json", str(out), "--overwrite"])
        content = json.loads(out.read_text(encoding="utf-8"))
        return content["comparisons"], capsys.readouterr().out

    return run


@pytest.fixture
def error():
    def message(*arguments):
        with pytest.raises(UserError) as raised:
            main(["significance", *map(str, arguments)])
        return str(raised.value)

    return message


class TestPredictions:
    @pytest.fixture(autouse=True)
    def scipy(self):
        pytest.importorskip("scipy")

    def test_hand_computed(self, write, find):
        # of 10: both right 4, only B right 5, only A right 1
        a = write("a.tsv", predictions(e6=[("joy", "joy")] * 5 + [("joy", "fear")] * 5))
        b = write(
            "b.tsv", predictions(e6=[("joy", "joy")] * 4 + [("joy", "fear")] + [("joy", "joy")] * 5)
        )
        (found,), printed = find("--predictions", a, b)
        assert (found["baseline_score"], found["score"], found["difference"]) == (50, 90, 40)
        assert found["p"] == found["p_holm"] == {"McNemar": pytest.approx(14 / 64)}
        assert found["interval"][0] < 40 < found["interval"][1]
        assert not found["significant"]
        finding = (
            f"{b} is better than {a} by 40.00 points of e6 accuracy, which may be chance (p = 0.22"
        )
        assert finding in printed
        assert "warning" not in printed

    def test_several_tasks_are_corrected(self, write, find):
        right, wrong = ("joy", "joy"), ("joy", "fear")
        a = write("a.tsv", predictions(e6=[wrong] * 8, e2=[right] * 7, e12=[right] * 9 + [wrong]))
        b = write("b.tsv", predictions(e6=[right] * 8, e2=[wrong] * 7, e12=[right] * 9 + [wrong]))
        found, printed = find("--predictions", a, b)
        assert [c["task"] for c in found] == ["e6", "e2", "e12"]
        # 8 of 8 and 0 of 7 coins; Holm: times 3, times 2, times 1
        expected = [2 / 2**8, 2 / 2**7, 1]
        assert [c["p"]["McNemar"] for c in found] == pytest.approx(expected)
        corrected = [c["p_holm"]["McNemar"] for c in found]
        assert corrected == pytest.approx([3 * 2 / 2**8, 2 * 2 / 2**7, 1])
        assert [c["significant"] for c in found] == [True, True, False]
        assert "warning: 3 comparisons" in printed
        assert (
            f"{b} is better than {a} by 100.00 points of e6 accuracy, more than chance" in printed
        )
        assert f"{b} is worse than {a} by 100.00 points of e2 accuracy, more than chance" in printed
        assert f"{b} and {a} have the same e12 accuracy." in printed

    def test_errors(self, write, error):
        a = write("a.tsv", predictions(e6=[("joy", "joy")] * 3, e2=[("pos", "pos")] * 2))

        def message(text):
            return error("--predictions", a, write("b.tsv", text))

        assert "found the tasks e6, expected e2, e6" in message(
            predictions(e6=[("joy", "joy")] * 3)
        )
        fewer = predictions(e6=[("joy", "joy")] * 2, e2=[("pos", "pos")] * 2)
        assert "found 2 lines of e6, expected 3" in message(fewer)
        other = predictions(e6=[("joy", "joy")] * 3, e2=[("pos", "pos"), ("neg", "pos")])
        assert "b.tsv, line 6: found the gold label 'neg' of e2, expected 'pos'" in message(other)
        assert "b.tsv, line 2: found no gold label" in message(HEADER + "1\te6\t\tjoy\t0.9\n")
        assert "b.tsv, line 2: found 3 columns, expected 5" in message(HEADER + "1\te6\tjoy\n")
        assert "b.tsv, line 2: found line '7' of e6" in message(HEADER + "7\te6\tjoy\tjoy\t0.9\n")
        assert "b.tsv, line 1: found 'joy', expected the header" in message("joy\n")
        assert "found no predictions" in message(HEADER)
        assert "found one file" in error("--predictions", a)
        assert "leave it out" in error("--predictions", a, a, "--references", a)


class TestHypotheses:
    @pytest.fixture
    def files(self, write):
        """A, B, C and 200 references: A and B have 1 and 5 of 10 lines right, C says what A says."""
        rng = random.Random(0)
        words = [f"w{i}" for i in range(50)]
        gold = [" ".join(rng.choices(words, k=8)) for _ in range(200)]

        def some(lines):
            return "".join(
                f"{g if i % 10 in lines else 'x ' * 7 + 'x'}\n" for i, g in enumerate(gold)
            )

        references = write("gold.txt", "".join(f"{line}\n" for line in gold))
        return [*(write(f"{name}.txt", some(lines)) for name, lines in RIGHT.items()), references]

    def test_better_and_the_same(self, files, find):
        a, b, c, references = files
        (better, same), printed = find("--hypotheses", a, b, c, "--references", references)
        assert better["difference"] == pytest.approx(better["score"] - better["baseline_score"])
        assert better["p"] == {
            "paired bootstrap": pytest.approx(1 / 1001),  # none of 1,000 resamples, plus one
            "approximate randomisation": pytest.approx(1 / 10_001),
        }
        assert better["p_holm"]["paired bootstrap"] == pytest.approx(2 / 1001)
        assert better["significant"]
        assert (
            f"{b} is better than {a} by {better['difference']:.2f} BLEU, more than chance"
            in printed
        )
        # sacreBLEU alone would say p = 0.001 of two files with the same score
        assert set(same["p"].values()) == {1.0}
        assert f"{c} and {a} have the same BLEU." in printed
        assert "warning: 2 comparisons" in printed
        assert "bs:1000|seed:12345" in printed
        assert "ar:10000|seed:12345" in printed

    def test_small_difference_depends_on_the_seed(self, files, find, monkeypatch):
        monkeypatch.setenv("SACREBLEU_SEED", "1")
        a, references = files[0], files[-1]
        lines = a.read_text(encoding="utf-8").splitlines()
        lines[1] = "w1 " + lines[1]
        b = a.with_name("nearly.txt")
        b.write_text("\n".join(lines) + "\n", encoding="utf-8")

        def p(seed):
            flags = ["--references", references, "--seed", seed]
            (found,), printed = find("--hypotheses", a, b, *flags)
            assert f"seed:{seed}" in printed
            assert "which may be chance" in printed
            assert not found["significant"]
            return found["p"]

        assert p(3) == p(3) != p(4)

    def test_errors(self, files, write, error):
        a, b, _, references = files
        short = write("short.txt", "one\ntwo\n")
        message = error("--hypotheses", a, short, "--references", references)
        assert "short.txt: found 2 hypotheses, expected 200" in message
        assert "found no --references" in error("--hypotheses", a, b)
        assert "found one file" in error("--hypotheses", a, "--references", references)
        assert "--seed" in error("--hypotheses", a, b, "--references", references, "--seed", -1)

    def test_json_is_not_overwritten(self, files, write, error):
        a, b, _, references = files
        out = write("kept.json", "kept")
        assert "add --overwrite" in error(
            "--hypotheses", a, b, "--references", references, "--json", out
        )
        assert out.read_text(encoding="utf-8") == "kept"
