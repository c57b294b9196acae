"""What windows weigh and what is silence, with the shipped model and real speech."""

import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import soxr

import keras_reparam as kr
from keras_reparam.audio.silence import SILENCE_DECIBELS
from keras_reparam.audio.windows import (
    Trimmed,
    decibels,
    extent,
    loudest,
    sounding,
    valid_samples,
)
from keras_reparam.deploy.tflite.softmax_head import SoftmaxHead
from recipes.common.scoring import windows as recipes_windows

RATE = 16000
OPTIONS = "android_demo/library/src/main/kotlin/kerasreparam/emotion/EmotionOptions.kt"


@pytest.fixture(scope="module")
def classifier():
    return kr.load_classifier()


@pytest.fixture(scope="module")
def voice(emodb4):
    """About 12 seconds of one speaker."""
    return np.concatenate(
        [
            kr.audio.load(emodb4 / "audio" / f"03a0{name}.ogg")
            for name in ("1Fa", "1Nc", "1Wa", "2Fc")
        ]
        + [kr.audio.load(emodb4 / "audio" / f"03a0{name}.ogg") for name in ("2Nc", "2Ta")]
    )


@pytest.mark.parametrize("rate", [RATE, 44100])
@pytest.mark.parametrize("seconds", [0.7, 2.0, 4.0, 4.01, 5.9, 6.0])
def test_zeros_around_a_clip_change_nothing(classifier, voice, tmp_path, rate, seconds):
    clip = voice[: int(seconds * RATE)]
    if rate != RATE:
        clip = soxr.resample(clip, RATE, rate)
    expected = classifier.classify(clip, rate)
    for before, after in ((0, 1), (0, 30000), (0, 5 * rate), (12345, 0), (9 * rate, 9 * rate)):
        longer = np.pad(clip, (before, after))
        found = classifier.classify(longer, rate)
        assert np.abs(found.probabilities - expected.probabilities).max() < 1e-6
        assert found.windows == expected.windows and found.duration == len(longer) / rate
    path = tmp_path / "clip.wav"
    soundfile.write(path, longer, rate, subtype="FLOAT")
    found = classifier.classify_file(path)
    # Resampled in blocks, and so with another rounding.
    assert np.abs(found.probabilities - expected.probabilities).max() < 1e-3
    assert found.windows == expected.windows


def faint(samples):
    """Noise that 16 bits round to zero."""
    return np.random.default_rng(0).uniform(-(2**-16), 2**-16, samples).astype("float32")


@pytest.mark.parametrize("rate", [RATE, 44100])
def test_what_16_bits_round_to_zero_is_no_sound(classifier, voice, rate):
    """A clip beside what is nearly silent has the windows of its copy in 16 bits."""
    clip = soxr.resample(voice, RATE, rate) if rate != RATE else voice
    clip = np.concatenate([faint(3 * rate), clip, faint(4 * rate)])
    copy = np.rint(clip * 32768).astype("int16")
    found, expected = (classifier.classify(samples, rate) for samples in (clip, copy))
    assert found.windows == expected.windows
    # 0.011 at 44.1 kHz with the model shipped now, of its float32 file, too.
    assert np.abs(found.probabilities - expected.probabilities).max() < 0.02
    clip = np.concatenate([clip, clip])
    copy = np.rint(clip * 32768).astype("int16")
    weights = [
        recipes_windows.weights_of(recipes_windows.sounding_windows(x, classifier.window)).tolist()
        for x in (clip, copy / np.float32(32768))
    ]
    assert weights[0] == weights[1]


def test_where_sound_begins_at_16_bits():
    edge = np.array([0, 1, -1, 1.01, 1, -1, -1.01, 1, -1], "float32") * np.float32(2**-16)
    assert sounding(edge).tolist() == (np.rint(edge * 32768) != 0).tolist()
    assert extent(edge) == slice(3, 7) and len(valid_samples(edge, RATE)) == 4
    for pieces in (1, 3, 9):
        blocks = [(9, block) for block in np.split(np.concatenate([edge, edge]), pieces)]
        found = np.concatenate([block for _, block in Trimmed(blocks)])
        assert np.array_equal(found, np.concatenate([edge[3:], edge[:7]]))


def test_windows_weigh_by_the_sound_in_them(classifier, voice):
    # 4 s of sound, 3 of zeros, 1.5 of sound: windows of 4, 2, 1 and 1.5 s of sound.
    voice = np.where(sounding(voice), voice, np.float32(2**-15))
    clip = np.concatenate([voice[:64000], np.zeros(48000, "float32"), voice[64000:88000]])
    parts = [clip[start : start + 64000] for start in (0, 32000, 64000, 96000)]
    parts = [np.trim_zeros(part) for part in parts]
    weights = [len(part) for part in parts]
    assert weights == [64000, 32000, 16000, 24000]
    scores = [classifier.classify(part, RATE).probabilities for part in parts]
    found = classifier.classify(clip, RATE)
    expected = np.average(scores, axis=0, weights=weights)
    assert np.allclose(found.probabilities, expected, atol=1e-6) and found.windows == 4


def test_a_stream_hears_a_window_as_classify_does(classifier, voice):
    clip = np.concatenate([np.zeros(23456, "float32"), voice[:64000]])
    for found in classifier.stream([clip]):
        start, end = round(found.start * RATE), round(found.end * RATE)
        expected = classifier.classify(clip[start:end], RATE).probabilities
        np.testing.assert_array_equal(found.probabilities, expected)


