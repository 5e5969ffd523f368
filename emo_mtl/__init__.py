"""Multi-task BART for emotion-aware dialogue: a fairseq plugin (`--user-dir emo_mtl`)."""

from emo_mtl.registration import register_with_fairseq

register_with_fairseq()
