"""The loss of the tasks."""

import fairseq  # noqa: F401  (before any module here: it registers them all, see emo_mtl/registration.py)
