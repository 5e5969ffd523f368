#!/usr/bin/env bash
# Makes what run.sh takes along to a machine without a package index: prepared data, and wheels for Python 3.12.
#
#   bash benchmarks/gpu/bundle.sh RAW GPT2_FILES [BUNDLE]
#
# RAW: the raw corpora; GPT2_FILES: encoder.json, vocab.bpe, dict.txt (emo-mtl download gpt2-bpe). BUNDLE (default:
# benchmarks/gpu/bundle) is not kept by git. WITH="ctranslate2" carries more packages, TALKS="FILE ..." open dialogues
# (what emo-mtl prepare --responses reads), which the training of the last step begins with. BUNDLE/data.tar.xz and
# BUNDLE/wheels are enough on the other machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
raw=$1 gpt2=$2 bundle=${3:-$here/bundle}
mkdir -p "$bundle/wheels"

prepare() {  # NAME [flags of prepare]
  [ -e "$bundle/$1/manifest.json" ] && return
  emo-mtl prepare --raw-dir "$raw" --out-dir "$bundle/$1" "${@:2}"
  rm -rf "$bundle/$1/text"  # data-bin and the BPE's files are enough
}
prepare gpt2 --bpe gpt2 --gpt2-bpe-dir "$gpt2"
prepare spm --bpe sentencepiece
names=(gpt2 spm)
if [ -n "${TALKS:-}" ]; then
  names+=(talks)
  if [ ! -e "$bundle/talks/manifest.json" ]; then
    written=$(mktemp -d)
    # shellcheck disable=SC2086 # several files
    python3 "$here/../../examples/pretraining/dialogues.py" "$bundle/spm" "$written" $TALKS
    emo-mtl prepare --responses "$written" --bpe sentencepiece --sentencepiece-model "$bundle/spm/spm.model" \
      --out-dir "$bundle/talks"
    rm -rf "$bundle/talks/text" "$written"
  fi
fi
tar -C "$bundle" -c "${names[@]}" | xz -T0 -3 > "$bundle/data.part"
mv "$bundle/data.part" "$bundle/data.tar.xz"

# what a machine with torch, transformers, sacrebleu and pytest may lack
platforms=()
for version in 2_28 2_27 2_17; do platforms+=(--platform "manylinux_${version}_x86_64"); done
python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
  "${platforms[@]}" --platform manylinux2014_x86_64 --dest "$bundle/wheels" \
  fairseq-fixed==0.12.3.1 hydra-core==1.3.2 omegaconf==2.3.0 bitarray ${WITH:-}
python3 -m pip wheel --quiet --no-deps --wheel-dir "$bundle/wheels" antlr4-python3-runtime==4.9.3

du -sh "$bundle"/*
du -sh "$bundle"
