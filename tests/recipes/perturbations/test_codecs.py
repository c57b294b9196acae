import numpy as np
import pytest
from scipy import signal

from recipes.common.perturbations import codecs, level, telephone

RATE = 16000


@pytest.fixture(scope="module")
def speech(clip):
    from keras_reparam.audio import load

    return load(clip)


def test_mu_law_is_within_a_step_of_libsndfile_s(speech, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "clip.wav", speech, RATE, subtype="ULAW")
    theirs = soundfile.read(tmp_path / "clip.wav")[0]
    ours = codecs.mu_law(speech)
    # G.711 is made of lines in place of the curve: as exact, not the same values.
    errors = [10 * np.log10(np.mean((each - speech) ** 2)) for each in (ours, theirs)]
    assert errors[0] == pytest.approx(errors[1], abs=1.5)
    assert codecs.mu_law(np.array([0.0, 1.0, -1.0, 2.0])).tolist() == [0, 1, -1, 1]
    np.testing.assert_allclose(codecs.mu_law(ours), ours, rtol=1e-5)
    assert len(np.unique(codecs.mu_law(np.linspace(-1, 1, 100001)))) == 255


@pytest.mark.parametrize(
    ("codec", "bits", "least"),
    [("amr_nb", 12200, 0.85), ("opus", 16000, 0.9), ("mp3", 32000, 0.95)],
)
def test_codecs_keep_length_time_and_most_of_the_sound(speech, codec, bits, least):
    pytest.importorskip("av")
    found = codecs.encode(speech, RATE, codec, bits=bits)
    assert found.dtype == np.float32 and found.shape == speech.shape
    lags = signal.correlation_lags(len(speech), len(found))
    correlation = signal.correlate(found, speech)
    assert abs(lags[correlation.argmax()]) <= 2
    alike = correlation.max() / np.linalg.norm(found) / np.linalg.norm(speech)
    assert least < alike < 0.9999
    np.testing.assert_array_equal(found, codecs.encode(speech, RATE, codec, bits=bits))


def test_what_can_t_be_encoded(monkeypatch):
    with pytest.raises(ValueError, match="Received: codec='g729'"):
        codecs.encode(np.zeros(99), RATE, "g729", bits=8000)
    monkeypatch.setattr(codecs.importlib.util, "find_spec", lambda name: None)
    codecs.available.cache_clear()
    try:
        with pytest.raises(ValueError, match="pip install av"):
            codecs.encode(np.zeros(99), RATE, "opus", bits=8000)
    finally:
        codecs.available.cache_clear()


def test_narrow_keeps_what_is_below(speech):
    found = codecs.narrow(speech, RATE, through=8000)
    assert found.shape == speech.shape
    frequency, before = signal.welch(speech, RATE)
    after = signal.welch(found, RATE)[1]
    np.testing.assert_allclose(after[frequency < 3400], before[frequency < 3400], rtol=0.02)
    assert after[frequency > 4400].max() < 1e-4 * before.max()


def test_telephone_by_formula_is_300_to_3400_hertz(speech):
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE)
    found = telephone.mu_law_line(noise, RATE)
    frequency, before = signal.welch(noise, RATE)
    change = 10 * np.log10(signal.welch(found, RATE)[1] / before)
    assert np.abs(change[(frequency > 500) & (frequency < 2900)]).max() < 0.8
    assert change[(frequency == 62.5) | (frequency > 4300)].max() < -15
    assert found.shape == noise.shape


def test_low_quality_telephone_keeps_the_level(speech):
    pytest.importorskip("av")
    found = telephone.low_quality(speech, RATE, np.random.default_rng(0))
    assert found.shape == speech.shape
    assert level.rms(found) == pytest.approx(level.rms(speech), rel=1e-4)
    # Whatever level the clip comes at, the line gets the same.
    soft = telephone.low_quality(level.gain(speech, -20), RATE, np.random.default_rng(0))
    np.testing.assert_allclose(10 * soft, found, atol=2e-3)
    # The pink noise begins where the line ends.
    frequency, power = signal.welch(found, RATE, nperseg=1024)
    band = power[(frequency > 4500) & (frequency < 7500)]
    assert -70 < 10 * np.log10(band.mean() / power.max()) < -15


@pytest.mark.parametrize(("decibels", "expected"), [(-40, -40), (-20, -20.2), (0, -4)])
def test_compressor_by_hand(decibels, expected):
    # The envelope of a square wave is its amplitude. At the threshold: 0.2 x (4^2 / 16) below.
    square = np.where(np.arange(RATE) % 40 < 20, 1.0, -1.0) * 10 ** (decibels / 20)
    found = telephone.compress(square, RATE)[RATE // 2 :]
    assert 20 * np.log10(level.rms(found)) == pytest.approx(expected, abs=0.01)
    np.testing.assert_allclose(telephone.compress(square, RATE, slope=1), square, rtol=1e-6)
