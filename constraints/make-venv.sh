#!/usr/bin/env bash
# Makes .venv, the environment of `make test` and `make demo`; done at once if it is up to date.
#
#   PYTHON=...       the Python to use (3.10 - 3.13); default: the first good one on PATH
#   CONSTRAINTS=...  the file of pinned versions; default: the one of this folder for that Python
#   TORCH_INDEX=URL  take torch from this package index, e.g. one of CPU wheels: the torch that
#                    PyPI has for Linux is a CUDA build, several GB with its libraries
# pip's own settings (PIP_INDEX_URL, ...) and CC, CXX are respected.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
owner=$venv/.made-by-make  # written first: without it, .venv is the user's and is not touched
ready=$venv/.ready         # written last, says what .venv was made of: without it, half-made
# 3.12 first: fairseq-fixed has a wheel for it, and nothing is compiled
candidates=(python3.12 python3 python3.11 python3.13 python3.10)

say() { printf 'make-venv: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# Whether fairseq-fixed has a wheel for the Python $1, so that nothing is compiled.
has_wheel() { "$1" -c 'import os, sys; sys.exit(sys.version_info[:2] != (3, 12) or os.uname()[::4] != ("Linux", "x86_64"))'; }

# Prints "ok", or what emo-mtl misses in the Python $1.
probe() {
    local compiles=yes
    if has_wheel "$1" 2>/dev/null; then compiles=""; fi
    "$1" -c '
import os, sys
version = "%d.%d" % sys.version_info[:2]
if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    print("is Python " + version + ", and 3.10 - 3.13 is needed")
    sys.exit()
from importlib.util import find_spec
from sysconfig import get_path
lacks = []
if not (find_spec("venv") and find_spec("ensurepip")):
    lacks.append("the module venv")
if sys.argv[1] and not os.path.exists(os.path.join(get_path("include"), "Python.h")):
    lacks.append("the C headers")
if lacks:
    packages = "python" + version + "-venv python" + version + "-dev"
    print("is Python " + version + ", but lacks " + " and ".join(lacks)
          + " (Debian, Ubuntu: apt-get install " + packages + ")")
else:
    print("ok")
' "$compiles" 2>/dev/null </dev/null || echo "does not run"
}

# Sets `python`.
choose_python() {
    local candidate report found=""
    if [ -n "${PYTHON:-}" ]; then
        report=$(probe "$PYTHON")
        [ "$report" = ok ] || die "PYTHON=$PYTHON $report"
        python=$PYTHON
        return
    fi
    for candidate in "${candidates[@]}"; do
        command -v "$candidate" >/dev/null || continue
        report=$(probe "$candidate")
        if [ "$report" = ok ]; then
            python=$candidate
            return
        fi
        found+="    $(command -v "$candidate") $report"$'\n'
    done
    if command -v uv >/dev/null; then
        say "no usable Python on PATH, asking uv for one"
        python=$(uv python find --managed-python 3.11 2>/dev/null) && return
        uv python install 3.11 >&2 && python=$(uv python find --managed-python 3.11) && return
        found+="    uv could not install Python 3.11"$'\n'
    fi
    die "no usable Python (3.10 - 3.13, with venv and C headers). Found:
${found:-    no python3 on PATH
}  Install one, e.g.
    Debian 12, Ubuntu 22.04 and later:  apt-get install python3 python3-venv python3-dev
    macOS:     brew install python@3.12
    anywhere:  uv (make then lets it install a Python)
  or name one: make PYTHON=/path/to/python3.11 ..."
}

# fairseq is compiled: better to say here what is missing than deep inside pip.
check_compiler() {
    local include cc cxx
    include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    cc=${CC:-$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("CC"))')}
    cxx=${CXX:-$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("CXX"))')}
    # $cc and $cxx may hold options, e.g. "gcc -pthread": not quoted.
    if ! printf '#include <Python.h>\n' | $cc -I"$include" -fsyntax-only -x c - 2>/dev/null ||
        ! printf '#include <vector>\n' | $cxx -I"$include" -fsyntax-only -x c++ - 2>/dev/null; then
        die "fairseq must be compiled, and the C and C++ compilers of $python do not work
  (tried: $cc; $cxx). Install them, e.g.
    Debian, Ubuntu:  apt-get install build-essential
    Fedora:          dnf install gcc-c++
    macOS:           xcode-select --install
  or name yours: CC=... CXX=... make ..."
    fi
}

# Prints the path of Python $1, or of the one behind it if it is a shim or a virtual environment.
base_of() { "$1" -c 'import os, sys; print(os.path.realpath(sys._base_executable))'; }

# --- What should .venv be made of? An option that is not given stays as it was.
python="" made="" made_with="" made_from=""
if [ -e "$ready" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    made=$(cat "$ready")
    { read -r made_with && read -r made_from; } <<<"$made"
    [ -n "${PYTHON:-}" ] || python=$made_with
fi
[ -n "$python" ] || choose_python
python=$(base_of "$python")
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
    3.10) default=constraints/original.txt ;;
    *) default=constraints/cpu.txt ;;
