"""The Twitter Emotion Corpus's raw files to text splits, without a BPE: python preprocess/tec.py RAW OUT."""

from emo_mtl.preparation import tec
from emo_mtl.preparation.script import run_script

if __name__ == "__main__":
    run_script(tec.read, tec.__doc__)
