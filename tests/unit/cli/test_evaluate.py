"""``emo-mtl evaluate`` through its entry point."""

import argparse
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.cli.main import SUBCOMMANDS, main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.responses import read_responses

LOG = "2021-04-12 10:00:00 | INFO | fairseq_cli.generate | loading model(s) from model.pt\n"
END = "Generate test with beam=5: BLEU4 = 12.34, 60.0/40.0/20.0/10.0 (BP=1.000)\n"
# (reference, hypothesis); the last hypothesis is empty
PAIRS = [
    ("the cat sat on the mat", "the cat sat on a mat"),
    ("yes , i do .", "yes , i do ."),
    ("why ?", ""),
]
HYPOTHESES = [hypothesis for _, hypothesis in PAIRS]


def block(sample, reference, hypothesis, kinds="STHDP"):
    """What fairseq-generate prints for one sample."""
    columns = {
        "S": "an utterance",
        "T": reference,
        "H": f"-0.5\t{hypothesis} @@",
        "D": f"-0.5\t{hypothesis}",
        "P": "-0.5000 -0.5000",
    }
    return "".join(f"{kind}-{sample}\t{columns[kind]}\n" for kind in kinds)


def generate_output(order=(2, 0, 1), kinds="STHDP"):
    return LOG + "".join(block(i, *PAIRS[i], kinds) for i in order) + LOG + END


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="generate-test.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write_file


@pytest.fixture
def references(write):
    return write("".join(f"{reference}\n" for reference, _ in PAIRS), "references.txt")


@pytest.fixture
def evaluate(tmp_path):
    """Run the command with words split at spaces and return its rows."""

    def evaluate_files(*hypotheses, flags=()):
        out = tmp_path / "scores.json"
        arguments = ["evaluate", "--hypotheses", *hypotheses, "--word-tokenizer", "space"]
        arguments += ["--json", out, "--overwrite", *flags]
        main([str(argument) for argument in arguments])
        return json.loads(out.read_text(encoding="utf-8"))["rows"]

    return evaluate_files


@pytest.fixture
def error(capsys):
    """Run the command, which must fail, and return its message."""

    def message(*hypotheses, flags=()):
        arguments = ["evaluate", "--word-tokenizer", "space", "--hypotheses", *hypotheses, *flags]
        with pytest.raises(UserError) as raised:
            main([str(argument) for argument in arguments])
        assert not capsys.readouterr().out
        return str(raised.value)

    return message


class TestScores:
    def test_hand_computed(self, write, evaluate, capsys):
        path = write(generate_output())
        (row,) = evaluate(path)
        # n-grams of lines 0, 1, 2 that are in the references / n-grams: 11 words against 13
        precisions = (5 + 5) / 11, (3 + 4) / 9, (2 + 3) / 7, (1 + 2) / 5
        brevity_penalty = math.exp(1 - 13 / 11)
        score = 100 * brevity_penalty * math.prod(precisions) ** 0.25
        assert row["sacrebleu"] == pytest.approx(score)
        assert "tok:13a" in row["sacrebleu_signature"]
        # the empty hypothesis counts as one n-gram of every order
        precisions = 10 / 12, 7 / 10, 5 / 8, 3 / 6
        score = 100 * brevity_penalty * math.prod(precisions) ** 0.25
        assert row["paper_bleu"] == pytest.approx(score)
        assert row["distinct_1"] == pytest.approx(100)  # 11 different words
        assert row["distinct_2"] == pytest.approx(100 * 9 / 11)
        assert row["average_length"] == pytest.approx(11 / 3)
        assert (row["lines"], row["empty_lines"], row["nbest"]) == (3, 1, 1)
        assert (row["different"], row["references_each"]) == (3, 1)
        assert row["most_frequent"] == pytest.approx(100 / 3)

        table = capsys.readouterr().out
        assert f"| {path} | {row['sacrebleu']:.2f} | {score:.2f} | 100.00 | 81.82 |" in table
        assert "tok:13a" in table
        assert "words: white space" in table

    def test_plain_text_and_references_give_the_same(self, write, references, evaluate):
        plain = write("".join(f"{hypothesis}\n" for _, hypothesis in PAIRS), "plain.txt")
        generated = write(generate_output())
        scores = [
            {k: v for k, v in row.items() if k != "hypotheses"}
            for row in evaluate(plain, generated, flags=["--references", references])
        ]
        assert scores[0] == scores[1]

    @pytest.mark.parametrize("word_tokenizer", ["nltk", "13a"])
    def test_word_tokenizer(self, word_tokenizer, write, evaluate, capsys):
        if word_tokenizer == "nltk":
            pytest.importorskip("nltk")
        flags = ["--word-tokenizer", word_tokenizer]
        (row,) = evaluate(write(LOG + block(0, "well.", "I see. Yes!") + END), flags=flags)
        assert row["average_length"] == 5
        assert word_tokenizer in capsys.readouterr().out


