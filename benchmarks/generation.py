"""Benchmark `generate`: beam search on the test set, against fairseq, transformers and CTranslate2."""

import contextlib
import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import (
    Settings,
    is_installed,
    markdown,
    median,
    paired_ratio,
    paired_runs,
    peak_memory,
    reset_peak_memory,
    run_worker,
    synchronize,
    worker_main,
)

BEAM, NO_REPEAT = 5, 3
# Every `stride`-th batch of the test set, in its order of lengths, and sentences a batch.
SIZES = {"toy": {"stride": 2, "batch": 16}, "full": {"stride": 10, "batch": 64}}
HYPOTHESIS = re.compile(r"H-(\d+)\t[^\t]*\t(.*)")
TIMED = "timed_dialogue"


def measure(settings: Settings) -> dict[str, Any]:
    """Paired runs of the systems that are installed; what each generates is compared once."""
    systems = ["emo_mtl", "fairseq"]
    exported = settings.out / "exported"
    exported.mkdir(exist_ok=True)
    job = {
        **SIZES[settings.size],
        "data": str(settings.spm_data),
        "checkpoint": str(settings.checkpoint),
        "exported": str(exported),
        "device": settings.device,
        "precision": settings.precision,
        "threads": settings.threads,
        "length": settings.response_length,
    }
    if is_installed("transformers"):
        systems.append("transformers")
        run_worker("generation.py", {**job, "system": "export"}, settings.threads)
        if is_installed("ctranslate2"):
            systems.append("ctranslate2")

    def run(name: str) -> dict[str, Any]:
        return run_worker("generation.py", {**job, "system": name}, settings.threads)

    runs = paired_runs(run, systems, settings.runs)
    shares = {
        name: run_worker(
            "generation.py", {**job, "system": name, "shares": True}, settings.threads
        )["shares"]
        for name in systems[:2]
    }
    ours = runs["emo_mtl"][0]["hypotheses"]
    agreement = {
        name: sum(runs[name][0]["hypotheses"][i] == ours[i] for i in ours) for name in systems
    }
    for found in (found for some in runs.values() for found in some):
        found["sentences"] = len(found.pop("hypotheses"))
    distinct = len(set(ours.values()))
    return {
        "job": job,
        "runs": runs,
        "agreement": agreement,
        "distinct": distinct,
        "shares": shares,
    }


def tables(result: dict[str, Any]) -> str:
    """A row a system, and what blocking and the vocabulary cost."""
    runs = result["runs"]
    header = ["system", "sentences/s", "times fairseq", "search alone, sentences/s", "loading s"]
    header += ["memory MiB", "equal to emo_mtl's"]
    rows = []
    for name, some in runs.items():
        sentences = some[0]["sentences"]
        rows.append(
            [
                *(name, sentences / median(some, "pipeline")),
                1 / paired_ratio(some, runs["fairseq"], "pipeline"),
                *(sentences / median(some, "search"), median(some, "loading")),
                median(some, "memory_mib"),
                f"{result['agreement'][name]} of {sentences}",
            ]
        )
    lines = [
        f"Beam {BEAM}, no-repeat {NO_REPEAT}, batches of {result['job']['batch']}. emo_mtl's hypotheses "
        f"are {result['distinct']:,} different ones.",
        markdown(header, rows),
        *(
            f"{name}: n-gram blocking {100 * shares['blocking']:.1f} % of the search, vocabulary "
            f"projection {100 * shares['projection']:.1f} %."
            for name, shares in result["shares"].items()
        ),
    ]
    missing = [name for name in ("transformers", "ctranslate2") if name not in runs]
    lines += [f"{name} is not installed (extra `bench`): its row is left out." for name in missing]
    return "\n\n".join(lines)


# ---- in a process of its own


def worker(job: dict[str, Any]) -> dict[str, Any]:
    """Export the checkpoint for the other libraries, or generate with one system."""
    if job["system"] == "export":
        return export(job)
    if job["precision"] == "tf32":
        import torch

        torch.set_float32_matmul_precision("high")
    start = time.perf_counter()
    reset_peak_memory("cpu" if job["device"] == "cpu" else "cuda")
    if job["system"] in ("emo_mtl", "fairseq"):
        return generate_with_fairseq(job, start)
    build = {"transformers": transformers_search, "ctranslate2": ctranslate2_search}
    return generate_with_library(job, build[job["system"]], start)


def argv(job: dict[str, Any], task: str) -> list[str]:
    """The fairseq-generate of docs/generation.md; batches by sentences, so that every system has the same."""
    return [
        *(f"{job['data']}/data-bin", "--task", task, "--path", job["checkpoint"]),
        *("--beam", str(BEAM), "--no-repeat-ngram-size", str(NO_REPEAT)),
        *("--batch-size", str(job["batch"]), "--required-batch-size-multiple", "1"),
        *bpe_flags(Path(job["data"])),
        *("--num-workers", "0", "--no-progress-bar"),
        *(
            ("--min-len", str(job["length"]), "--max-len-b", str(job["length"]))
            if job["length"]
            else ()
        ),
        *(["--cpu"] if job["device"] == "cpu" else []),
        *(["--fp16"] if job["precision"] == "fp16" else []),
    ]


