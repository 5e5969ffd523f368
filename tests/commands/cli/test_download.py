"""`emo-mtl download` from a server on this machine: the layout of RAW, and what can go wrong."""

from helpers.publisher import read_all

from emo_mtl.cli.main import main
from emo_mtl.preparation.download import ITEMS

CORPORA = ("dailydialog", "tec", "sst2", "crowdflower")


class TestDownload:
    def test_raw_as_prepare_reads_it(self, publish, sample, tmp_path):
        """The sample's RAW, packed, downloaded and prepared again: there is nothing to do."""
        raw = sample.parent / "raw"
        for name in CORPORA:
            there = [file for file in ITEMS[name].files if (raw / name / file).is_file()]
            files = {file: (raw / name / file).read_bytes() for file in there}
            publish(name, dict.fromkeys(ITEMS[name].files, b"labels") | files)
        main(["download", *CORPORA, "--out", str(tmp_path)])
        for file, content in read_all(tmp_path).items():
            is_there = (raw / file).is_file()  # the sample has no labels of DailyDialog's
            assert content == ((raw / file).read_bytes() if is_there else b"labels")
        assert {path.name for path in tmp_path.iterdir()} == set(CORPORA)