class TestSeveralReferences:
    def test_best_of_each_line(self, write, references, evaluate, capsys):
        """References of which some line each is the hypothesis: nothing is missing."""
        others = ("the cat sat on a mat", "no", "")
        more = write("".join(f"{line}\n" for line in others), "more.txt")
        plain = write("".join(f"{line}\n" for line in HYPOTHESES), "plain.txt")
        (one,) = evaluate(plain, flags=["--references", references])
        (row,) = evaluate(plain, flags=["--references", references, more])
        assert row["paper_bleu"] > one["paper_bleu"]
        assert row["sacrebleu"] == pytest.approx(100)
        assert row["references_each"] == 2
        assert "nrefs:2" in row["sacrebleu_signature"]
        assert f"references are {references}, {more}, 2 a line" in capsys.readouterr().out

    def test_order_does_not_matter(self, write, references, evaluate):
        more = write("a cat\nyes , sir .\nwhy\n", "more.txt")
        path = write(generate_output())
        first, second = (
            evaluate(path, flags=["--references", *files])[0]
            for files in ((references, more), (more, references))
        )
        assert first["sacrebleu"] == second["sacrebleu"]
        assert first["paper_bleu"] == second["paper_bleu"]

    def test_one_is_too_short(self, write, references, error):
        more = write("a\nb\n", "more.txt")
        message = error(write(generate_output()), flags=["--references", references, more])
        assert f"found 3 hypotheses, expected 2, one for each line of {more}" in message


class TestParts:
    @pytest.fixture
    def overlap(self, write):
        entry = {"examples": 3, "clean": [1, 2]}
        return write(json.dumps({"response": {"test": entry, "valid": entry}}), "overlap.json")

    def test_each_is_scored_by_itself(self, write, overlap, evaluate, capsys):
        path = write(generate_output())
        whole, clean, seen = evaluate(path, flags=["--overlap", overlap])
        assert [row["part"] for row in (whole, clean, seen)] == ["all", "clean", "seen"]
        assert [row["lines"] for row in (whole, clean, seen)] == [3, 2, 1]
        table = capsys.readouterr().out.splitlines()
        assert table[0].startswith("| hypotheses | part | sacreBLEU |")
        assert table[3].startswith(f"| {path} | clean | {clean['sacrebleu']:.2f} |")

        (alone,) = evaluate(write(block(0, *PAIRS[0]) + END, "seen.txt"))
        del alone["hypotheses"], alone["part"], seen["hypotheses"], seen["part"]
        assert alone == seen
        (alone,) = evaluate(path)
        assert alone == whole

    def test_subset(self, write, overlap, evaluate):
        flags = ["--overlap", overlap, "--subset", "valid"]
        assert len(evaluate(write(generate_output()), flags=flags)) == 3

    def test_other_subset(self, write, overlap, error):
        path = write(generate_output())
        message = error(path, flags=["--overlap", overlap, "--subset", "dev"])
        assert "of response on dev: found no" in message

    def test_number_of_examples_differs(self, write, overlap, error):
        message = error(write(generate_output(order=(0, 1))), flags=["--overlap", overlap])
        assert "found 3 examples of response on test, expected 2" in message


class TestReadResponses:
    @given(st.permutations(range(3)), st.permutations("STHDP"))
    def test_order_does_not_matter(self, tmp_path_factory, order, kinds):
        path = tmp_path_factory.mktemp("order") / "generate-test.txt"
        path.write_text(generate_output(order, "".join(kinds)), encoding="utf-8")
        responses = read_responses(path)
        assert responses.hypotheses == HYPOTHESES
        assert responses.references == [reference for reference, _ in PAIRS]

    def test_filtered_lines(self, write):
        detokenised = "".join(block(i, *PAIRS[i], "D") for i in range(3))
        responses = read_responses(write(detokenised))
        assert responses.hypotheses == HYPOTHESES
        assert responses.references is None

    def test_without_detokenised_lines(self, write):
        responses = read_responses(write(generate_output(kinds="STHP")))
        assert responses.hypotheses == [f"{hypothesis} @@" for hypothesis in HYPOTHESES]

    def test_first_of_nbest(self, write, evaluate, capsys):
        best = block(0, "a reference", "the best")
        second = block(0, "", "the second", "HDP")
        path = write(best + second + block(1, "b", "b") + block(1, "", "c", "HDP") + END)
        responses = read_responses(path)
        assert responses.hypotheses == ["the best", "b"]
        assert responses.nbest == 2
        evaluate(path)
        assert f"{path}: the first of up to 2 hypotheses an id" in capsys.readouterr().out

    def test_only_line_feeds_end_lines(self, write):
        text = "one\u2028line\x0b\x85with\ttabs\rx"
        assert read_responses(write(f"{text}\n\n{text}")).hypotheses == [text, "", text]
        assert read_responses(write(block(0, text, text) + END)).references == [text]


