#!/usr/bin/env bash
# How much recognition costs the responses, and how that depends on how often a task is seen (temperature T) and on how
# much its loss weighs (lambda). Trains R+E6 for every pair of them, each with the same number of updates, and scores
# both; pareto.py makes a table and a figure of them.
#
#   bash examples/paper/pareto.sh DATA OUT [flags of fairseq-train]
#
# DATA: of emo-mtl prepare with responses and e6. OUT: for trainings and scores. Flags win over those below, e.g.
# --max-update 100 --total-num-update 100. TEMPERATURES (default "1 2 5 100"; 1: as often as there are texts, the
# paper's schedule; 100: all tasks alike), WEIGHTS (default ".1 .5 1") and SEEDS (default "1 2 3") are taken from the
# environment. Run again, it goes on where it was stopped; give each of several
# processes its SEEDS, and run it once more for all of them.
set -euo pipefail
data=$1 out=$2
shift 2
here=$(dirname "${BASH_SOURCE[0]}")
plugin=$here/../../emo_mtl
mkdir -p "$out"
[ -e "$out/overlap.json" ] || emo-mtl overlap --data "$data" --json "$out/overlap.json"

scores=()
for seed in ${SEEDS:-1 2 3}; do
  for temperature in ${TEMPERATURES:-1 2 5 100}; do
    for weight in ${WEIGHTS:-.1 .5 1}; do
      run=$out/T-$temperature-lambda-$weight-seed-$seed
      if [ ! -e "$run/e6.json" ]; then
        mkdir -p "$run"
        fairseq-train "$data/data-bin" --user-dir "$plugin" --task emotion_dialogue --arch emo_bart_tiny \
          --classification-tasks e6 --loss-weights "e6=$weight" --task-sampling temperature \
          --sampling-temperature "$temperature" --max-source-length 64 \
          --criterion multitask_nll --label-smoothing 0.1 --dropout 0 --batch-size 16 --update-freq 2 \
          --optimizer fused_adam --adam-betas '(0.9, 0.98)' --adam-eps 1e-08 --weight-decay 0.01 --clip-norm 0.1 \
          --lr 1e-3 --lr-scheduler polynomial_decay --warmup-updates 100 --max-update 1200 --total-num-update 1200 \
          --num-workers 0 --no-epoch-checkpoints --disable-validation --log-format simple --log-interval 100 \
          --log-file "$run/train.log" --save-dir "$run" --seed "$seed" "$@" > /dev/null
        fairseq-generate "$data/data-bin" --user-dir "$plugin" --task emotion_dialogue --score-reference \
          --path "$run/checkpoint_last.pt" --batch-size 64 --required-batch-size-multiple 1 > "$run/scores.part"
        mv "$run/scores.part" "$run/scores.txt"
        emo-mtl classify "$run/checkpoint_last.pt" --data "$data" --task e6 --json "$run/e6.json"
        rm "$run/checkpoint_last.pt"
      fi
      scores+=("$run/scores.txt")
    done
  done
done
emo-mtl likelihood --scores "${scores[@]}" --overlap "$out/overlap.json" --json "$out/likelihood.json" --overwrite
