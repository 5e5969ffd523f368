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


def after(code: str) -> list[list[str]]:
    """Which of torch and fairseq a new process has imported after `code`, and what is registered."""
    output = run_python(f"{code}\n{SHOW}")
    return json.loads(output.splitlines()[-1])


class TestOrderOfImports:
    def test_emo_mtl_alone_is_light(self):
        assert after("import emo_mtl") == [[], []]

    @pytest.mark.parametrize(
        "code",
        [
            "import emo_mtl; import fairseq",
            "import emo_mtl; from fairseq.tasks import FairseqTask",
            "import fairseq; import emo_mtl",
            f"import emo_mtl\n{USER_DIR}",
            f"{USER_DIR}\nimport emo_mtl",
            "from emo_mtl import EmoBART",
        ],
    )
    def test_both_packages(self, code):
        assert after(code)[1] == ALL

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "module",
        [
            f"emo_mtl.{package}.{module.name}"
            for package in PACKAGES
            for module in pkgutil.iter_modules([str(Path(emo_mtl.__path__[0]) / package)])
        ],
    )
    def test_each_module_first(self, module):
        """Whichever module is first, it is whole when a component imports it."""
        assert after(f"import {module}")[1] == ALL

    @pytest.mark.slow
    @pytest.mark.parametrize("module", ["hub_interface", "loading"])
    def test_model_at_work_first(self, module):
        assert after(f"import emo_mtl.inference.{module}")[1] == ALL

    def test_fairseq_keeps_its_loader(self):
        code = "import emo_mtl, fairseq; print(type(fairseq.__spec__.loader).__name__)"
        assert run_python(code).strip() != "RegisteringLoader"
