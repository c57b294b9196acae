import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from recipes.common.perturbations import noise

RATE = 16000
SPEECH = np.random.default_rng(5).laplace(0, 0.05, 30011).astype("float32")


def decibels(samples):
    return 10 * np.log10(np.mean(np.square(np.float64(samples))))


MAKERS = {
    "white": noise.white,
    "pink": noise.pink,
    "hum": lambda length, rng: noise.hum(length, RATE, rng),
    "babble": lambda length, rng: noise.babble(length, [SPEECH[:9000], SPEECH[::-1]], rng),
    "stretch": lambda length, rng: noise.stretch(length, SPEECH[:1000], rng),
    "event": lambda length, rng: noise.event(length, SPEECH[:1000], rng),
}


@pytest.mark.parametrize("name", MAKERS)
@settings(deadline=None, max_examples=5)
@given(ratio=st.floats(-5, 60), length=st.integers(20, 30011), seed=st.integers(0, 9))
def test_measured_ratio_is_the_one_asked_for(name, ratio, length, seed):
    speech = SPEECH[:length].astype("float64")
    made = MAKERS[name](length, np.random.default_rng(seed))
    assert made.shape == (length,)
    added = noise.add(speech, made, ratio) - speech
    assert decibels(speech) - decibels(added) == pytest.approx(
        ratio, abs=0.1 + 1e-4 * 10 ** (ratio / 20)
    )
    np.testing.assert_array_equal(made, MAKERS[name](length, np.random.default_rng(seed)))


def test_silence_has_no_ratio():
    zeros, rng = np.zeros(100), np.random.default_rng(0)
    assert not noise.add(zeros, noise.white(100, rng), 20).any()
    np.testing.assert_array_equal(noise.add(SPEECH, np.zeros(len(SPEECH)), 20), SPEECH)
    assert not noise.babble(100, [zeros], rng).any()


def test_tone_by_its_peak_and_frequency():
    rng = np.random.default_rng(0)
    found = noise.add_tone(SPEECH, RATE, rng, frequency=6037, peak_decibels=40)
    tone = np.float64(found) - SPEECH
    assert np.abs(SPEECH).max() / np.abs(tone).max() == pytest.approx(100, rel=1e-3)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert np.fft.rfftfreq(len(tone), 1 / RATE)[spectrum.argmax()] == pytest.approx(6037, abs=1)


@pytest.mark.parametrize(("kind", "slope"), [("white", 0.0), ("pink", -3.01)])
def test_colour_by_welch(kind, slope):
    made = MAKERS[kind](2**18, np.random.default_rng(0))
    frequency, power = signal.welch(made, RATE, nperseg=4096)
    octaves = [
        10 * np.log10(power[(frequency >= low) & (frequency < 2 * low)].mean())
        for low in (62.5, 125, 250, 500, 1000, 2000)
    ]
    np.testing.assert_allclose(np.diff(octaves), slope, atol=0.35)
    assert decibels(made) == pytest.approx(0, abs=0.05)


def test_hum_is_a_sine_of_50_hertz():
    spectrum = np.abs(np.fft.rfft(noise.hum(RATE, RATE, np.random.default_rng(1))))
    assert spectrum.argmax() == 50 and spectrum[50] == pytest.approx(RATE / np.sqrt(2))
    assert np.delete(spectrum, 50).max() < 1e-6


def test_babble_holds_every_voice():
    tones = [np.sin(2 * np.pi * f * np.arange(1600) / RATE) for f in (100, 300, 700)]
    made = noise.babble(RATE, [tones[0], 0.01 * tones[1], 50 * tones[2]], np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(made)) / RATE * np.sqrt(2)
    levels = 20 * np.log10(spectrum[[100, 300, 700]])
    # Whatever their level was: each from 7 dB below 1 up to it.
    assert levels.min() >= -7 and levels.max() <= 0.01


def test_event_is_somewhere_whole():
    places = set()
    for seed in range(20):
        made = noise.event(50, np.ones(10), np.random.default_rng(seed))
        assert made.sum() == 10
        places.add(int(made.argmax()))
    assert len(places) > 5
    assert noise.event(5, np.ones(10), np.random.default_rng(0)).tolist() == [1] * 5
