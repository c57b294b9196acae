import numpy as np
import pytest

from recipes.common.perturbations import suppression

RATE = 16000
TIME = np.arange(3 * RATE) / RATE
# Two thirds of a second on, one third off.
SPOKEN = (TIME * 1.0) % 1.0 < 2 / 3
# Three syllables a second.
VOICE = np.where(SPOKEN, 0.3 * np.sin(2 * np.pi * 440 * TIME) * np.sin(3 * np.pi * TIME) ** 4, 0)
NOISE = 0.01 * np.random.default_rng(1).standard_normal(len(TIME))
# Away from where a window holds both.
PAUSES = np.convolve(~SPOKEN, np.ones(2049), "same") > 2048


def decibels(samples):
    return 10 * np.log10(np.mean(np.square(np.float64(samples))) + 1e-20)


@pytest.mark.parametrize("attenuation", [10, 20, 30])
def test_noise_of_pauses_falls_and_the_voice_stays(attenuation):
    noisy = (VOICE + NOISE).astype("float32")
    found = suppression.suppress(noisy, RATE, decibels=attenuation)
    assert found.dtype == np.float32 and len(found) == len(noisy)
    fallen = decibels(noisy[PAUSES]) - decibels(found[PAUSES])
    assert 0.5 * attenuation < fallen <= attenuation
    assert abs(decibels(found[SPOKEN]) - decibels(noisy[SPOKEN])) < 0.3


def test_what_has_no_noise_stays():
    clean = VOICE.astype("float32")
    found = suppression.suppress(clean, RATE, decibels=30)
    assert decibels(found - clean) < decibels(clean) - 35
    zeros = np.zeros(5000, "float32")
    np.testing.assert_array_equal(suppression.suppress(zeros, RATE, decibels=30), zeros)
    for few in (0, 1, 2, 300):
        assert len(suppression.suppress(clean[:few], RATE, decibels=30)) == few
