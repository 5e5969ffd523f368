"""Is the difference between systems more than chance? Paired tests of BLEU and of accuracy."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from emo_mtl.errors import UserError
from emo_mtl.evaluation.bootstrap import RESAMPLES, interval, resample_means
from emo_mtl.evaluation.recognition import TaskPredictions, read_predictions
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.formats import markdown, typed_json
from emo_mtl.names import RESPONSE


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the p-value of McNemar's exact test (two-sided).

    Where A and B are equally good, an example that only one of them gets right is as likely A's as B's:
    the counts are tested against a fair coin (McNemar 1947, exact form).

    Args:
        only_a: examples that A gets right and B gets wrong
        only_b: the reverse

    Raises:
        UserError: SciPy is not installed
    """
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise UserError(
            "McNemar's exact test needs SciPy, which is not installed; run: pip install 'emo-mtl[eval]'"
        ) from error
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)


def accuracy_difference_interval(
    right_a: ArrayLike, right_b: ArrayLike, seed: int
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval (percentiles) of accuracy(B) - accuracy(A), in points.

    Examples are drawn with replacement, A's and B's answer together. An example adds -1, 0 or 1 to the
    difference.

    Args:
        right_a: whether A is right, shape (examples,)
        right_b: the same of B
        seed: of the random numbers

    Raises:
        ValueError: the shapes differ, or there is no example
    """
    right_a, right_b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    if right_a.ndim != 1 or right_a.shape != right_b.shape or not right_a.size:
        raise ValueError(
            f"shapes {right_a.shape} and {right_b.shape}, expected the same, not empty"
        )
    only_a, only_b = np.sum(right_a & ~right_b), np.sum(right_b & ~right_a)
    counts = [only_a, only_b, right_a.size - only_a - only_b]
    points = 100 * (right_b.astype(int) - right_a)
    found = interval(points, resample_means([[-100], [100], [0]], seed, counts)[:, 0])
    return found.low, found.high


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in their order (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none falls below one before it.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


ALPHA = 0.05


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
class Significance:
    """What `--json` of `emo-mtl significance` holds."""

    seed: int
    notes: list[str]  # what describes the tests
    comparisons: list[Comparison]
    alpha: float = ALPHA


def compare_responses(paths: Sequence[Path], references: Path, seed: int) -> Significance:
    """BLEU of each file against that of the first.

    Raises:
        UserError: a file cannot be read, or has not as many lines as the references
    """
    from sacrebleu.metrics import BLEU
    from sacrebleu.significance import PairedTest

    gold = read_responses(references).hypotheses
    systems: list[tuple[str, Sequence[str]]] = []
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
                task=RESPONSE,
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
    judge(comparisons)
    return Significance(seed, notes, comparisons)


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


def compare_predictions(paths: Sequence[Path], seed: int) -> Significance:
    """Accuracy of each file against that of the first for each task.

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
    judge(comparisons)
    return Significance(seed, notes, comparisons)


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


def read_significance(path: Path) -> Significance:
    """Read what `emo-mtl significance --json` wrote.

    Raises:
        UserError: the file cannot be read, has no comparison, or not the same tests for all
    """
    found = typed_json.read(path, Significance)
    tests = [names for c in found.comparisons for names in (list(c.p), list(c.p_holm))]
    if not tests or any(names != tests[0] for names in tests):
        raise UserError(
            f"{path}: found {len(found.comparisons)} comparisons, expected one or more, with the same tests "
            "in `p` and `p_holm`; make it again"
        )
    return found


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


def table(found: Significance) -> str:
    """Markdown: a row for each comparison, the findings in words, and what they rest on."""
    comparisons = found.comparisons
    tests = [markdown.text(test) for test in comparisons[0].p]
    several = len(comparisons) > 1
    header = ["task", "A", "B", "measure", "n", "A's", "B's", "B - A", "95 % interval"]
    header += [f"p {test}" for test in tests]
    header += [f"p {test}, Holm" for test in tests] if several else []
    rows = []
    for c in comparisons:
        interval = "–" if c.interval is None else f"{c.interval[0]:+.2f} to {c.interval[1]:+.2f}"  # noqa: RUF001
        cells = [*map(markdown.text, (c.task, c.baseline, c.system, c.measure)), f"{c.examples:,}"]
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
    lines += ["", *(f"- {note}" for note in found.notes)]
    return "\n".join(lines)
