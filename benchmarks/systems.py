"""Training steps of emo_mtl, of fairseq alone and of transformers, on the same batches and weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from fairseq import options, tasks, utils
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.logging import metrics
from fairseq.optim import OPTIMIZER_REGISTRY
from fairseq.tasks.translation import TranslationTask
from fairseq.trainer import Trainer
from torch import nn
from torch.autograd.profiler import record_function

import emo_mtl  # noqa: F401  (registers the components)

Batch = dict[str, Any]
SYSTEMS = ("emo_mtl", "fairseq", "transformers")
LABEL_SMOOTHING = 0.1
LR, BETAS, EPS, WEIGHT_DECAY, CLIP_NORM = 3e-5, (0.9, 0.999), 1e-8, 0.01, 0.1

# On top of the architecture `large`: layers of the encoder and the decoder, units, heads.
SHAPES = {"toy": (1, 32, 2), "tiny": (2, 128, 4), "base": (6, 768, 12), "large": (12, 1024, 16)}
# The one place for what a user of emo_mtl would set for speed.
OWN_FLAGS = ["--optimizer", "fused_adam" if "fused_adam" in OPTIMIZER_REGISTRY else "adam"]
PRECISION_FLAGS = {"fp32": [], "tf32": [], "fp16": ["--fp16"], "bf16": ["--bf16"]}


def flags(
    system: str, data: Path, shape: str, device: str, precision: str, *more: str
) -> list[str]:
    """fairseq-train's arguments for emo_mtl or fairseq, with batches of 32 sentences as in the paper."""
    layers, units, heads = SHAPES[shape]
    own = system != "fairseq"
    sides = [
        part
        for side in ("encoder", "decoder")
        for part in (
            *(f"--{side}-layers", str(layers), f"--{side}-embed-dim", str(units)),
            *(f"--{side}-ffn-embed-dim", str(4 * units), f"--{side}-attention-heads", str(heads)),
        )
    ]
    return [
        *(str(data / "data-bin"), "--task", "emotion_dialogue", "--batch-size", "32"),
        *("--arch", "emo_bart_large" if own else "bart_large", *sides),
        *("--criterion", "multitask_nll" if own else "label_smoothed_cross_entropy"),
        *("--label-smoothing", str(LABEL_SMOOTHING), "--clip-norm", str(CLIP_NORM)),
        *(OWN_FLAGS if own else ["--optimizer", "adam"]),
        *("--adam-betas", str(BETAS), "--adam-eps", str(EPS), "--weight-decay", str(WEIGHT_DECAY)),
        *("--lr", str(LR), "--lr-scheduler", "fixed", "--max-epoch", "1", "--num-workers", "0"),
        *("--required-batch-size-multiple", "1", "--seed", "1", "--disable-validation"),
        *("--distributed-world-size", "1"),  # fairseq's default is the number of GPUs
        "--no-save",  # nor a dictionary, beside the checkpoints
        *(["--cpu"] if device == "cpu" else []),
        *PRECISION_FLAGS[precision],
        *more,
    ]


def parse(argv: list[str]) -> Any:
    """fairseq's config of a training command."""
    parser = options.get_training_parser()
    cfg = convert_namespace_to_omegaconf(options.parse_args_and_arch(parser, argv))
    cfg.common.tpu = False  # which fairseq takes the flag --bf16 for
    return cfg


def build_trainer(argv: list[str]) -> Trainer:
    """fairseq's trainer with the model as initialised by seed 1."""
    metrics.reset()  # the meters of a trainer before, in the same process
    cfg = parse(argv)
    task = tasks.setup_task(cfg.task)
    if cfg.criterion._name == "label_smoothed_cross_entropy":
        task = TranslationTask(cfg.task, task.src_dict, task.tgt_dict)  # fairseq's own
    torch.manual_seed(1)
    return Trainer(cfg, task, task.build_model(cfg.model), task.build_criterion(cfg.criterion))


