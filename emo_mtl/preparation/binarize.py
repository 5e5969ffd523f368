"""One task from its splits to `data-bin`: encode the texts, call fairseq-preprocess."""

import logging
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from emo_mtl.inference.bpe import END_OF_TURN
from emo_mtl.inference.turns import split_turns
from emo_mtl.preparation import encode
from emo_mtl.preparation.corpus import SPLITS, Dataset
from emo_mtl.preparation.splits import write_splits


def fairseq_preprocess(prefix: Path, destination: Path, workers: int, *arguments: str) -> None:
    """Call fairseq-preprocess for the files `prefix/{train,valid,test}`.

    It runs in this process: importing fairseq once instead of once a call saves half a minute.

    Raises:
        RuntimeError: it failed; with the end of its log.
    """
    from fairseq import options
    from fairseq_cli import preprocess

    logger = logging.getLogger(preprocess.__name__)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    log = destination / "preprocess.log"
    splits = [f"--{split}pref={prefix / split}" for split in SPLITS]
    flags = [*splits, f"--destdir={destination}", f"--workers={workers}", *arguments]
    try:
        preprocess.main(options.get_preprocessing_parser().parse_args(flags))
    except Exception as error:
        tail = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
        raise RuntimeError(
            f"fairseq-preprocess {' '.join(flags)} failed: {error}\n{tail}"
        ) from error
    finally:
        for handler in logger.handlers[:]:  # it opens its log once a call and never closes it
            handler.close()
            logger.removeHandler(handler)
        log.unlink(missing_ok=True)  # times and temporary paths: of no use to anybody later


def encode_turns(lines: Iterable[str], pool: ProcessPoolExecutor, name: str) -> dict[str, str]:
    """The encoding of each different turn of some lines: most turns stand in many contexts.

    Args:
        lines: of one or more turns, see `emo_mtl.inference.turns`
        pool: from `encode.start_workers`
        name: what the progress bar shows
    """
    turns = list(dict.fromkeys(turn for line in lines for turn in split_turns(line)))
    return dict(zip(turns, encode.encode_all(pool, turns, name), strict=True))


def write_encoded(
    lines: Iterable[str], file: Path, encoded: Mapping[str, str], known: Collection[str]
) -> tuple[int, int]:
    """Write lines in their encoding, with `</s>` between turns.

    Args:
        lines: of one or more turns
        file: the file to write
        encoded: of :func:`encode_turns`
        known: the symbols of the dictionary

    Returns:
        how many tokens were written, and how many of them are not in `known`
    """
    tokens = unknown = 0
    with file.open("w", encoding="utf-8", newline="\n") as out:
        for line in lines:
            turns = [encoded[turn] for turn in split_turns(line)]
            out.write(f" {END_OF_TURN} ".join(turns) + "\n")
            symbols = " ".join(turns).split(" ")
            tokens += len(symbols)
            unknown += sum(symbol not in known for symbol in symbols)
    return tokens, unknown


def build_task(
    task: str,
    dataset: Dataset,
    stage: Path,
    dictionary: Path,
    pool: ProcessPoolExecutor,
    workers: int,
) -> None:
    """Write `stage/text/TASK` and `stage/data-bin/TASK`.

    Args:
        task: name of the task.
        dataset: its examples.
        stage: folder that becomes the output folder.
        dictionary: the dict.txt of the texts.
        pool: from `encode.start_workers`.
        workers: number of processes of fairseq-preprocess.
    """
    write_splits(dataset, stage / "text" / task)
    destination = stage / "data-bin" / task
    columns = dataset.suffixes[:1] if dataset.labels else dataset.suffixes
    known = encode.vocabulary(dictionary)
    pairs = [pair for split in SPLITS for pair in dataset.splits[split]]
    texts = (pair[column] for column in range(len(columns)) for pair in pairs)
    turns = encode_turns(texts, pool, task)
    tokens = unknown = 0
    with tempfile.TemporaryDirectory(dir=stage.parent) as scratch:
        encoded = Path(scratch)
        for split in SPLITS:
            for column, suffix in enumerate(columns):
                # fairseq-preprocess --only-source wants files without an ending.
                file = encoded / (split if dataset.labels else f"{split}.{suffix}")
                lines = [pair[column] for pair in dataset.splits[split]]
                counts = write_encoded(lines, file, turns, known)
                tokens += counts[0]
                unknown += counts[1]
        if unknown:
            print(
                f"warning: {task}: {unknown} of {tokens} tokens are not in the dictionary and "
                "become <unk>",
                file=sys.stderr,
            )
        source = f"--srcdict={dictionary}"
        if not dataset.labels:
            languages = ("--source-lang=source", "--target-lang=target")
            target = f"--tgtdict={dictionary}"
            fairseq_preprocess(encoded, destination, workers, *languages, source, target)
            return
        fairseq_preprocess(encoded, destination / "input0", workers, "--only-source", source)
        for split in SPLITS:
            shutil.copyfile(stage / "text" / task / f"{split}.label", encoded / split)
        # A given dictionary is taken as it is; one that fairseq counts itself is sorted by
        # frequency and padded to a multiple of 8 with madeupword0000, which would be classes.
        order = encoded / "labels"
        order.write_text("".join(f"{label} 1\n" for label in dataset.labels), encoding="utf-8")
        source = f"--srcdict={order}"
        fairseq_preprocess(encoded, destination / "label", workers, "--only-source", source)
