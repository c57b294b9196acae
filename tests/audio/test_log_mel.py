"""The front end against librosa."""

import warnings

import keras
import librosa
import numpy as np
import pytest

from keras_reparam.audio import LogMel, load

RNG = np.random.default_rng(7)
NOISE = (0.1 * RNG.standard_normal((2, 8000))).astype("float32")


def reference(layer, waveform):
    """librosa with `center=False` on the waveform followed by zeros."""
    frames = -(-len(waveform) // layer.hop_length)
    needed = (frames - 1) * layer.hop_length + layer.fft_length
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bands without a bin
        mel = librosa.feature.melspectrogram(
            y=np.pad(waveform, (0, max(0, needed - len(waveform))))[:needed],
            sr=layer.sample_rate,
            n_fft=layer.fft_length,
            win_length=layer.frame_length,
            hop_length=layer.hop_length,
            window=layer.window,
            center=False,
            power=layer.power,
            n_mels=layer.num_mels,
            fmin=layer.fmin,
            fmax=layer.fmax,
            htk=layer.mel_scale == "htk",
        )
    return np.log(mel + layer.log_offset).T


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"window": "hamming", "power": 1.0, "num_mels": 128, "log_offset": 1e-8},
        {"mel_scale": "htk", "fmin": 20.0, "fmax": 7600.0, "num_mels": 40},
        {"frame_length": 512, "hop_length": 128},
        {"frame_length": 400, "hop_length": 160, "fft_length": 1024},
        {"sample_rate": 8000, "frame_length": 200, "hop_length": 80, "fft_length": 256},
        {"frame_length": 401, "hop_length": 157},
        {"frame_length": 100, "hop_length": 300, "fft_length": 128, "num_mels": 20},
    ],
    ids=lambda options: ",".join(options) or "default",
)
@pytest.mark.parametrize("samples", [8000, 4567])
def test_equals_librosa(options, samples):
    layer = LogMel(**options)
    features = np.array(layer(NOISE[:, :samples]))
    assert features.shape == layer.compute_output_shape((2, samples))
    assert features.dtype == np.float32
    for ours, waveform in zip(features, NOISE[:, :samples], strict=True):
        np.testing.assert_allclose(ours, reference(layer, waveform), atol=1e-4)


