"""Clips on disk as representative data."""

import numpy as np
import pytest
import soundfile

from keras_reparam.audio import load
from keras_reparam.audio.clip_listing import find_clips, load_clips


def test_folder_and_csv_give_the_same(emodb4):
    table = find_clips(emodb4 / "emodb4.csv")
    assert len(table) == 339 and sorted(table) == find_clips(emodb4)
    clips = load_clips(emodb4 / "audio", window=32000, sample_rate=8000)
    assert clips.shape == (200, 32000) and clips.dtype == np.float32
    first = load(find_clips(emodb4)[0].path, sample_rate=8000)
    assert np.array_equal(clips[0][: len(first)], first[:32000])
    assert not clips[0][len(first) :].any()


def test_subfolders_and_other_files(tmp_path):
    (tmp_path / "a").mkdir()
    soundfile.write(tmp_path / "a" / "b.WAV", np.ones(100) / 2, 16000)
    soundfile.write(tmp_path / "c.flac", np.ones(900) / 4, 16000)
    (tmp_path / "notes.txt").write_text("x")
    clips = load_clips(tmp_path, window=500, sample_rate=16000)
    assert clips.shape == (2, 500)
    assert np.allclose(clips[0], [0.5] * 100 + [0] * 400, atol=1e-4)
    assert np.allclose(clips[1], 0.25, atol=1e-4)


def test_stretches_of_a_file(tmp_path):
    ramp = np.arange(3200) / 4000
    soundfile.write(tmp_path / "long.wav", ramp, 16000, subtype="FLOAT")
    rows = ["path,start,end,label", "long.wav,0.05,0.1,a", "long.wav,0.15,,b", "long.wav,,,c"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    clips = load_clips(tmp_path / "clips.csv", window=1600, sample_rate=16000)
    for clip, samples in zip(clips, (ramp[800:1600], ramp[2400:], ramp[:1600]), strict=True):
        np.testing.assert_allclose(clip[: len(samples)], samples, atol=1e-6)
        assert not clip[len(samples) :].any()


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ("0.1,x", "seconds in the file.*'x'"),
        ("nan,", "seconds in the file.*'nan'"),
        ("-1,", "seconds in the file"),
        ("0.2,0.1", "in this order"),
        ("9,10", r"before the end of its file.*ends at 0.1 s"),
    ],
)
def test_bad_times(tmp_path, times, message):
    soundfile.write(tmp_path / "clip.wav", np.ones(1600) / 2, 16000)
    (tmp_path / "clips.csv").write_text(f"path,start,end\nclip.wav,{times}\n")
    with pytest.raises(ValueError, match=message):
        load_clips(tmp_path / "clips.csv", window=1600, sample_rate=16000)


def test_bad_sources(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text("id,label\n1,anger\n")
    (tmp_path / "none.csv").write_text("path,label\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x80\x81" * 20)
    (tmp_path / "clip.wav").write_bytes(b"")
    for name, error, message in (
        ("missing", FileNotFoundError, "no folder or CSV"),
        ("missing.csv", FileNotFoundError, "missing.csv"),
        ("empty", ValueError, "no audio files"),
        ("none.csv", ValueError, "no audio files"),
        ("other.csv", ValueError, "column `path`.*id"),
        ("binary.csv", ValueError, "no CSV"),
        ("clip.wav", ValueError, "folder of clips"),
    ):
        with pytest.raises(error, match=message):
            find_clips(tmp_path / name)
    (tmp_path / "gone.csv").write_text("path\ngone.wav\n")
    with pytest.raises(FileNotFoundError, match=r"gone\.wav"):
        load_clips(tmp_path / "gone.csv", window=10, sample_rate=16000)
