"""Windows, mel filters and the Fourier transform against SciPy, librosa and NumPy."""

import warnings

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reparam.audio.spectrum import RealDFT, halves, mel_filters, window


@pytest.mark.parametrize("name", ["hann", "hamming"])
@pytest.mark.parametrize("length", [2, 25, 400])
def test_window_is_scipys_periodic_one(name, length):
    np.testing.assert_allclose(
        window(name, length), scipy.signal.get_window(name, length), atol=1e-12
    )


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("fft_length", [256, 512, 2048])
@pytest.mark.parametrize(
    ("sample_rate", "num_mels", "fmin", "fmax"),
    [(16000, 64, 0, 8000), (16000, 128, 0, 8000), (8000, 40, 60, 3800), (44100, 80, 20, 22050)],
)
def test_mel_filters_are_librosas(scale, fft_length, sample_rate, num_mels, fmin, fmax):
    ours = mel_filters(
        sample_rate=sample_rate,
        fft_length=fft_length,
        num_mels=num_mels,
        fmin=fmin,
        fmax=fmax,
        mel_scale=scale,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa warns of bands without a bin
        reference = librosa.filters.mel(
            sr=sample_rate,
            n_fft=fft_length,
            n_mels=num_mels,
            fmin=fmin,
            fmax=fmax,
            htk=scale == "htk",
            dtype="float64",
        )
    np.testing.assert_allclose(ours, reference.T, rtol=1e-9, atol=1e-12)
    # Why the transform may leave out half the sample rate.
    assert reference[:, -1].max() < 1e-9


@settings(max_examples=40, deadline=None)
@given(exponent=st.integers(2, 11), data=st.data())
def test_two_products_are_the_transform(exponent, data):
    fft_length = 2**exponent
    frame_length = data.draw(st.integers(1, fft_length))
    x = np.random.default_rng(frame_length).standard_normal(frame_length)
    dft = RealDFT(frame_length, fft_length)
    padded = np.pad(x, (0, dft.rows * dft.outer - frame_length))
    inner = (dft.first @ padded.reshape(dft.rows, dft.outer)).reshape(dft.bands, 2 * dft.outer)
    spectrum = np.einsum("ki,kij->kj", inner, dft.second)
    spectrum = np.abs(spectrum[:, : dft.outer] + 1j * spectrum[:, dft.outer :])
    reference = np.abs(np.fft.rfft(x, fft_length))
    # Every bin once, but the last.
    np.testing.assert_array_equal(np.sort(dft.frequencies.ravel()), np.arange(fft_length // 2))
    np.testing.assert_allclose(spectrum, reference[dft.frequencies], atol=1e-9)
    # Column by column, from low to high.
    assert np.all(dft.frequencies // dft.bands == np.arange(dft.outer))


@settings(max_examples=60, deadline=None)
@given(
    exponent=st.integers(5, 11),
    num_mels=st.integers(1, 130),
    fmax=st.floats(100, 8000),
    scale=st.sampled_from(["slaney", "htk"]),
)
def test_halves_are_the_filters_without_zeros_around(exponent, num_mels, fmax, scale):
    filters = mel_filters(
        sample_rate=16000,
        fft_length=2**exponent,
        num_mels=num_mels,
        fmin=0,
        fmax=fmax,
        mel_scale=scale,
    )
    power = np.random.default_rng(num_mels).random((3, len(filters)))
    parts = halves(filters)
    found = np.concatenate([power[:, first : first + len(f)] @ f for first, f in parts], axis=1)
    np.testing.assert_allclose(found, power @ filters, rtol=1e-12, atol=1e-15)
    assert sum(part.size for _, part in parts) <= filters.size


def test_two_fifths_of_the_default_filters_are_kept():
    filters = mel_filters(
        sample_rate=16000, fft_length=512, num_mels=64, fmin=0, fmax=8000, mel_scale="slaney"
    )
    assert sum(part.size for _, part in halves(filters[:-1])) < 0.47 * filters.size
