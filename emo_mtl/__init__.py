"""Multi-task BART for emotion-aware dialogue: a fairseq plugin (`--user-dir emo_mtl`)."""

from emo_mtl import compat  # noqa: F401  (first: it prepares torch for fairseq's checkpoints)
from emo_mtl.criterions import multitask_nll  # noqa: F401
from emo_mtl.models import emo_bart  # noqa: F401
from emo_mtl.optim import fused_adam  # noqa: F401
from emo_mtl.tasks import emotion_dialogue  # noqa: F401