class TestErrors:
    def test_missing_id(self, write, error):
        message = error(write(generate_output(order=(0, 2))))
        assert "no hypothesis with id 1, but 2 hypotheses with ids up to 2" in message
        assert "generate-test.txt" in message

    def test_missing_target(self, write, error):
        text = generate_output(order=(0, 1)) + block(2, *PAIRS[2], "HD")
        assert "id 2 has a H- or D- line but no T- line" in error(write(text))

    def test_missing_hypothesis(self, write, error):
        text = generate_output(order=(0, 1)) + block(2, *PAIRS[2], "ST")
        assert "id 2 has a T- line but no H- or D- line" in error(write(text))

    @pytest.mark.parametrize("kinds", ["STHDP", "D"])
    def test_two_runs_in_one_file(self, kinds, write, error):
        text = 2 * "".join(block(i, *PAIRS[i], kinds) for i in range(3))
        message = error(write(text + END))
        assert f"line {3 * len(kinds) + 1}: {kinds[0]}-0 was there before" in message

    def test_interrupted(self, write, error):
        text = generate_output(order=(0, 1)).removesuffix(END)
        assert "expected a last line 'Generate SUBSET with beam=N: ...'" in error(write(text))

    def test_interrupted_within_a_line(self, write, error):
        text = block(0, *PAIRS[0]) + "D-1\t-0.2"
        assert "line 6: found 2 columns, expected 3" in error(write(text))

    def test_no_hypotheses(self, write, error):
        assert "no hypotheses" in error(write(block(0, *PAIRS[0], "ST")))
        assert "without --quiet" in error(write(LOG))
        assert "without --quiet" in error(write(END))

    def test_no_references(self, write, error):
        assert "--references FILE" in error(write("plain text\n"))
        assert "--references FILE" in error(write(generate_output(kinds="SHDP")))

    def test_line_counts_differ(self, write, references, error):
        message = error(write("one\ntwo\n"), flags=["--references", references])
        assert f"found 2 hypotheses, expected 3, one for each line of {references}" in message

    def test_one_of_several_references(self, write, references, error):
        """It would have a BLEU of 100."""
        other = write("one\ntwo\nthree\n", "other.txt")
        message = error(references, flags=["--references", other, references])
        assert f"{references}: found the lines of {references}" in message
        assert "leave that file out of --references" in message

    def test_empty_file(self, write, error):
        assert "found an empty file" in error(write(""))

    def test_not_utf8(self, write, error):
        message = error(write("one\ncafé\n".encode("latin-1")))
        assert "line 2: found the byte 0xe9, expected UTF-8" in message

    @pytest.mark.parametrize("subwords", ["40 836 470 760 764", "\u2581I \u2581do \u2581know ."])
    def test_subwords(self, subwords, write, error):
        assert f"sub-words such as {subwords!r}" in error(write(block(0, subwords, subwords) + END))

    def test_no_such_file(self, tmp_path, error):
        assert "No such file" in error(tmp_path / "nowhere.txt")

    def test_json_is_not_overwritten(self, write, tmp_path, error):
        scores = write("kept", "scores.json")
        path = write(generate_output())
        assert "add --overwrite" in error(path, flags=["--json", scores])
        assert scores.read_text(encoding="utf-8") == "kept"
        assert "existing folder" in error(path, flags=["--json", tmp_path / "no" / "x.json"])

    def test_nothing_is_left_beside_the_json_file(self, write, evaluate, tmp_path):
        evaluate(write(generate_output()))
        assert {path.name for path in tmp_path.iterdir()} == {"generate-test.txt", "scores.json"}


class TestMain:
    def test_version(self, capsys):
        with pytest.raises(SystemExit, match="0"):
            main(["--version"])
        assert capsys.readouterr().out.startswith("emo-mtl ")

    @pytest.mark.parametrize("arguments", [[], ["evaluate"], ["no-such-subcommand"]])
    def test_usage_errors(self, arguments, capsys):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert "usage: emo-mtl" in capsys.readouterr().err

    @pytest.mark.parametrize("subcommand", SUBCOMMANDS.values())
    def test_every_flag_has_help(self, subcommand):
        parser = argparse.ArgumentParser()
        subcommand.add_arguments(parser)
        assert subcommand.HELP
        assert all(action.help for action in parser._actions)
