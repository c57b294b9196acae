"""The models that `build_app.py` refuses, each with what to do about it."""

import importlib.util
import shutil
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "android_demo"
PRETRAINED = DEMO.parent / "keras_reparam" / "pretrained"
SHIPPED = PRETRAINED / "ser_int8.tflite"


@pytest.fixture(scope="module")
def build_app():
    spec = importlib.util.spec_from_file_location("build_app", DEMO / "build_app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def refusal(build_app, monkeypatch, capsys):
    """What the command says of models that it refuses; it must not get as far as Maven."""

    def ask(*models):
        monkeypatch.setattr(build_app.subprocess, "run", lambda *_, **__: pytest.fail("Maven ran"))
        assert build_app.main(list(map(str, models))) == 2
        return capsys.readouterr().err

    return ask


def exported(folder, shape, **metadata):
    """A model of the shape `(samples,)` or `(frames, bands)` with three scores."""
    import keras

    import keras_reparam as kr

    if keras.config.backend() != "tensorflow":
        pytest.skip("export is tested where Keras runs on TensorFlow")
    inputs = keras.Input(shape, batch_size=1)
    flat = keras.layers.Reshape((-1,))(inputs) if len(shape) > 1 else inputs
    model = keras.Model(inputs, keras.layers.Dense(3)(flat))
    path = folder / "mine.tflite"
    kr.export_tflite(model, path, quantization="float32", **metadata)
    return path


def test_the_shipped_models_pass(build_app):
    build_app.check([SHIPPED, PRETRAINED / "ser_float32.tflite"])


def test_a_model_of_features(refusal, tmp_path):
    model = exported(tmp_path, (20, 10), labels=["a", "b", "c"])
    said = refusal(model)
    assert "one waveform [1, samples], its front end inside; it takes (1, 20, 10)" in said


def test_a_model_without_labels(refusal, tmp_path):
    said = refusal(exported(tmp_path, (800,), sample_rate=16000))
    assert "labels and sample rate must be inside: kr.export_tflite(" in said


def test_a_model_without_a_sample_rate(refusal, tmp_path):
    said = refusal(exported(tmp_path, (800,), labels=["a", "b", "c"]))
    assert "labels and sample rate must be inside" in said


def test_models_that_cannot_be_switched(refusal, tmp_path):
    other = exported(tmp_path, (800,), labels=["a", "b", "c"], sample_rate=8000)
    said = refusal(SHIPPED, other)
    assert "the same labels, head, sample rate and window" in said
    assert "mine.tflite: probabilities of a, b, c, in this order, 8000 Hz, 800 samples" in said


def test_values_pass_but_not_beside_classes_of_the_same_names(build_app, refusal, tmp_path):
    options = {"labels": ["a", "b", "c"], "sample_rate": 8000}
    scale = {"head": "linear", "unit": "years", "value_range": (1, 9)}
    values = exported(tmp_path, (800,), **options, **scale).rename(tmp_path / "values.tflite")
    build_app.check([values])
    said = refusal(values, exported(tmp_path, (800,), **options))
    assert "values.tflite: a, b, c in years, on a scale from 1.00 to 9.00, 8000 Hz" in said


@pytest.mark.parametrize("size", [0, 100, 100_000])
def test_a_file_that_is_cut(refusal, tmp_path, size):
    path = tmp_path / "cut.tflite"
    path.write_bytes(SHIPPED.read_bytes()[:size])
    assert "cut.tflite" in refusal(path)


def test_no_such_file(refusal, tmp_path):
    assert "gone.tflite" in refusal(tmp_path / "gone.tflite")


def test_names(refusal, tmp_path):
    assert "must end in .tflite" in refusal(shutil.copy(SHIPPED, tmp_path / "model.bin"))
    (tmp_path / "other").mkdir()
    copies = [shutil.copy(SHIPPED, tmp_path / name) for name in ("a.tflite", "other/a.tflite")]
    assert "different file names" in refusal(*copies)


def test_without_maven(build_app, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert build_app.main([str(SHIPPED)]) == 2
    assert "Maven is missing" in capsys.readouterr().err