@pytest.mark.parametrize("samples", [1, 56, 57, 159, 160, 161, 399])
def test_very_short_waveforms(samples):
    layer = LogMel()
    features = np.array(layer(NOISE[0, :samples]))
    assert features.shape == (1, -(-samples // 160), 64)
    np.testing.assert_allclose(features[0], reference(layer, NOISE[0, :samples]), atol=1e-4)


def test_equals_librosa_on_real_speech(clip):
    if not clip.is_file():
        pytest.skip(f"no clip {clip}")
    waveform = load(clip)
    layer = LogMel()
    np.testing.assert_allclose(np.array(layer(waveform))[0], reference(layer, waveform), atol=1e-4)


def test_equals_librosa_on_the_corpora(shared_data):
    for path in ("emodb/audio/03a01Fa.flac", "crema_d/audio/1001_IEO_ANG_HI.flac"):
        waveform = load(shared_data / path)
        for layer in (LogMel(), LogMel(window="hamming", power=1.0, log_offset=1e-8)):
            np.testing.assert_allclose(
                np.array(layer(waveform))[0], reference(layer, waveform), atol=1e-4
            )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_stays_float32_under_mixed_precision(policy):
    expected = np.array(LogMel()(NOISE))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layer = LogMel()
        features = layer(NOISE)
        again = LogMel.from_config(layer.get_config())
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(features.dtype) == "float32"
    assert again.dtype_policy.name == "float32"
    np.testing.assert_array_equal(np.array(features), expected)


def test_sets_the_keras_mask():
    waveform = NOISE.copy()
    waveform[1, 3000:] = 0

    class Spy(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, mask=None):
            return keras.ops.cast(mask, "float32")

    inputs = keras.Input((8000,))
    model = keras.Model(inputs, Spy()(LogMel()(inputs)))
    expected = np.array(LogMel().compute_mask(waveform))
    np.testing.assert_array_equal(np.array(model(waveform)) > 0, expected)
    assert expected.sum(axis=1).tolist() == [50, 19]


def test_zeros_after_a_clip_change_nothing_but_the_mask():
    layer = LogMel()
    longer = np.pad(NOISE, ((0, 0), (0, 3333)))
    frames = 50
    first, second = np.array(layer(NOISE)), np.array(layer(longer))
    np.testing.assert_allclose(second[:, :frames], first, atol=1e-5)
    mask = np.array(layer.compute_mask(longer))
    np.testing.assert_array_equal(mask[:, :frames], np.array(layer.compute_mask(NOISE)))
    assert not mask[:, frames:].any()


class TestAdapt:
    def clips(self):
        clips = [NOISE[0, :5000].copy(), NOISE[1, :7777].copy(), np.zeros(900, "float32")]
        clips[0][3000:] = 0
        return clips

    def test_statistics_of_the_valid_frames(self):
        layer = LogMel(num_mels=20)
        valid = [
            reference(layer, clip)[np.array(layer.compute_mask(clip))[0]] for clip in self.clips()
        ]
        valid = np.concatenate(valid)
        layer.adapt(iter(self.clips()))
        np.testing.assert_allclose(np.array(layer.mean), valid.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(np.array(layer.std), valid.std(axis=0), atol=1e-4)
        normal = np.concatenate(
            [np.array(layer(c))[np.array(layer.compute_mask(c))] for c in self.clips()[:2]]
        )
        np.testing.assert_allclose(normal.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(normal.std(axis=0), 1, atol=1e-4)
        assert not layer.trainable_weights

    def test_stored_features_and_mask_give_the_same(self):
        first, second = LogMel(num_mels=20), LogMel(num_mels=20)
        waveforms = NOISE.copy()
        waveforms[1, 2000:] = 0
        first.adapt(waveforms)
        raw = np.array(second(waveforms))
        second.adapt(raw, mask=np.array(second.compute_mask(waveforms)))
        np.testing.assert_allclose(np.array(second.mean), np.array(first.mean), atol=1e-5)
        np.testing.assert_allclose(np.array(second.std), np.array(first.std), atol=1e-5)
        np.testing.assert_allclose(
            np.array(second.normalize(raw)), np.array(first(waveforms)), atol=1e-4
        )

    def test_a_band_that_does_not_vary(self):
        layer = LogMel(num_mels=20)
        raw = np.array(layer(NOISE))
        raw[:, :, 3] = 5.0
        layer.adapt(raw)
        assert np.array(layer.std)[3] == 1.0
        assert np.isfinite(np.array(layer(NOISE))).all()

    def test_a_second_call_starts_afresh(self):
        first, second = LogMel(), LogMel()
        first.adapt(NOISE * 0.01)
        first.adapt(NOISE)
        second.adapt(NOISE)
        np.testing.assert_array_equal(np.array(first.mean), np.array(second.mean))

    @pytest.mark.parametrize(
        ("data", "options", "message"),
        [
            ([np.zeros(1000, "float32")], {}, "nonzero sample"),
            ([], {}, "nonzero sample"),
            ([np.full(1000, np.nan, "float32"), NOISE[0]], {}, "finite"),
            (np.full((1, 5, 64), np.nan, "float32"), {}, "finite"),
            (np.zeros((1, 5, 63), "float32"), {}, "64 mel bands"),
            (np.zeros((1, 5, 64), "float32"), {"mask": np.ones((1, 4), bool)}, "mask"),
            (NOISE, {"mask": np.ones((2, 50), bool)}, "mask"),
            ([NOISE], {}, "shape"),
            ([np.ones(1000, "int16")], {}, "int16"),
            (3, {}, "iterable"),
            ("clip.wav", {}, "iterable"),
        ],
    )
    def test_bad_data_changes_nothing(self, data, options, message):
        layer = LogMel()
        layer.adapt(NOISE)
        before = np.array(layer.mean)
        with pytest.raises(ValueError, match=message):
            layer.adapt(data, **options)
        np.testing.assert_array_equal(np.array(layer.mean), before)


def test_config_and_file_round_trip(tmp_path):
    layer = LogMel(
        sample_rate=8000,
        frame_length=200,
        hop_length=80,
        fft_length=256,
        window="hamming",
        num_mels=20,
        fmin=50.0,
        fmax=3900.0,
        mel_scale="htk",
        power=1.0,
        log_offset=1e-5,
        name="front",
    )
    layer.adapt(NOISE)
    again = LogMel.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((8000,)), layer])
    model.save(tmp_path / "front.keras")
    loaded = keras.saving.load_model(tmp_path / "front.keras")
    np.testing.assert_array_equal(np.array(loaded(NOISE)), np.array(model(NOISE)))
    assert np.abs(np.array(loaded.layers[0].mean)).min() > 0.1


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 0},
        {"sample_rate": 16000.5},
        {"frame_length": True},
        {"hop_length": -1},
        {"fft_length": 500},
        {"fft_length": 256},
        {"window": "blackman"},
        {"num_mels": 0},
        {"fmin": -1.0},
        {"fmin": 8000.0},
        {"fmax": 9000.0},
        {"fmax": float("nan")},
        {"mel_scale": "bark"},
        {"power": 3.0},
        {"log_offset": 0.0},
        {"log_offset": "small"},
        {"dtype": "float16"},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match=r"Received: .*="):
        LogMel(**options)


def test_options_are_keyword_only():
    with pytest.raises(TypeError):
        LogMel(16000)


@pytest.mark.parametrize(
    "waveform", [np.zeros((1, 1, 400), "float32"), np.zeros((1, 400), "int16")], ids=["3d", "int"]
)
def test_bad_waveforms(waveform):
    with pytest.raises(ValueError, match="waveform"):
        LogMel()(waveform)
