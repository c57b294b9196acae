"""What every layer that augments waveforms promises, and each one against its formula."""

import keras
import numpy as np
import pytest
import scipy.signal
import scipy.stats
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reparam.audio import (
    LogMel,
    RandomGain,
    RandomNoise,
    RandomPolarity,
    RandomSpeed,
    RandomTimeShift,
)

SAMPLES = 4000
LAYERS = (
    (RandomGain, {"gain_db": (-3.0, 5.0)}),
    (RandomNoise, {"snr_db": (5.0, 15.0)}),
    (RandomPolarity, {"probability": 0.4}),
    (RandomSpeed, {"factors": (0.9, 1.0, 1.1)}),
    (RandomTimeShift, {"max_shift": 300}),
)
EACH = pytest.mark.parametrize(
    ("layer_class", "options"), LAYERS, ids=lambda x: getattr(x, "__name__", "")
)


def noise(clips, samples=SAMPLES):
    return np.random.default_rng(1).normal(0, 0.1, (clips, samples)).astype("float32")


def clips_with_padding():
    """Clips of many lengths, one of zeros alone, one with zeros in front and in between."""
    waveform = noise(16)
    for i, length in enumerate(np.linspace(400, SAMPLES, 16).astype(int)):
        waveform[i, length:] = 0
    waveform[3] = 0
    waveform[7, :500] = waveform[7, 900:1000] = 0
    return waveform


def augmented(layer, waveform):
    return keras.ops.convert_to_numpy(layer(waveform, training=True))


def ends(waveform):
    """First nonzero sample and last one plus 1 of each clip that has any."""
    found = [np.flatnonzero(clip) for clip in waveform]
    return np.array([(where[0], where[-1] + 1) if len(where) else (0, 0) for where in found])


@pytest.mark.backend
@EACH
def test_identity_unless_training(layer_class, options):
    layer, waveform = layer_class(seed=1, **options), clips_with_padding()
    np.testing.assert_array_equal(np.array(layer(waveform)), waveform)
    np.testing.assert_array_equal(np.array(layer(waveform, training=False)), waveform)
    changed = augmented(layer, waveform)
    assert (changed != waveform).any()
    assert changed.shape == waveform.shape and changed.dtype == np.float32


