import csv

import numpy as np
import pytest
import soundfile

from recipes.common import manifest

ROW = dict.fromkeys(manifest.COLUMNS, "") | {
    "id": "a",
    "path": "a.wav",
    "speaker": "1",
    "label": "anger",
    "split": "train",
}


def write(path, rows, columns=manifest.COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_columns_are_those_of_the_shipped_manifest(emodb4):
    header = (emodb4 / "emodb4.csv").read_text(encoding="utf-8").splitlines()[0]
    assert tuple(header.split(",")) == manifest.COLUMNS
    assert len(manifest.read_manifest(emodb4 / "emodb4.csv")) == 339


def test_times_and_texts(tmp_path):
    rows = [ROW | {"start": "1.5", "end": "2"}, ROW | {"id": "b"}]
    first, second = manifest.read_manifest(write(tmp_path / "m.csv", rows))
    assert (first.start, first.end, first.label) == (1.5, 2.0, "anger")
    assert (second.start, second.end, second.id) == (None, None, "b")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, ROW], "Ids must be unique"),
        ([ROW | {"speaker": ""}], "a value for `speaker`"),
        ([ROW | {"label": "NaN"}], "`label` must be a class"),
        ([ROW | {"start": "soon"}], "`start` must be seconds"),
        ([ROW | {"end": "nan"}], "`end` must be seconds"),
        ([ROW | {"split": "tset"}], "one of train, validation, test"),
        ([], "at least one clip"),
    ],
)
def test_bad_rows(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        manifest.read_manifest(write(tmp_path / "m.csv", rows))


def test_missing_column_and_missing_file(tmp_path):
    columns = [name for name in manifest.COLUMNS if name != "speaker"]
    with pytest.raises(ValueError, match="without speaker"):
        manifest.read_manifest(write(tmp_path / "m.csv", [ROW], columns))
    with pytest.raises(FileNotFoundError, match="no manifest"):
        manifest.read_manifest(tmp_path / "none.csv")


def segments(*pairs):
    values = dict.fromkeys(manifest.COLUMNS, "")
    return [
        manifest.Segment(**values | {"id": str(i), "speaker": speaker, "split": split})
        for i, (speaker, split) in enumerate(pairs)
    ]


def test_a_speaker_in_two_splits_is_refused():
    found = segments(("1", "train"), ("2", "validation"), ("3", "test"), ("1", "test"))
    with pytest.raises(ValueError, match="speaker '1' in both 'train' and 'test'"):
        manifest.by_split(found)
    splits = manifest.by_split(found[:3])
    assert {name: [s.speaker for s in clips] for name, clips in splits.items()} == {
        "train": ["1"],
        "validation": ["2"],
        "test": ["3"],
    }


def test_an_empty_split_is_refused():
    with pytest.raises(ValueError, match="'test' must hold"):
        manifest.by_split(segments(("1", "train"), ("2", "validation")))


def test_read_segment_cuts(tmp_path):
    samples = np.arange(16000, dtype="int16")
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    rows = [
        ROW | {"start": "0.25", "end": "0.5"},
        ROW | {"id": "b", "end": "1.05"},
        ROW | {"id": "c", "end": "1.051"},
        ROW | {"id": "d", "start": "1", "end": "1.01"},
    ]
    part, rounded, *beyond = manifest.read_manifest(write(tmp_path / "m.csv", rows))
    found = manifest.read_segment(part, tmp_path, sample_rate=16000)
    np.testing.assert_array_equal(found * 32768, samples[4000:8000])
    found = manifest.read_segment(rounded, tmp_path, sample_rate=16000)
    np.testing.assert_array_equal(found * 32768, samples)
    for segment, times in zip(beyond, ("0.000 s to 1.051 s", "1.000 s to 1.010 s"), strict=True):
        with pytest.raises(ValueError, match=f"must lie within its file.*{times} of 1.000 s"):
            manifest.read_segment(segment, tmp_path, sample_rate=16000)
