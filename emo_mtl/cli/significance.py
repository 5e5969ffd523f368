"""`emo-mtl significance`: is the difference between two runs more than chance?"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from emo_mtl import markdown
from emo_mtl.cli.evaluate import read_responses
from emo_mtl.delimited import tsv_cells
from emo_mtl.errors import UserError
from emo_mtl.io import check_output, read_text, text_lines, write_atomically
from emo_mtl.significance import RESAMPLES, accuracy_difference_interval, holm, mcnemar

HELP = "is the difference between runs more than chance? paired tests of BLEU and of accuracy"
ALPHA = 0.05
COLUMNS = ("line", "task", "gold", "predicted", "probability")


@dataclass
class Comparison:
    """A system against the first one; its fields are the keys in the JSON file.

    Scores are in percent, the others in points. `p` and `p_holm` are by name of the test.
    """

    task: str
    baseline: str
    system: str
    measure: str  # BLEU, accuracy
    examples: int
    baseline_score: float
    score: float
    difference: float  # score - baseline_score
    interval: tuple[float, float] | None  # 95 % of the difference; None for BLEU
    p: dict[str, float]
    p_holm: dict[str, float] = field(default_factory=dict)
    significant: bool = False
    finding: str = ""


@dataclass
class TaskPredictions:
    """The rows of one task in a file of predictions, in their order."""

    first_line: int  # of the file
    gold: list[str]
    predicted: list[str]

    @property
    def right(self) -> list[bool]:
        return [gold == guess for gold, guess in zip(self.gold, self.predicted, strict=True)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl significance` to its parser."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--hypotheses",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="responses of A, B and perhaps others, as for emo-mtl evaluate: BLEU of each against A's, by "
        "sacreBLEU's paired bootstrap (1,000 resamples) and paired approximate randomisation (10,000 trials)",
    )
    what.add_argument(
        "--predictions",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what emo-mtl classify --predictions wrote for A, B and perhaps others: accuracy of each "
        f"against A's, by McNemar's exact test, with a bootstrap interval ({RESAMPLES:,} resamples); "
        "needs the extra emo-mtl[eval]",
    )
    parser.add_argument(
        "--references",
        type=Path,
        metavar="FILE",
        help="for --hypotheses: the gold responses, one a line",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=12345,
        help="of the random numbers (default: %(default)s, sacreBLEU's)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT.json", help="also write what was found here"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the --json file if it exists"
    )


def run(args: argparse.Namespace) -> None:
    """Test every system against the first, say what was found, write the JSON file if asked to.

    Raises:
        UserError: files that cannot be read, or that do not fit together
    """
    check_output(args.json, args.overwrite)
    paths = args.hypotheses or args.predictions
    if len(paths) < 2:
        raise UserError(f"{paths[0]}: found one file, expected two or more to compare")
    if args.seed < 0:
        raise UserError(f"--seed: found {args.seed}, expected 0 or more")
    if args.hypotheses:
        if not args.references:
            raise UserError(
                "--hypotheses: found no --references, expected the file of gold responses"
            )
        comparisons, notes = compare_responses(paths, args.references, args.seed)
    else:
        if args.references:
            raise UserError(
                "--references: found --predictions, which hold their gold labels; leave it out"
            )
        comparisons, notes = compare_predictions(paths, args.seed)
    judge(comparisons)
    print(_markdown(comparisons, notes))
    if args.json:
        content = {
            "alpha": ALPHA,
            "seed": args.seed,
            "notes": notes,
            "comparisons": [asdict(comparison) for comparison in comparisons],
        }
        write_atomically(args.json, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def compare_responses(
    paths: Sequence[Path], references: Path, seed: int
) -> tuple[list[Comparison], list[str]]:
    """BLEU of each file against that of the first, and what describes the tests.

    Raises:
        UserError: a file cannot be read, or has not as many lines as the references
    """
    from sacrebleu.metrics import BLEU
    from sacrebleu.significance import PairedTest

    gold = read_responses(references).hypotheses
    systems = []
    for path in paths:
        responses = read_responses(path).hypotheses
        if len(responses) != len(gold):
            raise UserError(
                f"{path}: found {len(responses)} hypotheses, expected {len(gold)}, one for each line of "
                f"{references}; compare responses to the same utterances"
            )
        systems.append((str(path), responses))
    results, notes = {}, []
    with _sacrebleu_seed(seed):
        for name, kind in (("paired bootstrap", "bs"), ("approximate randomisation", "ar")):
            test = PairedTest(systems, {"BLEU": BLEU(force=True)}, [gold], test_type=kind)
            signatures, scores = test()
            results[name] = scores["BLEU"]
            notes.append(f"{name}: sacreBLEU {signatures['BLEU'].format()}")
    baseline, *others = zip(*results.values(), strict=True)  # a result of each test, by system
    comparisons = []
    for path, outcome in zip(paths[1:], others, strict=True):
        difference = outcome[0].score - baseline[0].score
        comparisons.append(
            Comparison(
                task="response",
                baseline=str(paths[0]),
                system=str(path),
                measure="BLEU",
                examples=len(gold),
                baseline_score=baseline[0].score,
                score=outcome[0].score,
                difference=difference,
                interval=None,
                # sacreBLEU calls a difference of 0 significant (p = 1 / (resamples + 1))
                p={
                    name: float(result.p_value) if difference else 1.0
                    for name, result in zip(results, outcome, strict=True)
                },
            )
        )
    return comparisons, notes


@contextmanager
def _sacrebleu_seed(seed: int) -> Iterator[None]:
    """sacreBLEU takes its seed from the environment only."""
    before = os.environ.get("SACREBLEU_SEED")
    os.environ["SACREBLEU_SEED"] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SACREBLEU_SEED"]
        else:
            os.environ["SACREBLEU_SEED"] = before


def compare_predictions(paths: Sequence[Path], seed: int) -> tuple[list[Comparison], list[str]]:
    """Accuracy of each file against that of the first for each task, and what describes the test.

    Raises:
        UserError: a file cannot be read, or tasks, lines or gold labels differ
    """
    files = [read_predictions(path) for path in paths]
    comparisons = []
    for path, predictions in zip(paths[1:], files[1:], strict=True):
        _check_fit(paths[0], files[0], path, predictions)
        for task, a in files[0].items():
            right_a, right_b = a.right, predictions[task].right
            pairs = list(zip(right_a, right_b, strict=True))
            score_a, score_b = (100 * sum(right) / len(pairs) for right in (right_a, right_b))
            comparisons.append(
                Comparison(
                    task=task,
                    baseline=str(paths[0]),
                    system=str(path),
                    measure="accuracy",
                    examples=len(pairs),
                    baseline_score=score_a,
                    score=score_b,
                    difference=score_b - score_a,
                    interval=accuracy_difference_interval(right_a, right_b, seed),
                    p={"McNemar": mcnemar(pairs.count((True, False)), pairs.count((False, True)))},
                )
            )
    notes = [
        "McNemar: exact, two-sided. Interval: 95 % of the difference, bootstrap percentiles, "
        f"{RESAMPLES:,} resamples, seed {seed}."
    ]
    return comparisons, notes


def read_predictions(path: Path) -> dict[str, TaskPredictions]:
    """Read what `emo-mtl classify --predictions` wrote, by task.

    Raises:
        UserError: the file cannot be read, is not of that format, or has no gold labels
    """
    tasks: dict[str, TaskPredictions] = {}
    for number, text in enumerate(text_lines(read_text(path)), start=1):
        row = tsv_cells(text)
        where = f"{path}, line {number}"
        if number == 1:
            if tuple(row) != COLUMNS:
                raise UserError(
                    f"{where}: found {text[:60]!r}, expected the header {' '.join(COLUMNS)} with tabs "
                    "between; give a file of emo-mtl classify --predictions"
                )
            continue
        if len(row) != len(COLUMNS):
            raise UserError(
                f"{where}: found {len(row)} columns, expected {len(COLUMNS)}; was the file cut off?"
            )
        line, task, gold, predicted, _ = row
        if not gold:
            raise UserError(
                f"{where}: found no gold label, expected one; predict a labelled --subset, not --input"
            )
        found = tasks.setdefault(task, TaskPredictions(number, [], []))
        found.gold.append(gold)
        found.predicted.append(predicted)
        if line != str(len(found.gold)):
            raise UserError(
                f"{where}: found line {line!r} of {task}, expected {len(found.gold)}; was the file edited?"
            )
    if not tasks:
        raise UserError(f"{path}: found no predictions after the header; classify a subset again")
    return tasks


def _check_fit(
    path_a: Path, a: dict[str, TaskPredictions], path_b: Path, b: dict[str, TaskPredictions]
) -> None:
    if a.keys() != b.keys():
        raise UserError(
            f"{path_b}: found the tasks {', '.join(sorted(b))}, expected {', '.join(sorted(a))} as in "
            f"{path_a}; classify both with the same --task"
        )
    for task in a:
        gold_a, gold_b = a[task].gold, b[task].gold
        if len(gold_a) != len(gold_b):
            raise UserError(
                f"{path_b}: found {len(gold_b)} lines of {task}, expected {len(gold_a)} as in {path_a}; "
                "classify the same --subset"
            )
        for index, (expected, found) in enumerate(zip(gold_a, gold_b, strict=True)):
            if expected != found:
                # each line of a task stands alone, but those of one task follow each other
                raise UserError(
                    f"{path_b}, line {b[task].first_line + index}: found the gold label {found!r} of {task}, "
                    f"expected {expected!r} as in {path_a}; classify the same data"
                )


def judge(comparisons: Sequence[Comparison]) -> None:
    """Correct the p-values for the number of comparisons and put the findings into words.

    Where there are two tests, both must say that a difference is more than chance.
    """
    for test in comparisons[0].p:
        corrected = holm([comparison.p[test] for comparison in comparisons])
        for comparison, p in zip(comparisons, corrected, strict=True):
            comparison.p_holm[test] = p
    for comparison in comparisons:
        comparison.significant = max(comparison.p_holm.values()) < ALPHA
        comparison.finding = _finding(comparison, corrected=len(comparisons) > 1)


def _finding(comparison: Comparison, corrected: bool) -> str:
    a, b, difference = comparison.baseline, comparison.system, comparison.difference
    score = "BLEU" if comparison.measure == "BLEU" else f"{comparison.task} accuracy"
    if not difference:
        return f"{b} and {a} have the same {score}."
    unit = "BLEU" if comparison.measure == "BLEU" else f"points of {score}"
    by = (
        f"{b} is {'better' if difference > 0 else 'worse'} than {a} by {abs(difference):.2f} {unit}"
    )
    tests = " and ".join(f"{_p(p)} by {test}" for test, p in comparison.p_holm.items())
    tests += ", corrected" if corrected else ""
    if comparison.significant:
        return f"{by}, more than chance ({tests})."
    return f"{by}, which may be chance ({tests})."


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _markdown(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    tests = list(comparisons[0].p)
    several = len(comparisons) > 1
    header = ["task", "A", "B", "measure", "n", "A's", "B's", "B - A", "95 % interval"]
    header += [f"p {test}" for test in tests]
    header += [f"p {test}, Holm" for test in tests] if several else []
    rows = []
    for c in comparisons:
        interval = "–" if c.interval is None else f"{c.interval[0]:+.2f} to {c.interval[1]:+.2f}"  # noqa: RUF001
        cells = [*map(markdown.text, (c.task, c.baseline, c.system)), c.measure, f"{c.examples:,}"]
        cells += [f"{c.baseline_score:.2f}", f"{c.score:.2f}", f"{c.difference:+.2f}", interval]
        cells += [f"{p:.4f}" for p in c.p.values()]
        cells += [f"{p:.4f}" for p in c.p_holm.values()] if several else []
        rows.append(cells)
    lines = [markdown.table(header, rows, texts=4), ""]
    lines += [*(f"- {markdown.text(c.finding)}" for c in comparisons), ""]
    if several:
        lines.append(
            f"warning: {len(comparisons)} comparisons at once: the more there are, the more differences "
            "arise by chance. What is said above goes by Holm's corrected p-values.\n"
        )
    lines.append(
        f"More than chance: p < {ALPHA} in every test. The tests ask whether other test examples would have "
        "shown the same; how much another training seed changes, only several seeds can tell."
    )
    lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines)
