import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.common.perturbations import level


@pytest.fixture
def speech(clip):
    from keras_reparam.audio import load

    return load(clip)


def test_gain_of_20_db_is_a_tenth(speech):
    np.testing.assert_allclose(level.gain(speech, -20), speech / 10, rtol=1e-6)
    assert level.rms(np.array([3.0, -4.0])) == pytest.approx(np.sqrt(12.5))


def test_sixteen_bits_are_those_of_libsndfile(speech, tmp_path):
    import soundfile

    loud = level.gain(speech, 12)
    soundfile.write(tmp_path / "clip.wav", np.clip(loud, -1, 1), 16000, subtype="PCM_16")
    written = soundfile.read(tmp_path / "clip.wav", dtype="float32")[0]
    # It scales by 32767 or 32768, as its version has it: at most a step apart.
    np.testing.assert_allclose(level.sixteen_bits(loud), written, atol=1.01 / 32768)
    np.testing.assert_array_equal(level.sixteen_bits(written), written)


@pytest.mark.parametrize(
    ("share", "samples", "clipped"),
    # Auglib's own cases for `ClipByRatio`.
    [
        (0.1, [0.0], [0.0]),
        (0.0, [0.5, 2.0], [0.5, 2.0]),
        (0.5, [0.5, 2.0], [0.5, 0.5]),
        (1.0, [0.5, 2.0], [0.5, 0.5]),
        (0.5, [-3.0, 1.0, 2.0, -0.5], [-1.0, 1.0, 1.0, -0.5]),
    ],
)
def test_clip_share_by_hand(share, samples, clipped):
    np.testing.assert_array_equal(level.clip_share(np.array(samples), share), clipped)


@settings(deadline=None, max_examples=20)
@given(share=st.floats(0.0, 0.2), seed=st.integers(0, 99))
def test_clip_share_changes_so_many_samples(share, seed):
    noise = np.random.default_rng(seed).normal(size=5000).astype("float32")
    changed = level.clip_share(noise, share) != noise
    assert changed.sum() == int(share * 5000)
    assert np.abs(noise[changed]).min(initial=9) >= np.abs(noise[~changed]).max()


def test_level_and_offset(speech):
    quiet = level.gain(speech, -30)
    np.testing.assert_allclose(level.at_level_of(quiet, speech), speech, rtol=1e-5, atol=1e-8)
    assert not level.at_level_of(np.zeros(5), speech).any()
    assert level.add_offset(speech, 0.02).mean() == pytest.approx(speech.mean() + 0.02, abs=1e-6)


def test_example_of_the_docstring():
    assert doctest.testmod(level).failed == 0
