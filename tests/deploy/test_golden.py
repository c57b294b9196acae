"""Golden vectors: written, checked, and refused where they are not what they were."""

import hashlib
import json

import numpy as np
import pytest
import soundfile

from keras_reparam.deploy import check_golden, write_golden
from keras_reparam.deploy.runtime.runtime import Runtime


@pytest.fixture
def models(float_file, int8_file):
    return {"float32": float_file, "int8": int8_file}


@pytest.fixture
def folder(tmp_path, models, speech):
    write_golden(
        tmp_path / "golden",
        {"whole": speech.clips[0], "short": speech.clips[1][:20000]},
        models,
    )
    return tmp_path / "golden"


def test_content(folder, float_file):
    content = json.loads((folder / "golden.json").read_text())
    assert content["labels"] == ["anger", "happiness", "neutral", "sadness"]
    assert content["tolerance"] == {"float32": 1e-4, "int8": 0.02}
    assert [clip["file"] for clip in content["clips"]] == ["whole.wav", "short.wav"]
    runtime = Runtime(float_file.read_bytes())
    for clip in content["clips"]:
        path = folder / clip["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == clip["sha256"]
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        samples, _ = soundfile.read(path, dtype="float32")
        assert samples[0] and samples[-1]
        expected = runtime(np.pad(samples, (0, 64000 - len(samples))))
        assert np.allclose(clip["probabilities"]["float32"], expected, atol=1e-6)
        assert abs(sum(clip["probabilities"]["int8"]) - 1) < 1e-5


def test_check(folder, models):
    report = check_golden(folder, models)
    assert report.passed and len(report.rows) == 4
    assert max(row.difference for row in report.rows) < 1e-6
    assert "whole.wav" in str(report)


def test_same_files_again(folder, tmp_path, models, speech):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    (folder / "stale.wav").write_bytes(b"")
    clips = {"whole": speech.clips[0], "short": speech.clips[1][:20000]}
    write_golden(folder, clips, models)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["golden"]


def test_another_model_fails(folder, models):
    index = folder / "golden.json"
    content = json.loads(index.read_text())
    scores = content["clips"][0]["probabilities"]["float32"]
    content["clips"][0]["probabilities"]["float32"] = [p + 2e-4 for p in scores]
    scores = content["clips"][1]["probabilities"]["int8"]
    content["clips"][1]["probabilities"]["int8"] = scores[::-1]
    index.write_text(json.dumps(content))
    report = check_golden(folder, models)
    assert not report.passed
    assert [row.passed for row in report.rows] == [False, True, True, False]
    assert not report.rows[3].same_top1 and "NO" in str(report)


def test_changed_clip(folder, models):
    path = folder / "short.wav"
    path.write_bytes(path.read_bytes()[:-2] + b"\1\1")
    with pytest.raises(ValueError, match="sha256 differs"):
        check_golden(folder, models)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"clips": [{}], "labels": 3}'])
def test_broken_index(folder, models, text):
    (folder / "golden.json").write_text(text)
    with pytest.raises(ValueError):
        check_golden(folder, models)


def test_bad_arguments(tmp_path, models, speech):
    clip = speech.clips[0]
    for clips, message in (
        ({}, "at least one"),
        ({"long": np.tile(clip, 2)}, "at most 64000"),
        ({"stereo": np.stack([clip, clip])}, "mono"),
        ({"loud": clip * 100}, "between -1 and 1"),
        ({"nan": clip * np.nan}, "between -1 and 1"),
        ({"silent": clip * 0}, "sound"),
        ({"../up": clip}, "name"),
    ):
        with pytest.raises(ValueError, match=message):
            write_golden(tmp_path / "golden", clips, models)
    for bad in ({}, {"int4": models["int8"]}, {"int8_full": models["int8"]}):
        with pytest.raises(ValueError, match="kinds"):
            write_golden(tmp_path / "golden", {"a": clip}, bad)
    with pytest.raises(FileNotFoundError, match="no golden vectors"):
        check_golden(tmp_path, models)
    assert not list(tmp_path.iterdir())
