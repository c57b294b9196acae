import numpy as np
import pytest
from scipy import signal

from recipes.common.perturbations import filters, level, room

RATE = 16000
# (frequency, decibels) of audEERING's `impulse_response_tilt_{up,down}_*.wav`, by their FFT.
TILTS = {
    "up": {200: -25.87, 500: -17.98, 1000: -12.0, 2000: -5.98, 4000: 0.02, 6000: 3.54, 7000: 4.88},
    "down": {
        200: -0.22,
        500: -0.56,
        1000: -1.16,
        2000: -2.51,
        4000: -6.04,
        6000: -12.09,
        7000: -18.18,
    },
}


def gain_at(function, frequency):
    """Decibels by which a sine changes, well within it."""
    sine = np.sin(2 * np.pi * frequency / RATE * np.arange(3 * RATE))
    inside = slice(RATE, 2 * RATE)
    return 20 * np.log10(level.rms(function(sine)[inside]) / level.rms(sine[inside]))


@pytest.mark.parametrize("kind", ["high", "low"])
@pytest.mark.parametrize(("cutoff", "order"), [(50, 1), (150, 2), (6500, 1)])
def test_first_and_second_order_by_the_formula(kind, cutoff, order):
    function = filters.high_pass if kind == "high" else filters.low_pass
    for frequency in (30, 300, 3000, 7000):
        # Butterworth's magnitude, at frequencies warped by the bilinear transform.
        ratio = np.tan(np.pi * frequency / RATE) / np.tan(np.pi * cutoff / RATE)
        power = (ratio if kind == "low" else 1 / ratio) ** (2 * order)
        found = gain_at(lambda x: function(x, RATE, cutoff=cutoff, order=order), frequency)
        assert found == pytest.approx(-10 * np.log10(1 + power), abs=0.02)


def test_band_pass_is_3_db_at_its_ends():
    for frequency, expected in ((300, -3), (1000, 0), (3400, -3)):
        found = gain_at(lambda x: filters.band_pass(x, RATE, low=300, high=3400), frequency)
        assert found == pytest.approx(expected, abs=0.05)
    assert gain_at(lambda x: filters.band_pass(x, RATE, low=300, high=3400), 100) < -35


@pytest.mark.parametrize("direction", TILTS)
def test_tilt_has_the_spectrum_of_audeering_s_impulse_responses(direction):
    noise = np.random.default_rng(0).standard_normal(2**16)
    tilted = filters.tilt(noise, RATE, direction)
    assert level.rms(tilted) == pytest.approx(level.rms(noise), rel=1e-4)
    frequency, cross = signal.csd(noise, tilted, RATE, nperseg=1024)
    response = cross / signal.welch(noise, RATE, nperseg=1024)[1]
    places = [int(np.argmin(np.abs(frequency - f))) for f in TILTS[direction]]
    found = 20 * np.log10(np.abs(response[places]))
    expected = np.array(list(TILTS[direction].values()))
    np.testing.assert_allclose(found - found[3], expected - expected[3], atol=0.5)
    # No delay: the phase is zero.
    assert np.abs(np.angle(response[places])).max() < 0.05


def test_no_such_tilt():
    with pytest.raises(ValueError, match="Received: direction='left'"):
        filters.tilt(np.ones(9), RATE, "left")


def test_equalizer_at_and_between_its_frequencies():
    def function(x):
        return filters.equalize(x, RATE, frequencies=[500, 2000], decibels=[6, -6])

    for frequency, expected in ((100, 6), (500, 6), (1000, 0), (2000, -6), (6000, -6)):
        assert gain_at(function, frequency) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("ratio", [-5, 0, 15])
def test_room_has_its_reverberation_time_and_ratio(ratio):
    response = room.impulse_response(
        RATE, np.random.default_rng(3), rt60=0.4, direct_to_reverb=ratio
    )
    tail = np.square(response[1:])
    assert response[0] == 1 and not response[1:30].any()
    assert -10 * np.log10(tail.sum()) == pytest.approx(ratio)
    # Schroeder's integral, its fall from -5 to -25 dB taken three times (ISO 3382, T20).
    decay = 10 * np.log10(tail[::-1].cumsum()[::-1] / tail.sum())
    first, last = (int(np.argmax(decay <= d)) for d in (-5, -25))
    assert 3 * (last - first) / RATE == pytest.approx(0.4, rel=0.06)


def test_reverberation_is_a_convolution_at_the_level_of_before():
    speech = np.random.default_rng(0).normal(0, 0.1, 500)
    response = np.array([1.0, 0, 0.5])
    expected = np.convolve(speech, response)[:500]
    found = room.reverberate(speech, response)
    assert level.rms(found) == pytest.approx(level.rms(speech))
    np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=1e-4)
    np.testing.assert_allclose(room.reverberate(speech, np.ones(1)), speech, atol=1e-6)
