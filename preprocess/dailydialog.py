"""DailyDialog's raw files to text splits, without a BPE: python preprocess/dailydialog.py RAW OUT."""

from emo_mtl.preparation import dailydialog
from emo_mtl.preparation.script import run_script

if __name__ == "__main__":
    run_script(dailydialog.read, dailydialog.__doc__)
