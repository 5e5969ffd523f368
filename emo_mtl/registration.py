"""Registers the components with fairseq as soon as fairseq is imported, and imports nothing before.

fairseq and torch take seconds to import. `emo-mtl --help` needs neither, and after `import fairseq` the
components must be there, whichever of the two packages was imported first. fairseq does not look into
a `--user-dir` whose module is imported already, so that registering in `tasks/` alone would not do.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

COMPONENTS = (
    "emo_mtl.compat",  # first: it prepares torch for fairseq's checkpoints
    "emo_mtl.criterions.multitask_nll",
    "emo_mtl.models.emo_bart",
    "emo_mtl.optim.fused_adam",
    "emo_mtl.tasks.emotion_dialogue",
)


def register_with_fairseq() -> None:
    """Register now if fairseq is imported already, otherwise right after it is."""
    if "fairseq" in sys.modules:
        import_components()
    else:
        sys.meta_path.insert(0, FairseqFinder())


def import_components() -> None:
    """Import the modules that register a component."""
    for name in COMPONENTS:
        import_module(name)


class FairseqFinder(MetaPathFinder):
    """Finds fairseq as the other finders do, and has it loaded by a :class:`RegisteringLoader`."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "fairseq":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = RegisteringLoader(spec.loader)
        return spec


class RegisteringLoader(Loader):
    """Another loader, after whose work the components are registered."""

    def __init__(self, loader: Loader):
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # What asks a module for its loader later (inspect, pkgutil) gets the real one.
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        import_components()
