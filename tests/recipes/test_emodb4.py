import collections
import csv

import numpy as np
import pytest
import soundfile

from recipes.data import make_emodb4

PER_EMOTION = {"anger": 127, "happiness": 71, "neutral": 79, "sadness": 62}


@pytest.fixture(scope="module")
def rows(emodb4):
    with (emodb4 / "emodb4.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_manifest_lists_the_four_emotions(rows):
    assert tuple(rows[0]) == make_emodb4.COLUMNS
    assert collections.Counter(row["label"] for row in rows) == PER_EMOTION
    assert len({row["id"] for row in rows}) == 339
    assert {row["start"] + row["end"] + row["fold"] + row["session"] for row in rows} == {""}


def test_manifest_and_audio_hold_the_same_clips(rows, emodb4):
    assert sorted(row["path"] for row in rows) == sorted(
        f"audio/{path.name}" for path in (emodb4 / "audio").iterdir()
    )
    assert "CC0" in (emodb4 / "LICENSE.txt").read_text(encoding="utf-8")


def test_speakers_are_in_one_split_each(rows):
    speakers = collections.defaultdict(set)
    for row in rows:
        speakers[row["split"]].add((row["speaker"], row["sex"]))
    assert speakers["test"] == {("03", "male"), ("08", "female")}
    assert {sex for _, sex in speakers["validation"]} == {"male", "female"}
    assert [len(speakers[split]) for split in ("train", "validation", "test")] == [6, 2, 2]
    assert len(set.union(*speakers.values())) == 10
    for split in speakers:
        found = {row["label"] for row in rows if row["split"] == split}
        assert found == set(PER_EMOTION)


def test_every_clip_is_16_khz_mono(rows, emodb4):
    for row in rows:
        about = soundfile.info(emodb4 / row["path"])
        assert (about.samplerate, about.channels, about.subtype) == (16000, 1, "OPUS")
        assert 1 < about.duration < 10


def test_clips_are_their_sources_unshifted(rows, emodb4, shared_data):
    for row in rows[::20]:
        source, _ = soundfile.read(shared_data / "emodb" / "audio" / f"{row['id']}.flac")
        ogg = (emodb4 / row["path"]).read_bytes()
        assert make_emodb4.compare(source, ogg, row["path"]) > 10


def test_clips_come_out_of_the_script_again(rows, emodb4, shared_data):
    row = rows[100]
    source, _ = soundfile.read(shared_data / "emodb" / "audio" / f"{row['id']}.flac")
    assert make_emodb4.encode(source) == make_emodb4.encode(source)
    if soundfile.__libsndfile_version__ == "1.2.2":
        assert make_emodb4.encode(source) == (emodb4 / row["path"]).read_bytes()


def test_a_shifted_or_different_clip_is_refused():
    rng = np.random.default_rng(0)
    source = np.convolve(rng.normal(scale=0.05, size=16000), np.ones(8) / 4, "same")
    coded = make_emodb4.encode(source)
    make_emodb4.compare(source, coded, "itself")
    with pytest.raises(ValueError, match="shifted by 3"):
        make_emodb4.compare(np.roll(source, -3), coded, "shifted")
    with pytest.raises(ValueError, match="expected"):
        make_emodb4.compare(source[:-1], coded, "shorter")
    with pytest.raises(ValueError, match="expected"):
        make_emodb4.compare(rng.normal(scale=0.05, size=16000), coded, "other")


def test_checksum_of_a_page_is_the_standard_one(emodb4):
    """A decoder that checks pages reads the file: the stored checksum is what it computes."""
    page = bytearray((emodb4 / "audio" / "03a01Wa.ogg").read_bytes()[:47])
    stored = int.from_bytes(page[22:26], "little")
    assert page[:4] == b"OggS"
    assert page[28:36] == b"OpusHead"
    page[22:26] = bytes(4)
    assert make_emodb4.page_checksum(page) == stored
    # The catalogued check value of CRC-32/CKSUM, 0x765E7680, without its final inversion.
    assert make_emodb4.page_checksum(b"123456789") == 0x89A1897F


def test_missing_source_is_one_line_and_leaves_the_clips_alone(tmp_path, capsys):
    output = tmp_path / "clips"
    output.mkdir()
    (output / "kept").touch()
    code = make_emodb4.main(["--source", str(tmp_path / "none"), "--output", str(output)])
    assert code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["clips", "kept"]
