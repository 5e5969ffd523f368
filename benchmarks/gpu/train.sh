#!/usr/bin/env bash
# A real training within some hours, then its scores; the last step of run.sh.
#
#   bash benchmarks/gpu/train.sh BUNDLE OUT HOURS
#
# Responses and E6 with a model of 6 + 6 layers of 384; where BUNDLE has open dialogues, it reads them first, for half of
# the time. HOURS: of training in all; run again with more of them, it goes on where it was stopped. OUT gets the logs, the
# checkpoint in half precision in parts of 15 MiB (cat model.part* > model.pt), the generated test set and results.md.
# DEVICE="--cpu" instead of --fp16 shows that it runs.
set -euo pipefail
data=$1/spm talks=$1/talks out=$2 hours=$3
device=${DEVICE:---fp16}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
plugin=$here/../../emo_mtl

train() {  # NAME DATA HOURS [flags]
  mkdir -p "$out/$1"
  fairseq-train "$2/data-bin" --user-dir "$plugin" --task emotion_dialogue \
    --arch emo_bart_tiny --encoder-layers 6 --decoder-layers 6 --encoder-embed-dim 384 --decoder-embed-dim 384 \
    --encoder-ffn-embed-dim 1536 --decoder-ffn-embed-dim 1536 --encoder-attention-heads 6 --decoder-attention-heads 6 \
    --criterion multitask_nll --label-smoothing 0.1 --dropout 0.1 --batch-size 256 --update-freq 2 "$device" \
    --optimizer fused_adam --adam-betas '(0.9, 0.98)' --adam-eps 1e-08 --weight-decay 0.01 --clip-norm 0.1 \
    --lr 5e-4 --lr-scheduler inverse_sqrt --warmup-updates 400 --stop-time-hours "$3" --max-epoch 40 \
    --patience 3 --best-checkpoint-metric response_ppl --no-epoch-checkpoints --num-workers 2 --seed 1 \
    --log-format simple --log-interval 50 --log-file "$out/$1.log" --save-dir "$out/$1" "${@:4}" > /dev/null
}
start=()
if [ -e "$talks/manifest.json" ]; then
  hours=$(python3 -c "print($hours / 2)")
  train talks "$talks" "$hours"
  start=(--finetune-from-model "$out/talks/checkpoint_best.pt")
fi
train checkpoints "$data" "$hours" --classification-tasks e6 "${start[@]}"
best=$out/checkpoints/checkpoint_best.pt
python3 - "$best" "$out/model.pt" <<'PYTHON'
import sys

import torch

import emo_mtl.compat  # lets torch load fairseq's checkpoints

state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)
state["model"] = {name: weight.half() for name, weight in state["model"].items()}
torch.save({key: value for key, value in state.items() if key != "last_optimizer_state"}, sys.argv[2])
PYTHON
split --bytes 15M "$out/model.pt" "$out/model.part" && rm "$out/model.pt"
generate() {  # FILE [flags]
  fairseq-generate "$data/data-bin" --user-dir "$plugin" --task emotion_dialogue --path "$best" --batch-size 128 \
    --required-batch-size-multiple 1 "$device" "${@:2}" > "$out/$1"
}
generate generate-test.txt --beam 5 --no-repeat-ngram-size 3
generate likelihood.txt --score-reference
{
  python3 -m emo_mtl.cli.main evaluate --word-tokenizer 13a --hypotheses "$out/generate-test.txt"
  python3 -m emo_mtl.cli.main likelihood --word-tokenizer 13a --scores "$out/likelihood.txt"
} > "$out/results.md"
