#!/usr/bin/env bash
# Does a model use what was said before? Trains on 1, 2, 3 and 5 turns, and on 3 of which the history is another
# dialogue's, with the same number of updates, and prints how probable each finds the gold responses of the test set.
#
#   bash examples/conversations/compare_turns.sh DATA OUT [flags of fairseq-train]
#
# DATA: of emo-mtl prepare --context-turns 5 or more, with --bpe sentencepiece. OUT: for trainings and scores. Flags
# win over those below, e.g. --max-update 300 --total-num-update 300. SEEDS (default "1 2") and SYSTEMS (default
# "1 2 3 shuffled 5") are taken from the environment. Run again, it goes on where it was stopped.
set -euo pipefail
data=$1 out=$2
shift 2
here=$(dirname "${BASH_SOURCE[0]}")
plugin=$here/../../emo_mtl
mkdir -p "$out"

if [ ! -e "$out/shuffled/manifest.json" ]; then
  python "$here/shuffle_history.py" "$data" "$out/other-history"
  emo-mtl prepare --responses "$out/other-history" --context-turns 5 --bpe sentencepiece \
    --sentencepiece-model "$data/spm.model" --out-dir "$out/shuffled"
fi
[ -e "$out/overlap.json" ] || emo-mtl overlap --data "$data" --json "$out/overlap.json"

score() {  # DATA CHECKPOINT FILE: what a model thinks of the gold responses
  fairseq-generate "$1/data-bin" --user-dir "$plugin" --task emotion_dialogue --cpu --score-reference \
    --path "$2" --batch-size 64 --required-batch-size-multiple 1 > "$3.part"
  mv "$3.part" "$3"
}

scores=()
for seed in ${SEEDS:-1 2}; do
  for system in ${SYSTEMS:-1 2 3 shuffled 5}; do
    turns=$system corpus=$data run=$out/$system-seed-$seed
    [ "$system" = shuffled ] && turns=3 corpus=$out/shuffled
    # room for nearly all contexts: 64, 128 and 256 tokens
    length=$((turns == 1 ? 64 : turns <= 3 ? 128 : 256))
    if [ ! -e "$run/scores.txt" ]; then
      mkdir -p "$run"
      fairseq-train "$corpus/data-bin" --user-dir "$plugin" --task emotion_dialogue \
        --arch emo_bart_tiny --max-source-positions 256 --context-turns "$turns" --max-source-length "$length" \
        --criterion multitask_nll --label-smoothing 0.1 --dropout 0 --batch-size 64 --update-freq 2 \
        --optimizer fused_adam --adam-betas '(0.9, 0.98)' --adam-eps 1e-08 --weight-decay 0.01 --clip-norm 0.1 \
        --lr 2e-3 --lr-scheduler polynomial_decay --warmup-updates 200 --max-update 1190 --total-num-update 1190 \
        --cpu --num-workers 0 --no-epoch-checkpoints --best-checkpoint-metric response_ppl \
        --log-format simple --log-interval 20 --log-file "$run/train.log" --save-dir "$run/checkpoints" \
        --seed "$seed" "$@" > /dev/null
      score "$corpus" "$run/checkpoints/checkpoint_last.pt" "$run/scores.txt"
    fi
    scores+=("$run/scores.txt")
    if [ "$system" = 3 ]; then  # the same model, given other histories
      [ -e "$run/other-history.txt" ] ||
        score "$out/shuffled" "$run/checkpoints/checkpoint_last.pt" "$run/other-history.txt"
      scores+=("$run/other-history.txt")
    fi
  done
done
emo-mtl likelihood --scores "${scores[@]}" --overlap "$out/overlap.json" --json "$out/likelihood.json" --overwrite
