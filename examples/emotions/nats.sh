#!/usr/bin/env bash
# How probable are gold replies with their own emotion, without one, and with another?
#
#   bash examples/emotions/nats.sh DATA TASK CHECKPOINT OUT
#
# DATA: of emo-mtl prepare. CHECKPOINT: trained with --emotion-task TASK. Prints nats per reply and per word of the
# test set and of its clean part; OUT gets the scores. Run again, it goes on where it was stopped.
set -euo pipefail
data=$1 task=$2 checkpoint=$3 out=$4
here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$out"

score() {  # FILE DATA [flags]: what the model thinks of the gold replies
  [ -e "$1" ] && return
  fairseq-generate "$2/data-bin" --user-dir "$here/../../emo_mtl" --task emotion_dialogue --cpu \
    --score-reference --path "$checkpoint" --batch-size 64 --required-batch-size-multiple 1 "${@:3}" > "$1.part"
  mv "$1.part" "$1"
}

[ -e "$out/overlap.json" ] || emo-mtl overlap --data "$data" --json "$out/overlap.json"
[ -e "$out/wrong-emotion" ] || python "$here/wrong_emotion.py" "$data" "$task" "$out/wrong-emotion"
score "$out/without.txt" "$data"
score "$out/gold.txt" "$data" --emotion gold
score "$out/wrong.txt" "$out/wrong-emotion" --emotion gold
emo-mtl likelihood --scores "$out/without.txt" "$out/gold.txt" "$out/wrong.txt" \
  --overlap "$out/overlap.json" --json "$out/likelihood.json" --overwrite
