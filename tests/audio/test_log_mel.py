"""The front end against librosa."""

import csv
import itertools
import warnings

import keras
import librosa
import numpy as np
import pytest
import scipy.signal

from keras_reparam.audio import LogMel, load
from tests.marks import slow_but

RNG = np.random.default_rng(7)
NOISE = (0.1 * RNG.standard_normal((2, 8000))).astype("float32")


# Every sample rate, FFT length, window, scale and power; odd lengths, a hop longer than the frame.
SPEECHFORMER = {"window": "hamming", "power": 1.0, "num_mels": 128, "log_offset": 1e-8}
ON_JAX = {"marks": pytest.mark.backend}
GRID = [
    pytest.param({}, **ON_JAX),
    pytest.param(SPEECHFORMER, **ON_JAX),
    *slow_but(
        [
            {"mel_scale": "htk", "fmin": 20.0, "fmax": 7600.0, "num_mels": 40},
            {"frame_length": 401, "hop_length": 157, "window": "hamming"},
            {"frame_length": 512, "hop_length": 128, "power": 1.0},
            {"fft_length": 1024, "mel_scale": "htk", "power": 1.0, "fmax": 4000.0},
            {"sample_rate": 8000, "frame_length": 200, "hop_length": 80, "fft_length": 256},
            {
                "sample_rate": 8000,
                "frame_length": 255,
                "hop_length": 101,
                "fft_length": 256,
                "power": 1.0,
            },
            {
                "frame_length": 100,
                "hop_length": 300,
                "fft_length": 256,
                "num_mels": 20,
                "fmin": 100.0,
            },
            {"sample_rate": 22050, "frame_length": 551, "hop_length": 221, "fft_length": 1024},
            {"sample_rate": 22050, "frame_length": 2048, "hop_length": 512, "fft_length": 2048},
        ]
    ),
    pytest.param(
        {"frame_length": 1025, "hop_length": 2000, "fft_length": 2048, "power": 1.0}, **ON_JAX
    ),
]