def bpe_flags(data: Path) -> list[str]:
    """Of the BPE whose files the data has."""
    from emo_mtl.inference.bpe import FILES

    for kind, files in FILES.items():
        if all((data / name).is_file() for name in files.values()):
            paths = [
                (f"--{flag.replace('_', '-')}", str(data / name)) for flag, name in files.items()
            ]
            return ["--bpe", kind, *itertools.chain.from_iterable(paths)]
    raise FileNotFoundError(f"{data}: found no file of a BPE")


def parse(job: dict[str, Any], task: str) -> Any:
    """fairseq-generate's config, over every `stride`-th batch (as if for one of several machines)."""
    from fairseq import options
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf

    parser = options.get_generation_parser()
    cfg = convert_namespace_to_omegaconf(options.parse_args_and_arch(parser, argv(job, task)))
    cfg.distributed_training.distributed_world_size = job["stride"]
    return cfg


def register_task(job: dict[str, Any]) -> Any:
    """Register `timed_dialogue`: the task with a clock around the search, or fairseq's own search.

    The latter is `BARTModel` and `SequenceGenerator` as they are, with the corrected n-gram blocker, as
    without it fairseq would not block at all.
    """
    from fairseq.models.bart.model import BARTModel
    from fairseq.tasks import FairseqTask, register_task

    from emo_mtl.generation.ngram_block import NGramBlock
    from emo_mtl.tasks.config import EmotionDialogueConfig
    from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask

    class TimedTask(EmotionDialogueTask):
        first_search: float | None = None
        search = 0.0  # seconds

        def inference_step(self, generator: Any, models: Any, *args: Any, **kwargs: Any) -> Any:
            synchronize(job["device"])
            start = time.perf_counter()
            if TimedTask.first_search is None:
                TimedTask.first_search = start
                if job.get("shares"):
                    TimedTask.clocks = add_clocks(generator, models[0], job["device"])
            found = super().inference_step(generator, models, *args, **kwargs)
            synchronize(job["device"])
            TimedTask.search += time.perf_counter() - start
            return found

    class FairseqTimedTask(TimedTask):
        def build_model(self, cfg: Any, from_checkpoint: bool = False) -> Any:
            return BARTModel.build_model(cfg, self)

        def build_generator(self, models: Any, args: Any, *_: Any, **kwargs: Any) -> Any:
            limits = {
                "max_len": self.cfg.max_target_length,
                "tokens_to_suppress": (self.tgt_dict[self.tgt_dict.bos()], "<mask>"),
            }
            generator = FairseqTask.build_generator(self, models, args, extra_gen_cls_kwargs=limits)
            generator.repeat_ngram_blocker = NGramBlock(NO_REPEAT, self.tgt_dict.pad())
            return generator

    chosen = TimedTask if job["system"] == "emo_mtl" else FairseqTimedTask
    register_task(TIMED, dataclass=EmotionDialogueConfig)(chosen)
    return TimedTask


def generate_with_fairseq(job: dict[str, Any], start: float) -> dict[str, Any]:
    """The real fairseq-generate. Loading is everything before the first search."""
    import io

    from fairseq_cli import generate

    import emo_mtl  # noqa: F401  (registers the components)

    clock = register_task(job)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        generate.main(parse(job, TIMED))
    end = time.perf_counter()
    found = {int(m[1]): m[2] for m in map(HYPOTHESIS.match, output.getvalue().splitlines()) if m}
    result = {
        "pipeline": end - clock.first_search,
        "search": clock.search,
        "loading": clock.first_search - start,
        "memory_mib": peak_memory(job["device"]),
        "hypotheses": found,
    }
    if job.get("shares"):
        result["shares"] = {name: c["seconds"] / clock.search for name, c in clock.clocks.items()}
    return result


def add_clocks(generator: Any, model: Any, device: str) -> dict[str, dict[str, float]]:
    """Measure n-gram blocking and the projection (emo_mtl's with log-sum-exp); a GPU has to wait."""
    from emo_mtl.generation.fast import beam_search

    own = isinstance(generator, beam_search.BeamSearchGenerator)
    projection = (beam_search, "project") if own else (model.decoder.output_projection, "forward")
    parts = {"blocking": (generator.repeat_ngram_blocker, "forward"), "projection": projection}
    return {name: add_clock(owner, function, device) for name, (owner, function) in parts.items()}


