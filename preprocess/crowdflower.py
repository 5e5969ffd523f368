"""CrowdFlower's raw files to text splits, without a BPE: python preprocess/crowdflower.py RAW OUT."""

from emo_mtl.preparation import crowdflower
from emo_mtl.preparation.script import run_script

if __name__ == "__main__":
    run_script(crowdflower.read, crowdflower.__doc__)