def mel_reference(layer, waveforms):
    """librosa in float64 with `center=False` on `(..., samples)` followed by zeros."""
    samples = waveforms.shape[-1]
    frames = -(-samples // layer.hop_length)
    needed = (frames - 1) * layer.hop_length + layer.fft_length
    after = [(0, 0)] * (waveforms.ndim - 1) + [(0, max(0, needed - samples))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bands without a bin
        mel = librosa.feature.melspectrogram(
            y=np.pad(waveforms, after)[..., :needed].astype("float64"),
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
    return mel.swapaxes(-1, -2)


def reference(layer, waveform):
    return np.log(mel_reference(layer, waveform) + layer.log_offset)


def check_equals_librosa(layer, waveforms):
    """Mel to 1e-5 of the clip's largest, log-mel to 1e-3 above the floor.

    The floor is `log_offset`, and what float32 can know: a sum of the frame's samples has an
    error of 1e-7 of the largest amplitude, which is 1e-3 of one that is 1e-4 of the largest. Where
    a filter of one or two bins meets a zero of the spectrum, the mel value may be less than that;
    at most one value in 100,000 is then further off.
    """
    # Ten at a time: a frame of 2,048 samples every 80 takes 26 times the waveform's memory.
    parts = [waveforms[i : i + 10] for i in range(0, len(waveforms), 10)]
    features = np.concatenate([np.array(layer(part)) for part in parts])
    assert features.shape == layer.compute_output_shape(waveforms.shape)
    assert features.dtype == np.float32
    expected = mel_reference(layer, waveforms)
    mel = np.exp(features.astype("float64")) - layer.log_offset
    largest = expected.max(axis=(1, 2), keepdims=True)
    assert (np.abs(mel - expected) <= 1e-5 * largest).all()
    above = expected > layer.log_offset
    known = above & (expected > 1e-4**layer.power * expected.max(axis=2, keepdims=True))
    assert known.mean() > 0.2
    difference = np.abs(features - np.log(expected + layer.log_offset))
    assert difference[known].max() <= 1e-3
    assert (difference[above] > 1e-3).mean() <= 1e-5


@pytest.fixture(scope="module")
def speech(emodb4):
    """50 real clips, five of each speaker, followed by zeros: `(50, 60001)`."""
    with (emodb4 / "emodb4.csv").open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["speaker"])
    clips = []
    for _, group in itertools.groupby(rows, key=lambda row: row["speaker"]):
        waveforms = (load(emodb4 / row["path"]) for row in group)
        clips += itertools.islice((w for w in waveforms if len(w) <= 60001), 5)
    return np.stack([np.pad(clip, (0, 60001 - len(clip))) for clip in clips])


@pytest.mark.parametrize("options", GRID, ids=lambda options: ",".join(options) or "default")
def test_equals_librosa_on_50_clips(options, speech):
    assert speech.shape == (50, 60001)
    check_equals_librosa(LogMel(**options), speech)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_equals_librosa_with_random_settings(seed, speech):
    rng = np.random.default_rng(seed)
    fft_length = int(rng.choice([256, 512, 1024, 2048]))
    frame_length = int(rng.integers(fft_length // 3, fft_length + 1))
    sample_rate = int(rng.choice([8000, 16000, 22050]))
    layer = LogMel(
        sample_rate=sample_rate,
        fft_length=fft_length,
        frame_length=frame_length,
        hop_length=int(rng.integers(max(frame_length // 4, 80), frame_length * 3 // 2)),
        window=str(rng.choice(["hann", "hamming"])),
        num_mels=int(rng.choice([20, 40, 64, 80, 128])),
        fmin=float(rng.choice([0, 20, 100])),
        fmax=[None, 0.45 * sample_rate, sample_rate / 4][rng.integers(3)],
        mel_scale=str(rng.choice(["slaney", "htk"])),
        power=float(rng.choice([1, 2])),
        log_offset=float(rng.choice([1e-6, 1e-8, 1e-10])),
    )
    check_equals_librosa(layer, speech)


@pytest.mark.parametrize("samples", [1, 56, 57, 159, 160, pytest.param(161, **ON_JAX), 399, 4567])
def test_short_waveforms(samples):
    layer = LogMel()
    features = np.array(layer(NOISE[0, :samples]))
    assert features.shape == (1, -(-samples // 160), 64)
    np.testing.assert_allclose(features[0], reference(layer, NOISE[0, :samples]), atol=1e-4)


def test_equals_librosa_on_the_corpora(shared_data):
    for path in ("emodb/audio/03a01Fa.flac", "crema_d/audio/1001_IEO_ANG_HI.flac"):
        waveform = load(shared_data / path)[None]
        for layer in (LogMel(), LogMel.from_preset("speechformer")):
            check_equals_librosa(layer, waveform)


class TestPresets:
    def test_speechformer_is_what_the_grid_compares(self):
        config = LogMel.from_preset("speechformer", name="log_mel").get_config()
        assert config == LogMel(**SPEECHFORMER, name="log_mel").get_config()

    def test_speechformer_against_the_published_extraction(self, clip):
        """SciPy's spectrogram with an FFT of one frame, a symmetric window, scaled magnitudes."""
        waveform = load(clip).astype("float64")
        _, _, spectrogram = scipy.signal.spectrogram(
            waveform, 16000, np.hamming(400), noverlap=240, detrend=False, mode="magnitude"
        )
        filters = librosa.filters.mel(sr=16000, n_fft=400, n_mels=128)
        published = np.log(spectrogram.T @ filters.T + 1e-8)
        layer = LogMel.from_preset("speechformer", log_offset=2e-5)
        # Our frames begin (512 - 400) / 2 samples later.
        features = np.array(layer(np.pad(waveform, (56, 0))))[0, : len(published)] - 7.62
        assert abs(np.median(features - published)) < 0.02
        assert np.median(np.abs(features - published)) < 0.15
        assert np.corrcoef(features.ravel(), published.ravel())[0, 1] > 0.97

    def test_overrides(self):
        layer = LogMel.from_preset("speechformer", num_mels=64, utterance_mean=True, name="front")
        assert (layer.num_mels, layer.utterance_mean, layer.name) == (64, True, "front")
        assert (layer.window, layer.power) == ("hamming", 1.0)

    @pytest.mark.parametrize("preset", ["speechformer_s", "", None, True, ["speechformer"]])
    def test_unknown_name(self, preset):
        with pytest.raises(ValueError, match="must be one of 'speechformer'. Received: preset="):
            LogMel.from_preset(preset)


@pytest.mark.backend
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


@pytest.mark.backend
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


@pytest.mark.backend
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

    @pytest.mark.backend
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

    @pytest.mark.backend
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


class TestUtteranceMean:
    def layer(self, **options):
        return LogMel(num_mels=20, utterance_mean=True, **options)

    def waveforms(self):
        waveforms = NOISE * np.float32([[1.0], [0.1]])
        waveforms[1, 5001:] = 0
        return waveforms

    def expected(self, waveforms):
        """librosa, each band's mean over the valid frames subtracted, in float64."""
        layer = self.layer()
        found = reference(layer, waveforms)
        for features, valid in zip(found, np.array(layer.compute_mask(waveforms)), strict=True):
            features -= features[valid].mean(axis=0)
            if layer.utterance_std:
                features /= features[valid].std()
        return found

    @pytest.mark.backend
    def test_is_the_mean_over_valid_frames(self):
        waveforms = self.waveforms()
        features = np.array(self.layer()(waveforms))
        np.testing.assert_allclose(features, self.expected(waveforms), atol=1e-4)

    @pytest.mark.backend
    def test_zeros_after_a_clip_change_no_valid_frame(self):
        layer, samples = self.layer(), 5001
        clip, longer = NOISE[:1, :samples], NOISE[:1].copy()
        longer[:, samples:] = 0
        valid = np.array(layer.compute_mask(clip))[0]
        first, second = np.array(layer(clip))[0], np.array(layer(longer))[0]
        np.testing.assert_allclose(second[: len(valid)][valid], first[valid], atol=1e-5)

    def test_loudness_does_not_matter(self):
        layer = self.layer(log_offset=1e-10)
        first, second = np.array(layer(NOISE)), np.array(layer(0.3 * NOISE))
        np.testing.assert_allclose(second, first, atol=1e-3)

    @pytest.mark.backend
    def test_no_valid_frame(self):
        layer = self.layer()
        assert np.isfinite(np.array(layer(np.zeros((2, 4000), "float32")))).all()

    def test_adapt_measures_after_it(self):
        waveforms = self.waveforms()
        layer = self.layer()
        layer.adapt([waveforms[0], waveforms[1, :6000], np.zeros(900, "float32")])
        mask = np.array(layer.compute_mask(waveforms))
        valid = self.expected(waveforms)[mask]
        np.testing.assert_allclose(np.array(layer.mean), 0, atol=1e-6)
        np.testing.assert_allclose(np.array(layer.std), valid.std(axis=0), atol=1e-4)
        normal = np.array(layer(waveforms))[mask]
        np.testing.assert_allclose(normal.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(normal.std(axis=0), 1, atol=1e-4)

    @pytest.mark.backend
    def test_stored_features_and_mask_give_the_same(self):
        waveforms = self.waveforms()
        first, second = self.layer(), self.layer()
        first.adapt(waveforms)
        raw = np.array(LogMel(num_mels=20)(waveforms))
        mask = np.array(first.compute_mask(waveforms))
        second.adapt(raw, mask=mask)
        np.testing.assert_allclose(np.array(second.std), np.array(first.std), atol=1e-5)
        features = np.array(second.normalize(raw, mask=mask))
        np.testing.assert_allclose(features[mask], np.array(first(waveforms))[mask], atol=1e-4)
        # A store's 16 bits, and one clip without its padding, alone.
        count = mask[1].sum()
        alone = np.array(second.normalize(raw[1, :count].astype("float16")))
        assert alone.dtype == np.float32
        np.testing.assert_allclose(alone, features[1, :count], atol=0.05)

    def test_is_part_of_the_config(self, tmp_path):
        assert LogMel().get_config()["utterance_mean"] is False
        layer = self.layer()
        layer.adapt(NOISE)
        model = keras.Sequential([keras.Input((8000,)), layer])
        model.save(tmp_path / "front.keras")
        loaded = keras.saving.load_model(tmp_path / "front.keras")
        assert loaded.layers[0].utterance_mean is True
        np.testing.assert_array_equal(np.array(loaded(NOISE)), np.array(model(NOISE)))


class TestUtteranceStd(TestUtteranceMean):
    def layer(self, **options):
        return super().layer(utterance_std=True, **options)

    def test_contrast_does_not_matter(self):
        """Twice as many decibels between loud and soft."""
        features = np.random.default_rng(1).normal(size=(2, 30, 20)).astype("float32")
        layer = self.layer()
        first, second = np.array(layer.normalize(features)), np.array(layer.normalize(2 * features))
        np.testing.assert_allclose(second, first, atol=1e-5)


def decibels(value):
    return np.float32(10 ** (value / 20))


LEVEL_OUT = {"level_normalization": True, "remove_dc_offset": True, "log_offset": 1e-5}


@pytest.fixture(scope="module")
def clips(speech):
    """Five speakers; 16 bits, so that scaled ones can be rounded anew."""
    return np.round(speech[::10] * 32768).astype("float32") / 32768


@pytest.fixture(scope="module")
def features(clips):
    layer = LogMel(**LEVEL_OUT)
    return np.array(layer(clips)), np.array(layer.compute_mask(clips))


class TestLevel:
    @pytest.mark.backend
    @pytest.mark.parametrize("power", [1.0, 2.0])
    def test_equals_librosa(self, clips, power):
        layer = LogMel(**{**LEVEL_OUT, "power": power})
        clips = clips + 0.01 * (clips != 0)
        exact = clips.astype("float64")
        for clip in exact:
            clip[clip != 0] -= clip[clip != 0].mean()
        mel = mel_reference(layer, exact)
        energy = mel.mean(axis=2)
        level = (energy**2).sum(axis=1) / energy.sum(axis=1)
        expected = np.log(mel / level[:, None, None] + 1e-5)
        np.testing.assert_allclose(np.array(layer(clips)), expected, atol=2e-3)

    @pytest.mark.backend
    @pytest.mark.parametrize("gain", [-30, -12.3, 12])
    def test_gain_does_not_matter(self, clips, features, gain):
        louder = np.array(LogMel(**LEVEL_OUT)(decibels(gain) * clips))
        np.testing.assert_allclose(louder, features[0], atol=1e-3)
        # At fixed floors it does.
        both = [np.array(LogMel()(x)) for x in (clips, decibels(gain) * clips)]
        assert np.abs(both[0] - both[1])[features[1]].mean() > 0.5

    @pytest.mark.parametrize(("gain", "mean"), [(-30, 0.04), (-20, 0.015), (-10, 0.005)])
    def test_nor_does_it_as_far_as_16_bits_allow(self, clips, features, gain, mean):
        """Differences in standard deviations of the features; they are the rounding's noise."""
        rounded = np.round(decibels(gain) * clips * 32768) / 32768
        expected, mask = features
        found = np.array(LogMel(**LEVEL_OUT)(rounded.astype("float32")))
        difference = np.abs(found - expected)[mask] / expected[mask].std(axis=0)
        assert difference.mean() < mean

    @pytest.mark.backend
    @pytest.mark.parametrize("offset", [0.02, -0.05])
    def test_dc_offset_does_not_matter(self, clips, features, offset):
        expected, mask = features
        ends = [np.flatnonzero(clip)[-1] + 1 for clip in clips]
        shifted = clips + np.float32(offset) * (np.arange(clips.shape[1]) < np.array(ends)[:, None])
        found = np.array(LogMel(**LEVEL_OUT)(shifted.astype("float32")))
        assert np.abs(found - expected)[mask].mean() < 0.01
        # A higher `fmin` would leave what leaks through the window.
        options = {**LEVEL_OUT, "remove_dc_offset": False, "fmin": 80.0}
        both = [np.array(LogMel(**options)(x)) for x in (clips, shifted.astype("float32"))]
        assert np.abs(both[0] - both[1])[mask].mean() > 0.02

    @pytest.mark.backend
    def test_zeros_before_and_after_change_no_valid_frame(self, clips, features):
        expected, mask = features
        longer = np.pad(clips, ((0, 0), (200 * 160, 3210)))
        found = np.array(LogMel(**LEVEL_OUT)(longer))[:, 200 : 200 + mask.shape[1]]
        np.testing.assert_allclose(found[mask], expected[mask], atol=1e-4)

    def test_soft_noise_before_the_clip_changes_little(self, clips, features):
        expected, mask = features
        noise = 1e-3 * np.random.default_rng(1).standard_normal((len(clips), 200 * 160))
        longer = np.concatenate([noise.astype("float32"), clips], axis=1)
        found = np.array(LogMel(**LEVEL_OUT)(longer))[:, 200:]
        assert np.abs(found - expected)[mask].mean() < 0.01

    @pytest.mark.backend
    def test_silence_and_one_bit_are_finite(self):
        layer = LogMel(**LEVEL_OUT)
        waveforms = np.zeros((2, 4000), "float32")
        waveforms[1, 1000] = 1 / 32768
        features = np.array(layer(waveforms))
        assert np.isfinite(features).all()
        np.testing.assert_allclose(features[0], np.log(1e-5), rtol=1e-5)

    def test_the_mask_is_that_of_the_raw_waveform(self, clips):
        """A constant is sound to the mask, whatever is left of it."""
        waveforms = np.zeros((1, 8000), "float32")
        waveforms[0, :4000] = 0.25
        layer, plain = LogMel(**LEVEL_OUT), LogMel()
        for x in (waveforms, clips):
            np.testing.assert_array_equal(
                np.array(layer.compute_mask(x)), np.array(plain.compute_mask(x))
            )
        assert np.isfinite(np.array(layer(waveforms))).all()

    @pytest.mark.backend
    @pytest.mark.parametrize("utterance_mean", [False, True])
    def test_stored_features_and_mask_give_the_same(self, clips, utterance_mean):
        options = {**LEVEL_OUT, "utterance_mean": utterance_mean}
        first, second = LogMel(**options), LogMel(**options)
        first.adapt(clips)
        mask = np.array(first.compute_mask(clips))
        raw = np.array(first.unnormalized()(decibels(-20) * clips)).astype("float16")
        # What stands where no frame is valid is a batch's padding.
        raw[~mask] = 0
        second.adapt(raw, mask=mask)
        for name in ("mean", "std"):
            stored, direct = (np.array(getattr(layer, name)) for layer in (second, first))
            np.testing.assert_allclose(stored, direct, atol=2e-3)
        found, expected = second.normalize(raw, mask=mask), first(clips)
        np.testing.assert_allclose(np.array(found)[mask], np.array(expected)[mask], atol=0.02)

    def test_files_of_before_mean_what_they_meant(self):
        config = LogMel(utterance_mean=True, name="front").get_config()
        assert not config["level_normalization"] and not config["remove_dc_offset"]
        before = {k: v for k, v in config.items() if k not in LEVEL_OUT or k == "log_offset"}
        assert LogMel.from_config(before).get_config() == config


@pytest.mark.backend
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_silence(value):
    """Frames with such a sample are valid and NaN, and no other frame; or all of the clip's."""
    waveform = NOISE[:1].copy()
    waveform[0, 4000] = value
    for option in (None, "utterance_mean", "level_normalization", "remove_dc_offset"):
        layer = LogMel(**({} if option is None else {option: True}))
        hit = np.isnan(np.array(layer(waveform))).all(axis=2)[0]
        starts = np.arange(50) * 160 + 56
        around = (starts <= 4000) & (starts > 3600)
        np.testing.assert_array_equal(hit, around | (option is not None))
        assert np.array(layer.compute_mask(waveform)).all()


@pytest.mark.backend
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
        utterance_mean=True,
        level_normalization=True,
        remove_dc_offset=True,
        name="front",
    )
    layer.adapt(NOISE)
    again = LogMel.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((8000,)), layer])
    model.save(tmp_path / "front.keras")
    loaded = keras.saving.load_model(tmp_path / "front.keras")
    np.testing.assert_array_equal(np.array(loaded(NOISE)), np.array(model(NOISE)))
    assert np.abs(np.array(loaded.layers[0].std) - 1).min() > 0.1


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 0},
        {"sample_rate": 16000.5},
        {"frame_length": True},
        {"hop_length": -1},
        {"fft_length": 500},
        {"fft_length": 256},
        {"fft_length": 2, "frame_length": 2},
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
        {"utterance_mean": 1},
        {"utterance_std": True},
        {"level_normalization": "yes"},
        {"remove_dc_offset": None},
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


@pytest.mark.backend
@pytest.mark.parametrize(
    "waveform", [np.zeros((1, 1, 400), "float32"), np.zeros((1, 400), "int16")], ids=["3d", "int"]
)
def test_bad_waveforms(waveform):
    with pytest.raises(ValueError, match="waveform"):
        LogMel()(waveform)
