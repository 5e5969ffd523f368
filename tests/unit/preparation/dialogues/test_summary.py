"""What a person sees of a corpus of dialogues."""

from emo_mtl.preparation.dialogues.dialogue import Dialogue, DialogueCorpus, Turn
from emo_mtl.preparation.dialogues.summary import example_lines, label_lines, summary


def dialogue(*texts: str, **labels: str) -> Dialogue:
    return [Turn(text, "f:1", labels=labels) for text in texts]


def test_all_lines() -> None:
    train = [dialogue("Hi", "Hello you", "Bye", emotion="joy"), dialogue("alone", emotion="fear")]
    one = [dialogue("a", "b c d e")]
    corpus = DialogueCorpus("Talk", "TSV", (), {"train": train, "valid": one, "test": one})
    assert summary(corpus).splitlines() == [
        "Talk: dialogues in the format TSV",
        "  train: 2 dialogues, 4 turns, 2 responses",
        "  valid: 1 dialogues, 2 turns, 1 responses",
        "  test: 1 dialogues, 2 turns, 1 responses",
        "  turns a dialogue: 2.0 on average, 3 at most; words a turn: 1.9 on average, 4 at most",
        "  label emotion in train: joy 3, fear 1",
        "  examples of train:",
        "    Hi => Hello you",
        "    Hi | Hello you => Bye",
    ]


class TestLabels:
    def test_at_most_twelve(self) -> None:
        dialogues = [dialogue("a", topic=f"t{i:02}") for i in range(15)]
        (line,) = label_lines(dialogues)
        assert line.startswith("label topic in train: t00 1, t01 1, ")
        assert line.endswith(", t11 1 and 3 more")

    def test_none(self) -> None:
        assert label_lines([dialogue("a", "b")]) == []


class TestExamples:
    def test_five_taken_evenly(self) -> None:
        dialogues = [dialogue(f"u{i}", f"r{i}") for i in range(20)]
        expected = [f"u{i} => r{i}" for i in (0, 4, 8, 12, 16)]
        assert example_lines(dialogues) == expected

    def test_long_ones_are_cut_where_they_meet(self) -> None:
        (line,) = example_lines([dialogue("a" * 50 + "b" * 70, "c" * 70 + "d" * 50)])
        assert line == f"...{'b' * 70} => {'c' * 70}..."

    def test_speakers_turns_are_none(self) -> None:
        speaker = Turn("x", "f:1", is_response=False)
        assert example_lines([[speaker, Turn("y", "f:1"), speaker]]) == ["x => y"]
