"""The task, its flags, and what a checkpoint keeps of it."""

import fairseq  # noqa: F401  (before any module here: it registers them all, see emo_mtl/registration.py)
