"""Speed and memory against fairseq itself, transformers and CTranslate2, in one command.

    python benchmarks/run.py --data GPT2_DATA --spm-data SPM_DATA --checkpoint CKPT --out OUT

GPT2_DATA and SPM_DATA are folders of preprocess/prepare.py, CKPT was trained on SPM_DATA with all four
tasks; with --only, what the named benchmarks do not use may be left out. OUT gets results.json (every
run) and results.md (the tables, which are printed too). With `--size toy` nothing else is needed: data
and checkpoint are made from the quickstart's sample.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import epoch
import generation
import preparation
import train_step
import two_processes
from measure import REPOSITORY, Settings, environment, machine

sys.path.insert(0, str(REPOSITORY))
from emo_mtl.io import check_output, write_atomically

BENCHMARKS = {
    "train": ("Training step on responses", train_step),
    "epoch": ("Four tasks in turn", epoch),
    "generate": ("Generation", generation),
    "preparation": ("Preparation and start-up", preparation),
    "two-processes": ("Two processes", two_processes),
}
NEEDS = {  # of --size full
    "train": ("data",),
    "epoch": ("data",),
    "generate": ("spm_data", "checkpoint"),
    "preparation": (),
    "two-processes": ("data",),
}
ON_GPU = ("train", "epoch", "generate")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmarks, print the tables, write both files."""
    args = get_parser().parse_args(argv)
    names = args.only.split(",") if args.only else list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        get_parser().error(
            f"--only: found {unknown[0]!r}, expected some of {', '.join(BENCHMARKS)}"
        )
    if args.device == "cuda":
        names = [name for name in names if name in ON_GPU]
    if args.precision == "bf16":  # fairseq-generate has no such flag
        names = [name for name in names if name != "generate"]
    args.out.mkdir(parents=True, exist_ok=True)
    for name in ("results.json", "results.md"):
        check_output(args.out / name, args.overwrite)
    settings = toy_settings(args) if args.size == "toy" else full_settings(args, names)
    results: dict[str, Any] = {"machine": machine(), "settings": vars(settings)}
    parts = [caption(results["machine"], settings)]
    for name in names:
        title, module = BENCHMARKS[name]
        print(f"{name}:", file=sys.stderr, flush=True)
        results[name] = module.measure(settings)
        parts.append(f"### {title}\n\n{module.tables(results[name])}")
        print(f"{parts[-1]}\n", flush=True)
        # After each benchmark: what was measured is kept if a later one fails.
        text = json.dumps(results, indent=1, default=str)
        write_atomically(args.out / "results.json", text + "\n")
        write_atomically(args.out / "results.md", "\n\n".join(parts) + "\n")


def caption(machine: dict[str, Any], settings: Settings) -> str:
    """One paragraph that says what was measured on, and how."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    gpu = ""
    if settings.device == "cuda":
        import torch

        gpu = f" {torch.cuda.get_device_name()}, {settings.precision}."
    return (
        f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']:.1f} before.{gpu} "
        f"{settings.threads} threads unless said otherwise. Python {machine['python']}, {versions}. "
        f"Medians of {settings.runs} paired runs (A B C A B C ...), each in a process of its own."
    )


def full_settings(args: argparse.Namespace, names: Sequence[str]) -> Settings:
    """The settings of real data; ends the command where something that these benchmarks need is missing."""
    for flag in ("data", "spm_data", "checkpoint"):
        users = [name for name in names if flag in NEEDS[name]]
        if users and (getattr(args, flag) is None or not getattr(args, flag).exists()):
            get_parser().error(
                f"--{flag.replace('_', '-')}: found {getattr(args, flag)}, expected a folder or file "
                f"that exists, for {', '.join(users)}; or use --size toy"
            )
    return settings_of(args, args.data, args.spm_data, args.checkpoint, args.raw)


def toy_settings(args: argparse.Namespace) -> Settings:
    """The quickstart's sample, prepared, and a small checkpoint, all in OUT/toy."""
    toy = args.out / "toy"
    raw, data, save_dir = toy / "raw", toy / "data", toy / "checkpoints"
    commands = [
        ["examples/quickstart/make_sample.py", raw, "--overwrite"],
        [
            *("preprocess/prepare.py", "--raw-dir", raw, "--out-dir", data),
            *("--bpe", "sentencepiece", "--vocab-size", "600"),
        ],
    ]
    train = [
        *("-m", "fairseq_cli.train", data / "data-bin", "--user-dir", "emo_mtl", "--cpu"),
        *("--task", "emotion_dialogue", "--criterion", "multitask_nll", "--arch", "emo_bart_tiny"),
        *("--encoder-embed-dim", 64, "--encoder-ffn-embed-dim", 128, "--max-tokens", 512),
        *("--optimizer", "adam", "--lr", 0.005, "--clip-norm", 1.0, "--num-workers", 0),
        # Enough to write sentences: libraries may differ in what an untrained model's beam ends with.
        *("--max-update", 200, "--disable-validation", "--no-epoch-checkpoints"),
        *("--save-dir", save_dir),
    ]
    for command in [*commands, train]:
        subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=REPOSITORY,
            env=environment(args.threads),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    return settings_of(args, data, data, save_dir / "checkpoint_last.pt", raw)


def settings_of(
    args: argparse.Namespace,
    data: Path | None,
    spm_data: Path | None,
    checkpoint: Path | None,
    raw: Path | None,
) -> Settings:
    def resolved(path: Path | None) -> Path | None:
        return path.resolve() if path else None

    return Settings(
        data=resolved(data),
        spm_data=resolved(spm_data),
        checkpoint=resolved(checkpoint),
        raw=resolved(raw),
        gpt2_bpe=resolved(args.gpt2_bpe_dir),
        out=args.out.resolve(),
        runs=args.runs,
        threads=args.threads,
        size=args.size,
        device=args.device,
        precision=args.precision,
        response_length=args.response_length,
        in_process=args.in_process,
    )


def get_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="DATA", help="prepared with --bpe gpt2")
    parser.add_argument(
        "--spm-data", type=Path, metavar="DATA", help="to generate with, of any BPE"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="CKPT", help="trained on --spm-data, to generate with"
    )
    parser.add_argument(
        "--raw", type=Path, help="the raw corpora; without it the preparation is not measured"
    )
    parser.add_argument(
        "--gpt2-bpe-dir", type=Path, help="encoder.json, vocab.bpe and dict.txt, for --raw"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for what is written")
    parser.add_argument(
        "--only",
        metavar="NAMES",
        help=f"comma-separated, of {', '.join(BENCHMARKS)} (default: all)",
    )
    parser.add_argument("--runs", type=int, default=5, help="of each system (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, default=2, help="of each process (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        choices=("full", "toy"),
        default="full",
        help="toy: very small models on sample data, a check that everything runs",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to compute")
    parser.add_argument(
        "--precision",
        choices=("fp32", "tf32", "bf16", "fp16"),
        default="fp32",
        help="of the computation; all but fp32 are meant for --device cuda (default: %(default)s)",
    )
    parser.add_argument(
        "--response-length",
        type=int,
        metavar="N",
        help="tokens of each response of `generate`: the same work for all, also with an untrained model",
    )
    parser.add_argument(
        "--in-process",
        action="store_true",
        help="`train` without a process for each system: sooner, where imports cost the most",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace results.json and results.md in OUT"
    )
    return parser


if __name__ == "__main__":
    main()
