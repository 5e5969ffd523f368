"""Multi-task BART for emotion-aware dialogue: a fairseq plugin (`--user-dir emo_mtl`)."""

from emo_mtl.errors import show_in_one_line
from emo_mtl.registration import register_with_fairseq

show_in_one_line()
register_with_fairseq()
