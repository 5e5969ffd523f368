#!/usr/bin/env bash
# Is everything right on this GPU, how fast is it, and what will a training need? One command:
#
#   bash benchmarks/gpu/run.sh OUT [--minutes 8] [--bundle BUNDLE]
#
# BUNDLE (default: benchmarks/gpu/bundle): what bundle.sh made: prepared data, and wheels for a machine that lacks fairseq and
# reaches no package index. OUT gets report.md, report.json and the log of each step, after each step anew.
# With --device cpu all of it runs on very small models: does it still run?
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bundle=$here/bundle
for ((i = 1; i <= $#; i++)); do
  case ${!i} in
    --bundle) j=$((i + 1)) && bundle=${!j:-} ;;
    --bundle=*) bundle=${!i#*=} ;;
  esac
done
if [ ! -e "$bundle/spm" ] && [ -e "$bundle/data.tar.xz" ]; then
  tar -C "$bundle" -xJf "$bundle/data.tar.xz"
fi
if ! python3 -c 'import fairseq' 2> /dev/null && compgen -G "$bundle/wheels/*.whl" > /dev/null; then
  site=$(mktemp -d)
  python3 -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --target "$site" "$bundle"/wheels/*.whl
  export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH} PATH=$site/bin:$PATH
fi
export PYTHONPATH=$here/../..${PYTHONPATH:+:$PYTHONPATH}
exec python3 "$here/battery.py" "$@"