@pytest.mark.backend
@EACH
def test_zeros_around_the_clip_stay_zero_and_silence_silent(layer_class, options):
    waveform = clips_with_padding()
    changed = augmented(layer_class(seed=2, **options), waveform)
    assert np.isfinite(changed).all()
    assert (changed[3] == 0).all()
    if layer_class in (RandomGain, RandomNoise, RandomPolarity):
        np.testing.assert_array_equal(ends(changed), ends(waveform))
    # The mask that the front end computes is that of the augmented clip.
    mask = np.array(LogMel().compute_mask(changed))
    frames = -(-SAMPLES // 160)
    padded = np.pad(changed, ((0, 0), (56, 400)))
    expected = [[padded[i, t * 160 + 112 :][:400].any() for t in range(frames)] for i in range(16)]
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.backend
@EACH
def test_seeds_reproduce_and_calls_differ(layer_class, options):
    waveform = clips_with_padding()
    one, two = layer_class(seed=3, **options), layer_class(seed=3, **options)
    first, second = augmented(one, waveform), augmented(one, waveform)
    assert (first != second).any()
    np.testing.assert_array_equal(augmented(two, waveform), first)
    assert (augmented(layer_class(seed=4, **options), waveform) != first).any()


@pytest.mark.backend
def test_one_clip_alone_keeps_its_rank():
    assert augmented(RandomTimeShift(seed=5), noise(1)[0]).shape == (SAMPLES,)


@EACH
def test_config_round_trip(layer_class, options):
    layer = layer_class(seed=6, **options)
    config = layer.get_config()
    assert {**config, **options, "seed": 6} == config
    assert layer_class.from_config(config).get_config() == config
    assert keras.saving.get_registered_name(layer_class) == f"keras_reparam>{layer_class.__name__}"


@pytest.mark.backend
def test_waveforms_stay_float32_under_every_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = RandomGain(seed=7, gain_db=(0.0, 0.0))
        np.testing.assert_allclose(augmented(layer, noise(2)), noise(2), rtol=1e-6)
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(ValueError, match="dtype='mixed_float16'"):
        RandomGain(dtype="mixed_float16")


@pytest.mark.backend
@pytest.mark.parametrize("jit_compile", ["auto", pytest.param(True, marks=pytest.mark.slow)])
def test_all_of_them_before_the_front_end_in_fit(jit_compile, tmp_path):
    stack = [layer_class(seed=8, **options) for layer_class, options in LAYERS]
    model = keras.Sequential(
        [
            keras.Input((SAMPLES,)),
            *stack,
            LogMel(num_mels=8),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse", jit_compile=jit_compile)
    # The last batch is smaller than the others.
    waveform = clips_with_padding()[8:14]
    history = model.fit(waveform, np.zeros((6, 2)), batch_size=4, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    if jit_compile == "auto":
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(
            loaded.predict(waveform, verbose=0), model.predict(waveform, verbose=0), atol=1e-5
        )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data needs TensorFlow")
def test_in_tf_data():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(noise(6))
    for layer_class, options in LAYERS:
        layer = layer_class(seed=9, **options)
        clips = dataset.map(lambda clip, layer=layer: layer(clip, training=True))
        assert clips.element_spec.shape == (SAMPLES,)
        batches = dataset.batch(4).map(lambda clip, layer=layer: layer(clip, training=True))
        assert tuple(batches.element_spec.shape) == (None, SAMPLES)
        assert sum(len(clip) for clip in batches) == 6
        assert sum(1 for _ in clips) == 6


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX knows all lengths")
def test_clips_of_unknown_length():
    import tensorflow as tf

    for layer_class, options in LAYERS:
        layer = layer_class(seed=9, **options)
        function = tf.function(
            lambda clips, layer=layer: layer(clips, training=True),
            input_signature=[tf.TensorSpec((None, None))],
            autograph=False,
        )
        assert function(noise(3)).shape == (3, SAMPLES)


def test_gains_are_uniform_in_decibels():
    waveform = noise(4000, 8)
    changed = augmented(RandomGain(gain_db=(-10.0, 30.0), seed=10), waveform)
    gains = 20 * np.log10(changed / waveform)
    np.testing.assert_allclose(gains, gains[:, :1].repeat(8, axis=1), atol=1e-3)
    assert scipy.stats.kstest(gains[:, 0], "uniform", (-10, 40)).pvalue > 1e-3


@pytest.mark.backend
def test_noise_has_the_drawn_ratio_is_white_and_gaussian():
    waveform = clips_with_padding()
    added = augmented(RandomNoise(snr_db=(12.0, 12.0), seed=11), waveform) - waveform
    for clip, noise_, (start, stop) in zip(waveform, added, ends(waveform), strict=True):
        if stop:
            snr = 10 * np.log10(np.mean(clip[start:stop] ** 2) / np.mean(noise_[start:stop] ** 2))
            assert snr == pytest.approx(12, abs=0.1)
    values = added[15] / added[15].std()
    assert scipy.stats.kstest(values, "norm").pvalue > 1e-3
    correlation = np.correlate(values, values, "full")[SAMPLES : SAMPLES + 20] / SAMPLES
    assert abs(correlation).max() < 5 / np.sqrt(SAMPLES)
    assert abs(np.corrcoef(added[14:])[0, 1]) < 0.1


def test_ratios_are_uniform_in_decibels():
    waveform = noise(3000, 64)
    added = augmented(RandomNoise(snr_db=(0.0, 20.0), seed=12), waveform) - waveform
    snr = 10 * np.log10((waveform**2).sum(axis=1) / (added**2).sum(axis=1))
    assert scipy.stats.kstest(snr, "uniform", (0, 20)).pvalue > 1e-3


@pytest.mark.backend
def test_share_of_inverted_clips():
    waveform = noise(4000, 4)
    changed = augmented(RandomPolarity(probability=0.3, seed=13), waveform)
    signs = changed / waveform
    assert set(np.unique(signs)) == {-1, 1}
    assert (signs == signs[:, :1]).all()
    assert (signs[:, 0] < 0).mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.backend
@settings(max_examples=10, deadline=None)
@given(max_shift=st.integers(0, 11), seed=st.integers(0, 2**31 - 1))
def test_shift_moves_the_clip_and_fills_with_zeros(max_shift, seed):
    waveform = np.tile(np.arange(1, 13, dtype="float32"), (5, 1))
    for clip in augmented(RandomTimeShift(max_shift=max_shift, seed=seed), waveform):
        shifts = range(-max_shift, max_shift + 1)
        padded = np.pad(waveform[0], 12)
        assert any((clip == padded[12 - shift : 24 - shift]).all() for shift in shifts)


def test_shifts_are_uniform():
    impulse = np.zeros((5000, 21), "float32")
    impulse[:, 10] = 1
    places = augmented(RandomTimeShift(max_shift=4, seed=14), impulse).argmax(axis=1)
    counts = np.bincount(places, minlength=21)
    assert counts[6:15].sum() == 5000
    np.testing.assert_allclose(counts[6:15] / 5000, 1 / 9, atol=0.02)


@pytest.mark.backend
@pytest.mark.parametrize(("factor", "up", "down"), [(0.9, 10, 9), (1.1, 10, 11), (1.75, 4, 7)])
def test_speed_is_resampling(factor, up, down):
    """Below 0.8 times the lower Nyquist frequency as soxr's best quality and as SciPy's FFT."""
    low_pass = scipy.signal.butter(16, 0.72 / max(factor, 1.0), output="sos")
    waveform = scipy.signal.sosfiltfilt(low_pass, noise(2, 5544).astype("float64"))
    waveform *= scipy.signal.windows.tukey(5544, 0.2)
    waveform /= abs(waveform).max()
    waveform = waveform.astype("float32")
    found = augmented(RandomSpeed(factors=(factor,)), waveform)
    length = min(-(-5544 * up // down), 5544)
    for clip, changed in zip(waveform.astype("float64"), found, strict=True):
        assert (changed[length:] == 0).all()
        by_soxr = soxr.resample(clip, down, up, quality="VHQ")[:length]
        np.testing.assert_allclose(changed[: len(by_soxr)], by_soxr, atol=3e-4)
        by_fft = scipy.signal.resample(clip, 5544 * up // down)[:length]
        np.testing.assert_allclose(changed[: len(by_fft)], by_fft, atol=3e-4)


def test_speed_multiplies_a_sine_s_frequency():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time).astype("float32")
    for factor, length in ((0.8, 16000), (1.25, 12800)):
        changed = augmented(RandomSpeed(factors=(factor,)), tone)
        inner = slice(100, length - 100)
        expected = np.sin(2 * np.pi * 1000 * factor * time[inner])
        np.testing.assert_allclose(changed[inner], expected, atol=2e-4)
        assert (changed[length:] == 0).all()


def test_fast_speech_does_not_alias():
    tone = np.sin(2 * np.pi * 0.3 * np.arange(8000)).astype("float32")
    changed = augmented(RandomSpeed(factors=(2.0,)), tone)[100:3900]
    assert abs(changed).max() < 3e-4


@pytest.mark.backend
def test_speeds_are_equally_likely_and_1_changes_nothing():
    # The length of a clip tells its speed.
    waveform = np.zeros((3000, 300), "float32")
    waveform[:, :200] = 1
    changed = augmented(RandomSpeed(factors=(0.8, 1.0, 1.25), seed=15), waveform)
    lengths = ends(changed)[:, 1]
    np.testing.assert_allclose(np.isin(lengths, [250, 200, 160]).mean(), 1)
    share = [np.mean(lengths == length) for length in (250, 200, 160)]
    np.testing.assert_allclose(share, 1 / 3, atol=0.04)
    np.testing.assert_array_equal(changed[lengths == 200], waveform[lengths == 200])


@settings(max_examples=10, deadline=None)
@given(
    start=st.integers(0, 300), length=st.integers(1, 300), percent=st.sampled_from((50, 93, 107))
)
def test_length_of_a_clip_at_another_speed(start, length, percent):
    waveform = np.zeros((1, 1400), "float32")
    waveform[0, start : start + length] = 1
    changed = augmented(RandomSpeed(factors=(percent / 100,)), waveform)
    ((first, stop),) = ends(changed)
    assert first == -(-start * 100 // percent)
    assert stop == -(-(start + length) * 100 // percent)


@pytest.mark.parametrize(
    ("layer_class", "options"),
    [
        (RandomGain, {"gain_db": 3.0}),
        (RandomGain, {"gain_db": (3.0, -3.0)}),
        (RandomGain, {"gain_db": (0.0, float("nan"))}),
        (RandomNoise, {"snr_db": (10.0,)}),
        (RandomNoise, {"snr_db": ("10", "20")}),
        (RandomPolarity, {"probability": 1.5}),
        (RandomPolarity, {"probability": True}),
        (RandomSpeed, {"factors": ()}),
        (RandomSpeed, {"factors": 0.9}),
        (RandomSpeed, {"factors": (0.9, 3.0)}),
        (RandomSpeed, {"factors": (0.905,)}),
        (RandomTimeShift, {"max_shift": -1}),
        (RandomTimeShift, {"max_shift": 0.5}),
        (RandomGain, {"seed": "1"}),
    ],
    ids=str,
)
def test_bad_options(layer_class, options):
    with pytest.raises(ValueError, match="Received: .*="):
        layer_class(**options)


def test_bad_waveforms():
    with pytest.raises(ValueError, match="max_shift=4000"):
        RandomTimeShift(max_shift=SAMPLES)(noise(1))
    with pytest.raises(ValueError, match="shape"):
        RandomGain()(np.zeros((1, 10, 1), "float32"))
    with pytest.raises(ValueError, match="int16"):
        RandomGain()(np.zeros((1, 10), "int16"))
