"""Rows of CSVs as openSMILE and others write them, found by the clips' paths."""

import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from recipes.common.frozen.bad_clip import BadClip
from recipes.common.frozen.example_moments import ExampleMoments
from recipes.common.frozen.feature_table import FeatureTable
from recipes.common.manifest import Segment
from recipes.common.protocol.examples import examples_of
from recipes.common.tasks.classes import Classes

REST = dict.fromkeys(("sex", "split", "fold", "session", "text_id"), "")
REST |= {"speaker": "a", "label": "joy"}


def clip(path, **other):
    about = {"id": path, "path": path, "start": None, "end": None, **REST, **other}
    return Segment(**about)


def table(tmp_path, text):
    path = tmp_path / "features.csv"
    path.write_text(text, encoding="utf-8")
    return FeatureTable(path)


@pytest.mark.parametrize(
    "text",
    [
        # SMILExtract -csvoutput.
        "name;frameTime;F0_mean;jitter\n'a.wav';0.000000;1.5;2\n'b';0.000000;3;4\n",
        # The Python package's.
        "file,start,end,F0_mean,jitter\n"
        "/data/wav/a.wav,0 days,0 days 00:00:01.5,1.5,2\n/data/wav/b.wav,0 days,0 days,3,4e0\n",
        # Of another machine, and of other files of the same clips.
        "\ufeffFile\tF0\tjitter\nC:\\data\\wav\\a.flac\t1.5\t2\nwav/b\t3\t4\n\n",
        # Of several corpora, where names alone say too little.
        "file,F0,jitter\none/wav/a.wav,1.5,2\none/other/a.wav,7,7\nb.wav,3,4\n",
    ],
)
def test_rows_are_found(tmp_path, text):
    found = table(tmp_path, text)
    for path, expected in (("wav/a.wav", [1.5, 2]), ("wav/b.wav", [3, 4])):
        assert found.shape(clip(path)) == (1, 2)
        # One frame: its values are the mean, and it has no deviation.
        values = found.moments(clip(path)).values
        np.testing.assert_array_equal(values, [expected, [0, 0]])


def test_parts_of_a_file_are_found_by_id(tmp_path):
    found = table(tmp_path, "name;x\n'300_12';1\n'300_AUDIO';2\n")
    part = clip("300/300_AUDIO.wav", id="300_12", start=3.0, end=4.5)
    assert found.moments(part).values[0] == [1]


def test_rows_that_are_not_one(tmp_path):
    found = table(tmp_path, "file,x\nwav/a.wav,1\na.wav,2\n")
    with pytest.raises(BadClip, match=r"more than one row \(lines 2 and 3\)"):
        found.shape(clip("wav/a.wav"))
    with pytest.raises(BadClip, match="no row"):
        found.shape(clip("wav/aa.wav"))


def test_a_cell_without_a_number_is_told_of_the_clip(tmp_path):
    found = table(tmp_path, "file,x,y\na.wav,1,\nb.wav,?,2\nc.wav,1,2\nd.wav,nan,2\n")
    segments = [clip(f"{name}.wav") for name in "abcd"]
    moments = ExampleMoments(found, Console(quiet=True))
    with pytest.raises(ValueError, match=r"NaN, .* for 3 clips \('a', 'b', 'd'\)"):
        moments.read(examples_of(segments, Classes(("joy",))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a column `file` or `name`"),
        ("clip,x\na,1\n", "with clip, x"),
        ("file,start,end\na,0,1\n", "columns of numbers"),
        ("file,x\na,1\nb,1,2\n", "cells, as the heading. Received: 3 in .*line 3"),
        ("file,x,emotion\na,1,joy\n", "Received: 'joy' in the column `emotion` of .*line 2"),
        ('file,x\n"a,1\n', "no CSV file"),
    ],
)
def test_what_is_no_table(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        table(tmp_path, text)


@pytest.mark.slow
def test_what_opensmile_writes(tmp_path, emodb4):
    """Its own table of real clips, made by a process without TensorFlow, beside which it aborts."""
    pytest.importorskip("opensmile")
    paths = ["audio/03a01Fa.ogg", "audio/03a01Nc.ogg"]
    program = f"""
import opensmile
features, level = opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals
smile = opensmile.Smile(feature_set=features, feature_level=level)
found = smile.process_files({[str(emodb4 / path) for path in paths]})
found.to_csv("functionals.csv")
found.to_numpy().tofile("functionals")
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    written = np.fromfile(tmp_path / "functionals", "float32").reshape(2, 88)
    found = FeatureTable(tmp_path / "functionals.csv")
    for path, row in zip(paths, written, strict=True):
        assert found.shape(clip(path)) == (1, 88)
        np.testing.assert_allclose(found.moments(clip(path)).values[0], row, rtol=1e-6)
