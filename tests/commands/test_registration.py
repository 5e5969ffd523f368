"""The components are registered in every order of imports, each tried in a process of its own."""

import json
import pkgutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.commands import REPOSITORY, run_python

import emo_mtl

USER_DIR = f"""
from argparse import Namespace
from fairseq.utils import import_user_module
import_user_module(Namespace(user_dir={str(REPOSITORY / "emo_mtl")!r}))
"""
SHOW = """
import json, sys
loaded = {name for name in ("torch", "fairseq") if name in sys.modules}
registered = []
if "fairseq" in loaded:
    from fairseq.criterions import CRITERION_REGISTRY
    from fairseq.models import ARCH_MODEL_REGISTRY, MODEL_REGISTRY
    from fairseq.tasks import TASK_REGISTRY
    registries = (TASK_REGISTRY, CRITERION_REGISTRY, MODEL_REGISTRY, ARCH_MODEL_REGISTRY)
    names = ("emotion_dialogue", "multitask_nll", "emo_bart", "emo_bart_tiny")
    registered = [name for name, registry in zip(names, registries) if name in registry]
print(json.dumps([sorted(loaded), registered]))
"""
ALL = ["emotion_dialogue", "multitask_nll", "emo_bart", "emo_bart_tiny"]
# Packages with a component, or with what a component imports.
PACKAGES = [
    name
    for _, name, is_package in pkgutil.iter_modules(emo_mtl.__path__)
    if is_package
    and name
    not in ("cli", "demo", "evaluation", "formats", "huggingface", "inference", "preparation")
]


# torch is the larger part of fairseq's start: it is imported once, and each order is tried in a fork.
FORKS = """
import os, sys, traceback
import sklearn.utils, torch
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


def registered_after(codes: Sequence[str]) -> dict[str, list[str]]:
    """What is registered in a new process that has run the code, for each."""
    program = f"CODES, SHOW = {list(codes)!r}, {SHOW!r}\n{FORKS}"
    lines = run_python(program).splitlines()
    found = [json.loads(line)[1] for line in lines if line.startswith("[[")]
    assert len(found) == len(codes), lines
    return dict(zip(codes, found, strict=True))


class TestOrderOfImports:
    def test_emo_mtl_alone_is_light(self):
        output = run_python(f"import emo_mtl\n{SHOW}")
        assert json.loads(output) == [[], []]

    def test_both_packages(self):
        codes = [
            "import emo_mtl; import fairseq",
            "import emo_mtl; from fairseq.tasks import FairseqTask",
            "import fairseq; import emo_mtl",
            f"import emo_mtl\n{USER_DIR}",
            f"{USER_DIR}\nimport emo_mtl",
            "from emo_mtl import EmoBART",
        ]
        assert registered_after(codes) == dict.fromkeys(codes, ALL)

    @pytest.mark.slow
    def test_each_module_first(self):
        """Whichever module is first, it is whole when a component imports it."""
        modules = [
            f"{package}.{module.name}"
            for package in PACKAGES
            for module in pkgutil.iter_modules([str(Path(emo_mtl.__path__[0]) / package)])
        ]
        # a model at work
        modules += ["inference.hub_interface", "inference.loading"]
        codes = [f"import emo_mtl.{module}" for module in modules]
        assert registered_after(codes) == dict.fromkeys(codes, ALL)

    def test_fairseq_keeps_its_loader(self):
        code = "import emo_mtl, fairseq; print(type(fairseq.__spec__.loader).__name__)"
        assert run_python(code).strip() != "RegisteringLoader"
