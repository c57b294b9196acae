"""Waveform in, logits out: in Keras and in TFLite."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models import ConvTransformer
from tests.models.helpers import call

SMALL = {"channels": 3, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 12}
RNG = np.random.default_rng(2)


def noise(*shape):
    return (0.1 * RNG.standard_normal(shape)).astype("float32")


@pytest.fixture(scope="module")
def log_mel():
    layer = kr.audio.LogMel(num_mels=20)
    layer.adapt(noise(3, 8000))
    return layer


@pytest.fixture(scope="module")
def wave(log_mel, randomized):
    backbone = ConvTransformer(**SMALL, num_classes=3, num_mels=20, frames=50, name="ser")
    return kr.models.with_front_end(randomized(backbone), log_mel)


@pytest.mark.backend
def test_is_front_end_then_backbone_with_the_mask(wave, log_mel):
    assert wave.input_shape == (None, 8000)
    waveform = noise(3, 8000)
    waveform[1, 3001:] = 0
    backbone = wave.get_layer("ser")
    features, mask = log_mel(waveform), log_mel.compute_mask(waveform)
    expected = call(backbone, features, mask)
    np.testing.assert_allclose(call(wave, waveform), expected, atol=1e-6)
    # The mask matters.
    assert np.abs(call(backbone, np.array(features))[1] - expected[1]).max() > 1e-4


@pytest.mark.backend
@pytest.mark.parametrize("samples", [3041, 7990])
def test_zeros_after_a_clip_change_nothing(wave, log_mel, samples):
    clip = noise(1, samples)
    backbone = wave.get_layer("ser")
    shorter = ConvTransformer.from_config({**backbone.get_config(), "frames": None})
    shorter.set_weights(backbone.get_weights())
    mask = log_mel.compute_mask(clip)
    expected = call(shorter, log_mel(clip), mask)
    padded = np.pad(clip, ((0, 0), (0, 8000 - samples)))
    np.testing.assert_allclose(call(wave, padded), expected, atol=1e-5)


@pytest.mark.backend
def test_silence_is_finite(wave):
    assert np.isfinite(call(wave, np.zeros((2, 8000), "float32"))).all()


@pytest.mark.backend
def test_file_round_trip_keeps_the_statistics(wave, tmp_path):
    waveform = noise(2, 8000)
    wave.save(tmp_path / "wave.keras")
    loaded = keras.saving.load_model(tmp_path / "wave.keras")
    np.testing.assert_array_equal(call(loaded, waveform), call(wave, waveform))


# Keras says that a functional model does not pass the mask on: right, and wanted.
@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:Layer 'functional.*does not support masking")
def test_a_plain_keras_backbone(log_mel):
    features = keras.Input((50, 20))
    x = keras.layers.GRU(4)(features)
    wave = kr.models.with_front_end(keras.Model(features, keras.layers.Dense(2)(x)), log_mel)
    assert wave.output_shape == (None, 2)
    assert np.isfinite(call(wave, noise(2, 8000))).all()


@pytest.mark.backend
def test_mixed_precision_leaves_the_front_end_alone(wave, log_mel):
    backbone = wave.get_layer("ser")
    mixed = ConvTransformer.from_config({**backbone.get_config(), "dtype": "mixed_bfloat16"})
    mixed.set_weights(backbone.get_weights())
    waveform = noise(2, 8000)
    logits = call(kr.models.with_front_end(mixed, log_mel), waveform)
    np.testing.assert_allclose(logits, call(wave, waveform), atol=0.15)


@pytest.mark.parametrize(
    ("backbone", "front_end", "error", "message"),
    [
        (ConvTransformer(**SMALL, num_classes=3, num_mels=21, frames=9), None, ValueError, "bands"),
        (ConvTransformer(**SMALL, num_classes=3, num_mels=20), None, ValueError, "frames="),
        (keras.Sequential([keras.layers.Dense(3)]), None, ValueError, "built"),
        ("conv_transformer", None, TypeError, "backbone"),
        (
            ConvTransformer(**SMALL, num_classes=3, num_mels=20, frames=9),
            "mel",
            TypeError,
            "log_mel",
        ),
    ],
    ids=["bands", "frames", "unbuilt", "name", "log_mel"],
)
def test_bad_input(backbone, front_end, error, message, log_mel):
    with pytest.raises(error, match=message):
        kr.models.with_front_end(backbone, front_end or log_mel)


LOADS = """
import sys
import keras
import keras_reparam
import keras_reparam.audio, keras_reparam.models
import numpy as np
model = keras.saving.load_model(sys.argv[1])
print(type(model.get_layer("ser")).__name__, np.isfinite(model.predict(
    np.zeros((1, 8000), "float32"), verbose=0)).all())
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same on all")
@pytest.mark.slow
def test_loads_in_a_new_process(wave, tmp_path, run_python):
    wave.save(tmp_path / "wave.keras")
    result = run_python("-c", LOADS, tmp_path / "wave.keras")
    assert result.stdout.split() == ["ConvTransformer", "True"], result.stderr


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
class TestTFLite:
    def converted(self, call, samples):
        import tensorflow as tf
        from ai_edge_litert.interpreter import Interpreter

        signature = [tf.TensorSpec((1, samples), tf.float32)]
        function = tf.function(call, input_signature=signature).get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
        # Fails where another operator would be needed.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        content = converter.convert()
        return Interpreter(model_content=content, num_threads=1), content

    def run(self, interpreter, waveform):
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], waveform)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    def check_graph(self, content):
        from ai_edge_litert import schema_py_generated as schema

        model = schema.Model.GetRootAs(content, 0)
        assert model.SubgraphsLength() == 1
        custom = schema.BuiltinOperator.CUSTOM
        codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
        names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
        used = {names[code.BuiltinCode()] for code in codes}
        assert names[custom] not in used
        # Static: nothing computes a shape.
        assert not used & {"SHAPE", "PACK", "RANGE", "WHILE", "IF", "GATHER", "GATHER_ND"}

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"frame_length": 401, "hop_length": 150, "power": 1.0, "window": "hamming"},
            {"frame_length": 255, "hop_length": 301, "fft_length": 256, "mel_scale": "htk"},
            {"utterance_mean": True},
            {
                **{"level_normalization": True, "remove_dc_offset": True, "log_offset": 1e-3},
                **{"utterance_mean": True, "utterance_std": True},
            },
            {"utterance_mean": True, "fft_length": 2048, "mel_scale": "htk", "power": 1.0},
        ],
        ids=["default", "odd", "htk", "utterance_mean", "level", "utterance_mean_htk"],
    )
    def test_front_end(self, options):
        layer = kr.audio.LogMel(**options)
        layer.adapt(noise(2, 4000))
        interpreter, content = self.converted(layer, 16000)
        self.check_graph(content)
        waveforms = [np.zeros((1, 16000), "float32"), noise(1, 16000), 3e-4 * noise(1, 16000)]
        waveforms.append(np.where(np.arange(16000) < 9001, waveforms[1], 0))
        for waveform in waveforms:
            expected = np.array(layer(waveform))
            assert np.isfinite(expected).all()
            np.testing.assert_allclose(self.run(interpreter, waveform), expected, atol=1e-4)

    def test_mask(self):
        def call(waveform):
            mask = kr.audio.frame_mask(waveform, frame_length=400, hop_length=160)
            return keras.ops.cast(mask, "float32")

        interpreter, content = self.converted(call, 4001)
        self.check_graph(content)
        waveform = noise(1, 4001)
        waveform[0, 900:2500] = 0
        expected = np.array(call(waveform))
        assert 0 < expected.sum() < expected.size
        np.testing.assert_array_equal(self.run(interpreter, waveform), expected)

    def test_whole_model(self, wave):
        interpreter, content = self.converted(lambda x: wave(x, training=False), 8000)
        self.check_graph(content)
        waveforms = [noise(1, 8000), np.zeros((1, 8000), "float32"), noise(1, 8000)]
        waveforms[2][0, 4321:] = 0
        for waveform in waveforms:
            expected = np.array(wave(waveform))
            np.testing.assert_allclose(self.run(interpreter, waveform), expected, atol=1e-4)

    @pytest.mark.slow
    def test_light_model_of_the_registry(self, clip, randomized):
        if not clip.is_file():
            pytest.skip(f"no clip {clip}")
        samples = kr.audio.load(clip)
        log_mel = kr.audio.LogMel()
        log_mel.adapt([samples])
        backbone = kr.models.create("conv_transformer", num_classes=4)
        wave = kr.models.with_front_end(randomized(backbone), log_mel)
        interpreter, content = self.converted(lambda x: wave(x, training=False), 64000)
        self.check_graph(content)
        waveform = np.pad(samples[:64000], (0, max(0, 64000 - len(samples))))[None]
        expected = np.array(wave(waveform))
        np.testing.assert_allclose(self.run(interpreter, waveform), expected, atol=1e-4)
