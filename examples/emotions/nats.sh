#!/usr/bin/env bash
# How probable are gold replies with their own emotion, without one, and with another?
#
#   bash examples/emotions/nats.sh DATA CHECKPOINT OUT
#
# DATA: of emo-mtl prepare. CHECKPOINT: trained with --emotion-task. Prints nats per reply and per word of the test
# set and of its clean part; OUT gets the scores. Run again, it goes on where it was stopped.
set -euo pipefail
data=$1 checkpoint=$2 out=$3
here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$out"

score() {  # FILE [flags]: what the model thinks of the gold replies
  [ -e "$1" ] && return
  fairseq-generate "$data/data-bin" --user-dir "$here/../../emo_mtl" --task emotion_dialogue --cpu \
    --score-reference --path "$checkpoint" --batch-size 64 --required-batch-size-multiple 1 "${@:2}" > "$1.part"
  mv "$1.part" "$1"
}

[ -e "$out/overlap.json" ] || emo-mtl overlap --data "$data" --json "$out/overlap.json"
score "$out/without.txt"
score "$out/gold.txt" --emotion gold
python -c "
from emo_mtl import EmoBART
import sys
print(*EmoBART.from_pretrained(sys.argv[1], device='cpu').emotions, sep='\n')
" "$checkpoint" > "$out/emotions"
while read -r emotion; do
  score "$out/of-$emotion.txt" --emotion "$emotion"
done < "$out/emotions"
python "$here/wrong_emotion.py" --gold "$out/gold.txt" --scores "$out"/of-*.txt > "$out/wrong.txt"
emo-mtl likelihood --scores "$out/without.txt" "$out/gold.txt" "$out/wrong.txt" \
  --overlap "$out/overlap.json" --json "$out/likelihood.json" --overwrite