@pytest.mark.slow
def test_recipes_score_as_the_classifier(float_file, wave_model, voice):
    clips = [np.pad(voice[:99000], (777, 50000)), voice * 1e-3, voice[:30000]]
    classifier = kr.load_classifier(float_file, silence_decibels=-math.inf)
    expected = [classifier.classify(clip, RATE).probabilities for clip in clips]
    of_clips = [list(recipes_windows.sounding_windows(clip, classifier.window)) for clip in clips]
    heard = np.concatenate(of_clips)
    logits = recipes_windows.in_batches(lambda batch: wave_model(batch, training=False), heard)
    scores = recipes_windows.mean_scores(
        SoftmaxHead().scores(logits),
        np.repeat(np.arange(len(clips)), [len(found) for found in of_clips]),
        recipes_windows.weights_of(heard),
    )
    assert np.allclose(scores, expected, atol=1e-4)


def test_valid_samples_are_the_masks():
    """Against the rule for frames, of signals with gaps of any length."""
    rng = np.random.default_rng(0)
    for gap in (100, 390, 700, 5000, 30000):
        sound = rng.normal(size=64000).astype("float32")
        sound[20000 : 20000 + gap] = 0
        mask = kr.audio.LogMel().compute_mask(sound[None])
        frames = int(keras.ops.convert_to_numpy(mask).sum())
        assert abs(len(valid_samples(sound, RATE)) - 160 * frames) <= 800
    assert len(valid_samples(np.array([0, 0, 1, 0, 2, 0], "float32"), RATE)) == 3
    assert len(valid_samples(np.zeros(9, "float32"), RATE)) == 0


def test_trimmed():
    rng = np.random.default_rng(1)
    for trial in range(100):
        samples = rng.integers(0, 2, 40).astype("float32")
        samples[: rng.integers(41)] = 0
        samples[rng.integers(41) :] = 0
        blocks = np.split(samples, np.sort(rng.integers(0, 41, trial % 7)))
        trimmed = Trimmed([(20, block) for block in blocks])
        found = np.concatenate([np.zeros(0), *(block for rate, block in trimmed if rate == 20)])
        assert np.array_equal(found, np.trim_zeros(samples))
        assert (trimmed.samples, trimmed.seconds) == (40, 2.0)


def noise(level, seconds=5, rate=RATE):
    return np.random.default_rng(3).normal(0, 10 ** (level / 20), int(seconds * rate))


def test_noise_is_silence(classifier, tmp_path):
    for samples in (
        noise(-60),
        noise(-60) + 0.1,
        np.round(noise(-60) * 32768).astype("int16"),
        np.pad(noise(-60, 0.3), 20000),
        np.full(RATE, 0.3),
        np.eye(1, RATE)[0],
        # Half of the clip lower than the other: no window is loud.
        np.concatenate([noise(-60), noise(-80)]),
    ):
        result = classifier.classify(samples, RATE)
        assert result.silence and not result.windows and result.label is None
        assert all(found.silence for found in classifier.stream([samples]))
    assert classifier.classify(noise(-60, rate=48000), 48000).silence
    soundfile.write(tmp_path / "noise.wav", noise(-60, rate=48000), 48000)
    assert classifier.classify_file(tmp_path / "noise.wav").silence
    assert not classifier.classify(noise(-50), RATE).silence


def test_quiet_speech_is_none(classifier, emodb4):
    for path in sorted((emodb4 / "audio").glob("*.ogg"))[::40]:
        samples = kr.audio.load(path)
        loud, quiet = (classifier.classify(samples * gain, RATE) for gain in (1, 0.1))
        assert not quiet.silence and quiet.windows == loud.windows


def test_another_threshold(voice):
    quiet = voice[:40000] * 1e-4
    classifier = kr.load_classifier(silence_decibels=-math.inf)
    assert classifier.silence_decibels == -math.inf
    assert not classifier.classify(quiet, RATE).silence
    assert classifier.classify(quiet * 0, RATE).silence
    assert kr.load_classifier().classify(quiet, RATE).silence
    assert kr.load_classifier(silence_decibels=-10).classify(voice, RATE).silence
    for bad, error in (
        (1, ValueError),
        (math.nan, ValueError),
        ("-50", TypeError),
        (None, TypeError),
    ):
        with pytest.raises(error, match="Received: silence_decibels="):
            kr.load_classifier(silence_decibels=bad)


def test_decibels():
    sine = 0.1 * np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)
    assert decibels(sine) == pytest.approx(-23.01, abs=0.01)
    assert decibels(sine + 0.8) == pytest.approx(-23.01, abs=0.01)
    assert decibels(np.full(9, 0.3)) == decibels(np.zeros(0)) == -np.inf


def test_the_loudest_tenth_of_a_second():
    sound = noise(-40, 1.05)
    sound[4800:6400] *= 10
    assert -21 < loudest(sound, RATE) == pytest.approx(decibels(sound[4800:6400]))
    # What is left in the end is part of no tenth, unless it is all; an offset is no sound.
    end = np.concatenate([noise(-40, 1), noise(-20, 0.05)])
    assert loudest(end, RATE) == loudest(end[:RATE], RATE) < -39
    assert -21 < loudest(end[-800:] + 0.5, RATE) == pytest.approx(decibels(end[-800:]))
    assert loudest(np.zeros(0), RATE) == loudest(np.full(RATE, 0.3), RATE) == -np.inf


def test_android_has_the_same_threshold():
    content = (Path(__file__).parents[2] / OPTIONS).read_text()
    (found,) = re.findall(r"var silenceDecibels = (-[\d.]+)f", content)
    assert float(found) == SILENCE_DECIBELS == -59
    assert f"silence; {SILENCE_DECIBELS:g} by default" in content
