#!/usr/bin/env bash
# From a pretrained encoder, or from random weights, to a model that has read conversations: fairseq's `denoising` task,
# then responses, both on open dialogues. Ends with the file that --finetune-from-model takes.
#
#   FLAGS="--arch ..." bash examples/pretraining/adapt.sh DATA START OUT TALKS [TALKS ...]
#
# DATA: of emo-mtl prepare, the dialogues that the model is for. START: a model.pt for DATA's vocabulary, made by
# emo-mtl import-hf --data DATA (or BART's own, if DATA has GPT-2's BPE); '' for random weights. TALKS: folders or files of
# dialogues that emo-mtl prepare --responses reads. Run again, it goes on where it was stopped. From the environment:
# FLAGS, the architecture (what import-hf prints) and what else both trainings should have, e.g. --cpu --dropout 0 --lr 1e-3;
# DENOISING and RESPONSES, the updates of the two steps (120 and 1,600, for a CPU; 0 leaves a step out).
set -euo pipefail
flags=${FLAGS:?the flags that import-hf printed, --arch ... --max-source-positions ...}
data=$1 model=$2 out=$3
shift 3
here=$(dirname "${BASH_SOURCE[0]}")
denoising=${DENOISING:-120} responses=${RESPONSES:-1600}
mkdir -p "$out"

if [ ! -e "$out/data/manifest.json" ]; then
  python "$here/dialogues.py" "$data" "$out/talks" "$@"
  if [ -e "$data/spm.model" ]; then
    bpe=(--bpe sentencepiece --sentencepiece-model "$data/spm.model")
  else
    bpe=(--bpe gpt2 --gpt2-bpe-dir "$data")
  fi
  emo-mtl prepare --responses "$out/talks" "${bpe[@]}" --out-dir "$out/data"
fi
cmp "$data/dict.txt" "$out/data/dict.txt" # a model fits one dictionary

train() {  # NAME UPDATES flags: one step, from the model of the last, which becomes OUT/NAME/model.pt
  local run=$out/$1 updates=$2
  shift 2
  if [ ! -e "$run/model.pt" ]; then
    mkdir -p "$run"
    # shellcheck disable=SC2086 # several words
    fairseq-train "$@" --user-dir "$here/../../emo_mtl" \
      ${model:+--finetune-from-model "$model"} --dropout 0.1 --attention-dropout 0 --optimizer fused_adam \
      --adam-betas '(0.9, 0.98)' --weight-decay 0.01 --clip-norm 0.1 --lr-scheduler polynomial_decay \
      --warmup-updates $((updates / 16)) --total-num-update "$updates" --max-update "$updates" \
      --no-epoch-checkpoints --save-interval-updates 50 --keep-interval-updates 1 --num-workers 0 \
      --required-batch-size-multiple 1 --log-format simple --log-interval 10 --log-file "$run/train.log" \
      --save-dir "$run" $flags
    mv "$run/checkpoint_last.pt" "$run/model.pt"
    rm -f "$run"/checkpoint_*.pt
  fi
  model=$run/model.pt
}

if [ "$denoising" -gt 0 ]; then
  # What the task reads is there already: the utterances in the order in which they were said.
  mkdir -p "$out/utterances"
  ln -sf ../data/dict.txt "$out/utterances/dict.txt"
  for split in train valid; do
    for end in bin idx; do
      ln -sf "../data/data-bin/response/$split.source-target.source.$end" "$out/utterances/$split.$end"
    done
  done
  # As BART without its order of sentences, and by token: whole words need a BPE that this task cannot be given
  train denoising "$denoising" "$out/utterances" --task denoising --criterion cross_entropy \
    --sample-break-mode complete --tokens-per-sample 128 --mask 0.3 --mask-length subword --replace-length 1 \
    --rotate 0 --batch-size 32 --lr 3e-4
fi
if [ "$responses" -gt 0 ]; then
  # Small mini-batches: in a short training many small updates learn more from the same pairs (RESULTS.md)
  train responses "$responses" "$out/data/data-bin" --task emotion_dialogue --criterion multitask_nll \
    --label-smoothing 0.1 --max-source-length 64 --batch-size 16 --lr 3e-4 --best-checkpoint-metric response_ppl
fi
echo "--finetune-from-model $model"