esac
if [ "$python" = "$made_with" ] && [ -f "$made_from" ]; then default=$made_from; fi
constraints=${CONSTRAINTS:-$default}
[ -f "$constraints" ] || die "no file $constraints"
inputs=$(cat pyproject.toml "$constraints" constraints/make-venv.sh | cksum)
wanted="$python"$'\n'"$constraints"$'\n'"$PWD"$'\n'"$inputs"  # $PWD: a moved .venv is broken
[ "$wanted" != "$made" ] || exit 0

# --- Make it.
if [ -e "$venv" ] && [ ! -e "$owner" ]; then
    die "$venv exists and was not made by make: move it away, or use it yourself, without make"
fi
has_wheel "$python" || check_compiler
started=$SECONDS
if [ -n "$made" ] && [ "${wanted%$'\n'*}" = "${made%$'\n'*}" ]; then
    say "pyproject.toml or the constraints have changed: updating $venv"
    rm "$ready"
else
    say "making $venv with $python (Python $version) and $constraints"
    mkdir -p "$venv"
    touch "$owner"
    rm -f "$ready"  # before the rest: this may be interrupted, too
    find "$venv" -mindepth 1 ! -path "$owner" -delete
    "$python" -m venv "$venv"
fi

export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
pip_install() { "$venv/bin/python" -m pip install --quiet -c "$constraints" "$@"; }

if [ -n "${TORCH_INDEX:-}" ]; then
    say "1/3 torch, from TORCH_INDEX"
else
    say "1/3 torch (PyPI has the CUDA build for Linux, several GB; TORCH_INDEX names another index)"
fi
pip_install pip
pip_install setuptools wheel
[ -z "${TORCH_INDEX:-}" ] || pip_install --no-deps --index-url "$TORCH_INDEX" torch
pip_install torch numpy cython
has_wheel "$python" && how="a wheel" || how="compiled here, about a minute"
say "2/3 fairseq ($how)"
unset CUDA_HOME  # fairseq would compile CUDA extensions which emo-mtl does not use
if [ "$version" = 3.10 ]; then
    # In isolation: where torch is visible, fairseq 0.12.2 compiles a file that its sdist lacks.
    # PIP_CONSTRAINT reaches the isolated environment, -c does not.
    PIP_CONSTRAINT=$constraints pip_install fairseq
else
    # Not in isolation, which would install torch a second time. With a cache for each torch: pip
    # does not know that the wheel which it keeps runs only with the torch that it was compiled for.
    torch=$("$venv/bin/python" -c 'import torch; print(torch.__version__)')
    cache=$("$venv/bin/python" -m pip cache dir) || cache=""  # no cache: PIP_NO_CACHE_DIR is set
    pip_install --no-build-isolation ${cache:+--cache-dir "$cache/torch-$torch"} fairseq-fixed
fi
say "3/3 emo-mtl"
pip_install --no-build-isolation -e ".[dev]"
# fairseq asks for torchaudio, for its speech tasks alone. PyPI's is built for CUDA: beside a CPU torch it
# cannot be loaded, and transformers, which loads it where it is installed, then fails too.
"$venv/bin/python" -m pip uninstall --quiet --yes torchaudio
printf '%s\n' "$wanted" >"$ready"
say "$venv is ready ($((SECONDS - started)) s)"
