"""Adam in one pass, and where the decay of its rate ends."""

import fairseq  # noqa: F401  (before any module here: it registers them all, see emo_mtl/registration.py)
