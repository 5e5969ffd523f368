#!/usr/bin/env bash
# The whole way on sample data, on a CPU: raw corpora -> data-bin -> training on four tasks -> responses
# -> scores -> a few utterances. Two minutes of training on 2 free cores.
# Usage: examples/quickstart/run.sh [OUT [FLAGS]]
#   OUT    a folder for everything that is made, default demo
#   FLAGS  more of fairseq-train, which win, e.g. --max-epoch 3
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-demo}
data=$out/data/data-bin
shift || true # what is left goes to fairseq-train
threads=$(python emo_mtl/training/threads.py) # more than are free would wait for each other
echo "$threads"
OMP_NUM_THREADS=$(cut -d ' ' -f 2 <<< "$threads")
export OMP_NUM_THREADS
export PYTHONWARNINGS=ignore # torch's, about fairseq's use of it
# Logs go to files; progress bars are shown on a terminal.
say() { printf '\n== %s\n' "$*"; }
trap 'echo "stopped by an error: see the end of the logs in $out" >&2' ERR

say "1. Sample corpora in the raw formats of DailyDialog, TEC, SST-2 and CrowdFlower: $out/raw"
python examples/quickstart/make_sample.py "$out/raw" --overwrite

say "2. Raw text -> SentencePiece -> what fairseq-preprocess writes: $data"
python preprocess/prepare.py --raw-dir "$out/raw" --out-dir "$out/data" \
  --bpe sentencepiece --vocab-size 1000

say "3. Training: responses (R) and emotions (E6, E2, E12), ${*:-5 epochs}: $out/train.log"
# An update holds four mini-batches, of each task in proportion to its texts: half of them are responses
fairseq-train "$data" --user-dir emo_mtl --task emotion_dialogue --arch emo_bart_tiny \
  --classification-tasks e6,e2,e12 --criterion multitask_nll --label-smoothing 0.1 \
  --task-sampling proportional --max-tokens 256 --update-freq 4 --required-batch-size-multiple 1 \
  --optimizer fused_adam --adam-betas '(0.9, 0.98)' --weight-decay 0.01 --clip-norm 1.0 \
  --lr 3e-3 --lr-scheduler polynomial_decay --warmup-updates 100 --max-epoch 5 \
  --best-checkpoint-metric response_ppl --no-epoch-checkpoints --save-dir "$out/checkpoints" \
  --cpu --num-workers 0 "$@" >> "$out/train.log" # a second run resumes, and finds nothing left to train
grep -o "epoch [0-9]* | valid on.*" "$out/train.log" |
  sed -E 's/\| (wps|wpb|bsz|num_updates|best_response_ppl|response_nll_loss) [^|]*//g'

say "4. Responses to the test set, beam 5, no trigram twice: $out/generate.txt"
fairseq-generate "$data" --user-dir emo_mtl --task emotion_dialogue \
  --path "$out/checkpoints/checkpoint_best.pt" --gen-subset test --beam 5 --no-repeat-ngram-size 3 \
  --max-tokens 1000 --cpu > "$out/generate.txt" 2> "$out/generate.log"
grep -c '^H-' "$out/generate.txt" | sed 's/$/ responses/'

say "5. The scores of the paper's Table 2 (responses) and Table 4 (emotions)"
emo-mtl evaluate --hypotheses "$out/generate.txt" --references "$out/data/text/response/test.target"
echo
emo-mtl classify "$out/checkpoints" --data "$data" --subset test --cpu

say "6. Two utterances of each emotion of the test dialogues: what is recognised in each, and the response"
test=$out/raw/dailydialog/test
paste "$test/dialogues_emotion_test.txt" "$test/dialogues_test.txt" |
  awk -F '\t' '$1 + 0 > 0 && shown[$1 + 0]++ < 2 { sub(/ __eou__.*/, "", $2); print $2 }' > "$out/utterances.txt"
emo-mtl classify "$out/checkpoints" --cpu --input "$out/utterances.txt" \
  > "$out/emotions.tsv"
fairseq-interactive "$data" --user-dir emo_mtl --task emotion_dialogue \
  --path "$out/checkpoints/checkpoint_best.pt" --beam 5 --no-repeat-ngram-size 3 --cpu \
  --input "$out/utterances.txt" 2> "$out/interactive.log" | grep '^D-' | cut -f 3 > "$out/responses.txt"
paste "$out/emotions.tsv" "$out/responses.txt" |
  awk -F '\t' '{ printf "%s\n    recognised: %s, %s, %s\n    response:   %s\n", $4, $1, $2, $3, $5 }'

say "Go on: a conversation here, or in the browser"
echo "emo-mtl chat $out/checkpoints"
echo "emo-mtl demo $out/checkpoints"
