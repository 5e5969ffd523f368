"""SST-2's raw files to text splits, without a BPE: python preprocess/sst2.py RAW OUT."""

from emo_mtl.preparation import sst2
from emo_mtl.preparation.script import run_script

if __name__ == "__main__":
    run_script(sst2.read, sst2.__doc__)
