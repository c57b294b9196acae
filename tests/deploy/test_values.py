"""Files of values: a linear head, with unit and range."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import soundfile

import keras_reparam as kr
from keras_reparam._utils.concordance import concordance
from keras_reparam.cli import main
from keras_reparam.deploy.conversion.convert import convert
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata, read_metadata
from keras_reparam.models import create, with_front_end

RATE, WINDOW = 16000, 16000
AGES = {"head": "linear", "labels": ["age"], "unit": "years", "value_range": (18, 80)}


@pytest.fixture(scope="module")
def model():
    """A waveform's age, in years, which varies with it."""
    keras.utils.set_random_seed(0)
    light = create("conv_transformer", num_classes=1, num_mels=40, frames=100)
    kernel, bias = light.get_layer("classifier").get_weights()
    light.get_layer("classifier").set_weights([60 * kernel, bias + 40])
    return with_front_end(light, kr.audio.LogMel(num_mels=40))


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    tones = np.sin(np.arange(WINDOW) * rng.uniform(0.02, 1.5, (40, 1)))
    noise = rng.normal(size=(40, WINDOW)) * rng.uniform(0, 1, (40, 1))
    return (0.2 * (tones + noise)).clip(-1, 1).astype("float32")


@pytest.fixture(scope="module")
def files(model, clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    for kind in ("float32", "int8"):
        report = kr.export_tflite(
            model, folder / f"{kind}.tflite", quantization=kind, representative_data=clips, **AGES
        )
        assert ("head", "linear") in report.rows and report.metadata.value_range == (18.0, 80.0)
    return folder


@pytest.mark.slow
def test_a_value_with_its_range(files, model, clips, capsys):
    classifier = kr.load_classifier(files / "float32.tflite")
    result = classifier.classify(clips[0], RATE)
    expected = keras.ops.convert_to_numpy(model(clips[:1]))[0, 0]
    assert result.value == pytest.approx(expected, abs=1e-3) and result.label is None
    assert result.values == {"age": result.value} and not result.unsure
    assert result.as_dict()["values"] == {"age": result.value}
    assert (result.as_dict()["unit"], result.as_dict()["range"]) == ("years", [18.0, 80.0])
    assert f"{result.value:.1f} years" in str(result) and "of 18.0 to 80.0" in str(result)
    (streamed,) = classifier.stream([clips[0]], RATE)
    assert streamed.value == pytest.approx(result.value, abs=1e-4)
    silent = classifier.classify(np.zeros(WINDOW), RATE)
    assert silent.silence and silent.value is None and silent.as_dict()["values"] == {"age": None}
    soundfile.write(files / "clip.wav", clips[0], RATE)
    given = ["classify", str(files / "clip.wav"), "--model", str(files / "int8.tflite")]
    assert main([*given, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["values"]["age"] == pytest.approx(expected, abs=6)


@pytest.mark.slow
def test_verified_by_concordance(files, model, clips):
    truth = keras.ops.convert_to_numpy(model(clips))[:, 0] + 1
    for kind in ("float32", "int8"):
        report = kr.verify_tflite(files / f"{kind}.tflite", model, clips, truth=truth)
        found = report.comparison
        assert report.passed, str(report)
        assert found.ccc == pytest.approx(concordance(truth, report.scores[:, 0]))
        assert found.ua is None and found.ccc_drop == found.model_ccc - found.ccc
        assert "drop of the CCC" in str(report) and "CCC with the model" in str(report)
    worse = kr.verify_tflite(files / "int8.tflite", model, clips, truth=truth - 30)
    assert worse.comparison.ccc < found.ccc - 0.2
    with pytest.raises(ValueError, match="must hold numbers"):
        kr.verify_tflite(files / "int8.tflite", model, clips, truth=["old"] * 40)


@pytest.mark.slow
def test_commands(model, clips, tmp_path, capsys):
    """Exported and verified by the commands, against a CSV whose column is called as the value."""
    model.save(tmp_path / "age.keras")
    truth = keras.ops.convert_to_numpy(model(clips[:4]))[:, 0]
    rows = ["path,age"]
    for i, age in enumerate(truth):
        soundfile.write(tmp_path / f"{i}.wav", clips[i], RATE)
        rows.append(f"{i}.wav,{age}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    file = str(tmp_path / "age.tflite")
    given = ["--quantization", "float32", "--labels", "age", "--head", "linear", "--unit", "years"]
    assert main(["export", str(tmp_path / "age.keras"), "-o", file, *given]) == 2
    assert "needs a `value_range`" in capsys.readouterr().err
    given += ["--range", "18", "80"]
    assert main(["export", str(tmp_path / "age.keras"), "-o", file, *given]) == 0
    against = ["--against", str(tmp_path / "age.keras"), "--clips", str(tmp_path / "clips.csv")]
    capsys.readouterr()
    assert main(["verify", file, *against, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ccc"] > 0.999 and found["ua"] is None


def test_what_a_file_says_of_its_values():
    about = TFLiteMetadata(**{**AGES, "value_range": (-1, 2.5)}, sample_rate=RATE)
    assert about.value_range == (-1, 2.5)
    for changes, message in (
        ({"value_range": None}, "needs a `value_range`"),
        ({"value_range": (2, 2)}, "needs a `value_range`"),
        ({"value_range": (0, float("nan"))}, "needs a `value_range`"),
        ({"head": "softmax"}, 'go with head="linear"'),
        ({"unsure_below": 0.5}, "a value has no probability"),
        ({"unit": "a; b"}, "must not hold"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(about, **changes)


def test_words_that_are_no_scale():
    plain = convert(keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])).content
    about = TFLiteMetadata(**{**AGES, "labels": ("age",)})
    content = add_metadata(plain, about)
    assert read_metadata(content) == about
    for words in (b"range: 80.0 to 18.0", b"range: 18.0 or 80.0", b"rangy: 18.0 to 80.0"):
        foreign = read_metadata(content.replace(b"range: 18.0 to 80.0", words))
        assert (foreign.head, foreign.value_range) == ("softmax", None)