def real_batches(argv: list[str], count: int) -> list[Batch]:
    """The first `count` micro-batches of the first epoch, as fairseq-train would see them."""
    cfg = parse(argv)
    task = tasks.setup_task(cfg.task)
    task.load_dataset("train")
    iterator = task.get_batch_iterator(
        task.dataset("train"),
        max_sentences=cfg.dataset.batch_size,
        required_batch_size_multiple=1,
        seed=1,
    ).next_epoch_itr(shuffle=True)
    return [batch for batch, _ in zip(iterator, range(count), strict=False)]


def positions(batch: Batch, pad: int) -> tuple[int, int]:
    """Useful (not padding) and all positions of source and target."""
    inputs = batch["net_input"]
    tokens = (inputs["src_tokens"], inputs["prev_output_tokens"])
    return sum(int(t.ne(pad).sum()) for t in tokens), sum(t.numel() for t in tokens)


class FairseqStep:
    """`Trainer.train_step`; `losses` gets the mean loss of each micro-batch, nats per token."""

    def __init__(self, argv: list[str]):
        self.trainer = build_trainer(argv)
        self.model = self.trainer.model
        self.losses: list[torch.Tensor] = []
        self.trainer.get_criterion().register_forward_hook(
            lambda module, args, out: self.losses.append(out[0].detach() / out[1])
        )

    def __call__(self, batches: list[Batch]) -> None:
        self.trainer.train_step(batches)


class TransformersStep:
    """A training step as transformers' own Trainer does it, on the converted model.

    Its AdamW, label smoothing and attention are those that its Trainer takes by default; bf16 and fp16
    are autocast there, with weights in float32 (fairseq keeps the model itself in 16 bits).
    """

    def __init__(self, argv: list[str], precision: str):
        from emo_mtl.huggingface.convert import to_huggingface
        from emo_mtl.huggingface.library import import_transformers

        transformers = import_transformers()
        from transformers.trainer_pt_utils import LabelSmoother

        cfg = parse(argv)
        task = tasks.setup_task(cfg.task)
        torch.manual_seed(1)
        model = to_huggingface(task.build_model(cfg.model), task.tgt_dict)
        self.device = "cpu" if cfg.common.cpu else "cuda"
        self.model = model.train().to(self.device)
        self.pad = task.tgt_dict.pad()
        # fairseq shares epsilon among the V - 1 other symbols, transformers among all V.
        symbols = len(task.tgt_dict)
        self.smoother = LabelSmoother(epsilon=LABEL_SMOOTHING * symbols / (symbols - 1))
        fused = "fused" in transformers.TrainingArguments.default_optim
        self.optimizer = torch.optim.AdamW(
            model.parameters(), LR, BETAS, EPS, weight_decay=WEIGHT_DECAY, fused=fused
        )
        self.dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        self.scaler = torch.amp.GradScaler(self.device, enabled=precision == "fp16")
        self.losses: list[torch.Tensor] = []

    def __call__(self, batches: list[Batch]) -> None:
        for batch in batches:
            if self.device == "cuda":
                batch = utils.move_to_cuda(batch)
            with record_function("forward"):
                loss = self.loss(batch)
            with record_function("backward"):
                self.scaler.scale(loss / len(batches)).backward()
            self.losses.append(loss.detach())
        with record_function("clip-grads"):
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        with record_function("optimizer"):
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad()

    def loss(self, batch: Batch) -> torch.Tensor:
        inputs = batch["net_input"]
        labels = batch["target"].masked_fill(batch["target"].eq(self.pad), -100)
        with torch.autocast(self.device, self.dtype, enabled=self.dtype is not None):
            output = self.model(
                input_ids=inputs["src_tokens"],
                attention_mask=inputs["src_tokens"].ne(self.pad),
                decoder_input_ids=inputs["prev_output_tokens"],
                use_cache=False,
            )
            return self.smoother(output, labels)


def build_step(system: str, argv: list[str], precision: str) -> Callable[[list[Batch]], None]:
    """A function that makes one update of a list of micro-batches; `argv` of :func:`flags`."""
    if precision == "tf32":
        torch.set_float32_matmul_precision("high")
    return TransformersStep(argv, precision) if system == "transformers" else FairseqStep(argv)
