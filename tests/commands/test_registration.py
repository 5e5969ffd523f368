"""The components are registered in every order of imports, each tried in a process of its own."""

import json
import pkgutil
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY, run_python

import emo_mtl

USER_DIR = f"""
from argparse import Namespace
from fairseq.utils import import_user_module
import_user_module(Namespace(user_dir={str(REPOSITORY / "emo_mtl")!r}))
"""
BOTH_PACKAGES = [
    "import emo_mtl; import fairseq",
    "import emo_mtl; from fairseq.tasks import FairseqTask",
    "import fairseq; import emo_mtl",
    f"import emo_mtl\n{USER_DIR}",
    f"{USER_DIR}\nimport emo_mtl",
    "from emo_mtl import EmoBART",
]
# Packages with a component, or with what a component imports.
PACKAGES = [
    name
    for _, name, is_package in pkgutil.iter_modules(emo_mtl.__path__)
    if is_package
    and name
    not in ("cli", "demo", "evaluation", "formats", "huggingface", "inference", "preparation")
]


def each_module_first() -> list[str]:
    """Code for each package, whichever of whose modules is first: the package itself comes before it, and
    imports fairseq; and for the modules of a model at work.
    """
    codes = ["import emo_mtl.inference.hub_interface", "import emo_mtl.inference.loading"]
    for package in PACKAGES:
        modules = pkgutil.iter_modules([str(Path(emo_mtl.__path__[0]) / package)])
        names = ", ".join(f"emo_mtl.{package}.{module.name}" for module in modules)
        loaded = "import sys; assert 'fairseq' in sys.modules"
        codes.append(f"import emo_mtl.{package}; {loaded}; import {names}")
    return codes


SHOW = """
import fairseq, json
from fairseq.criterions import CRITERION_REGISTRY
from fairseq.models import ARCH_MODEL_REGISTRY, MODEL_REGISTRY
from fairseq.tasks import TASK_REGISTRY
registries = (TASK_REGISTRY, CRITERION_REGISTRY, MODEL_REGISTRY, ARCH_MODEL_REGISTRY)
names = ("emotion_dialogue", "multitask_nll", "emo_bart", "emo_bart_tiny")
registered = [name for name, registry in zip(names, registries) if name in registry]
print(json.dumps([registered, type(fairseq.__spec__.loader).__name__]))
"""
ALL = ["emotion_dialogue", "multitask_nll", "emo_bart", "emo_bart_tiny"]
# What fairseq imports is the larger part of its start: it is kept, fairseq itself is forgotten, and each
# order is tried in a fork.
FORKS = """
import os, sys, traceback
import fairseq
for name in list(sys.modules):
    if name.partition(".")[0] == "fairseq":
        del sys.modules[name]
assert "emo_mtl" not in sys.modules
for code in CODES:
    sys.stdout.flush()
    if pid := os.fork():
        os.waitpid(pid, 0)
        continue
    try:
        exec(code + SHOW, {})
    except BaseException:
        traceback.print_exc()
        print("failed")
    finally:
        sys.stdout.flush()
        os._exit(0)
"""


class TestOrderOfImports:
    def test_emo_mtl_alone_is_light(self):
        output = run_python("import emo_mtl, sys; print({'torch', 'fairseq'} & {*sys.modules})")
        assert output == "set()\n"

    @pytest.mark.slow
    def test_all_is_registered(self):
        """Each module is whole when a component imports it; and fairseq's loader is its own."""
        codes = BOTH_PACKAGES + each_module_first()
        lines = run_python(f"CODES, SHOW = {codes!r}, {SHOW!r}\n{FORKS}").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("[[")]
        assert len(found) == len(codes), lines
        for code, (registered, loader) in zip(codes, found, strict=True):
            assert registered == ALL, code
            assert loader != "RegisteringLoader", code