def add_clock(owner: Any, name: str, device: str) -> dict[str, float]:
    """Replace a function by one that adds up its seconds."""
    function = getattr(owner, name)
    clock = {"seconds": 0.0}

    def clocked(*args: Any, **kwargs: Any) -> Any:
        synchronize(device)
        start = time.perf_counter()
        result = function(*args, **kwargs)
        synchronize(device)
        clock["seconds"] += time.perf_counter() - start
        return result

    setattr(owner, name, clocked)
    return clock


def generate_with_library(job: dict[str, Any], build: Callable, start: float) -> dict[str, Any]:
    """The same batches through another library; each hypothesis as fairseq-generate writes it."""
    from fairseq import tasks

    import emo_mtl  # noqa: F401  (registers the components)

    cfg = parse(job, "emotion_dialogue")
    task = tasks.setup_task(cfg.task)
    task.load_dataset("test")
    batches = task.get_batch_iterator(
        task.dataset("test"),
        max_sentences=job["batch"],
        required_batch_size_multiple=1,
        num_shards=job["stride"],
    ).next_epoch_itr(shuffle=False)
    bpe = task.build_bpe(cfg.bpe)
    search = build(job, task.tgt_dict, task.cfg.max_target_length)
    ignored = {task.tgt_dict.bos(), task.tgt_dict.eos(), task.tgt_dict.pad()}
    hypotheses = {}
    first, searching = time.perf_counter(), 0.0
    for batch in batches:
        before = time.perf_counter()
        found = search(batch["net_input"]["src_tokens"])
        synchronize(job["device"])
        searching += time.perf_counter() - before
        for i, numbers in zip(batch["id"].tolist(), found, strict=True):
            symbols = [task.tgt_dict[n] for n in numbers if n not in ignored]
            hypotheses[i] = " ".join(symbols)
            bpe.decode(hypotheses[i])  # fairseq-generate undoes the BPE as well
    return {
        "pipeline": time.perf_counter() - first,
        "search": searching,
        "loading": first - start,
        "memory_mib": peak_memory(job["device"]),
        "hypotheses": hypotheses,
    }


Search = Callable[
    [Any], list[list[int]]
]  # source tokens (B x T) -> the best hypothesis of each row


def transformers_search(job: dict[str, Any], dictionary: Any, max_length: int) -> Search:
    """`generate` with the settings that the export wrote."""
    import torch

    from emo_mtl.huggingface.library import import_transformers

    dtype = torch.float16 if job["precision"] == "fp16" else torch.float32
    bart = import_transformers().BartForConditionalGeneration
    model = bart.from_pretrained(f"{job['exported']}/transformers", dtype=dtype)
    model = model.to(job["device"]).eval()
    limits = {}
    if job["length"]:  # the start symbol counts here, and </s> at the end
        limits = {"min_length": job["length"] + 1, "max_length": job["length"] + 2}

    def search(tokens: torch.Tensor) -> list[list[int]]:
        tokens = tokens.to(job["device"])
        with torch.no_grad():
            mask = tokens.ne(dictionary.pad())
            return model.generate(input_ids=tokens, attention_mask=mask, **limits).tolist()

    return search


def ctranslate2_search(job: dict[str, Any], dictionary: Any, max_length: int) -> Search:
    """CTranslate2 in the same precision; a batch at a time, as the others."""
    import ctranslate2

    translator = ctranslate2.Translator(
        f"{job['exported']}/ctranslate2",
        device=job["device"],
        compute_type="float16" if job["precision"] == "fp16" else "float32",
        inter_threads=1,
        intra_threads=job["threads"],
    )
    bos = dictionary[dictionary.bos()]

    def search(tokens: Any) -> list[list[int]]:
        pad = dictionary.pad()
        rows = [[dictionary[n] for n in row if n != pad] for row in tokens.tolist()]
        results = translator.translate_batch(
            rows,
            target_prefix=[[bos]] * len(rows),
            beam_size=BEAM,
            no_repeat_ngram_size=NO_REPEAT,
            min_decoding_length=job["length"] or 1,
            max_decoding_length=job["length"] or max_length,
            suppress_sequences=[["<mask>"]],
        )
        return [[dictionary.index(s) for s in result.hypotheses[0]] for result in results]

    return search


def export(job: dict[str, Any]) -> dict[str, Any]:
    """Write the checkpoint for transformers, and for CTranslate2 where it is installed."""
    from emo_mtl.cli.main import main
    from emo_mtl.huggingface.library import import_transformers

    folder = Path(job["exported"]) / "transformers"
    data = ["--data", f"{job['data']}/data-bin", "--overwrite"]
    main(["export-hf", job["checkpoint"], str(folder), *data])
    import_transformers()  # before CTranslate2 does, which a broken torchaudio would stop
    if is_installed("ctranslate2"):
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(folder)).convert(str(folder.with_name("ctranslate2")), force=True)
    return {}


if __name__ == "__main__":
    worker_main(worker)
