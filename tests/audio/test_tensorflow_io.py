"""LogMel and SpecAugment against tensorflow-io, the second reference, where it is installed.

Only its functions in pure TensorFlow: its native operators do not load on today's TensorFlow.
"""

import warnings

import keras
import numpy as np
import pytest

from keras_reparam.audio import LogMel, SpecAugment, load
from keras_reparam.audio.spectrum import mel_filters

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="a reference in TensorFlow"
)
RATE, FRAME, HOP, FFT, MELS = 16000, 400, 160, 512, 40


@pytest.fixture(scope="module")
def tfio_audio():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that native operators do not load
        reason = "tensorflow-io is not installed (extra `tfio`; Python 3.11 alone)"
        return pytest.importorskip("tensorflow_io", reason=reason).audio


@pytest.fixture(scope="module")
def waveform(clip):
    return load(clip)


@pytest.fixture(scope="module")
def spectrogram(tfio_audio, waveform):
    """Magnitudes: Hann windows, periodic as ours, the end padded.

    Its frame `t` begins at `t * HOP`, not in the middle of the FFT as librosa's and ours.
    """
    offset = (FFT - FRAME) // 2
    shifted = np.pad(waveform[offset:], (0, offset))
    return np.array(tfio_audio.spectrogram(shifted, nfft=FFT, window=FRAME, stride=HOP))


def ours(waveform, **options):
    layer = LogMel(num_mels=MELS, log_offset=1e-5, power=1.0, **options)
    return np.array(layer(waveform))[0]


def filters():
    return mel_filters(
        sample_rate=RATE, fft_length=FFT, num_mels=MELS, fmin=0, fmax=RATE / 2, mel_scale="htk"
    )


def test_log_mel_of_its_spectrogram(spectrogram, waveform):
    mel = spectrogram @ filters()
    features = ours(waveform, mel_scale="htk")
    assert features.shape == mel.shape
    above = mel > 1e-5
    assert above.mean() > 0.5
    difference = np.abs(features - np.log(mel + 1e-5))
    assert difference[above].max() < 1e-3


def test_its_mel_filters_have_the_same_edges_and_nearly_the_same_slopes(tfio_audio):
    """Both are triangles on the HTK scale; its slopes are straight in mel, ours in Hz.

    And ours have unit area, its unit height.
    """
    theirs = np.array(
        tfio_audio.melscale(np.eye(FFT // 2 + 1, dtype="float32"), RATE, MELS, 0, RATE / 2)
    )
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2)
    hz = 700 * (10 ** (mel / 2595) - 1)
    unit_height = filters() * (hz[2:] - hz[:-2]) / 2
    np.testing.assert_array_equal(theirs > 1e-4, unit_height > 1e-4)
    # Along a slope, 700 + hz grows by a factor that is the same for all of them.
    ratio = (700 + hz[1]) / (700 + hz[0])
    straight = np.linspace(0, 1, 10001)
    widest = np.abs(np.log1p((ratio - 1) * straight) / np.log(ratio) - straight).max()
    assert widest < 0.02
    assert np.abs(theirs - unit_height).max() < widest + 1e-4


def test_decibels(tfio_audio, spectrogram, waveform):
    """`20 log10(mel)` in both; the floor is a maximum there, a sum here."""
    mel = spectrogram @ filters()
    theirs = np.array(tfio_audio.dbscale(mel.astype("float32"), top_db=300, amin=1e-20))
    features = ours(waveform, mel_scale="htk") * 20 / np.log(10)
    loud = mel > 1e-2
    assert loud.any()
    # The offset adds up to 1e-3 of the magnitude there.
    bound = 20 * np.log10(1 + 1e-3) + 1e-3
    assert np.abs(features - theirs)[loud].max() < bound


@pytest.mark.parametrize("kind", ["frequency", "time"])
def test_masks_have_the_same_structure(tfio_audio, kind):
    """One stretch of zeros; its `param` is one more than the largest width."""
    import tensorflow as tf

    tf.random.set_seed(3)
    features = np.ones((200, 12, 10), "float32")
    width = 4
    if kind == "frequency":
        layer = SpecAugment(time_masks=0, frequency_masks=1, frequency_width=width, seed=1)
        theirs = [tfio_audio.freq_mask(x, param=width + 1) for x in features]
    else:
        options = {"time_masks": 1, "time_width": width, "time_fraction": 1.0}
        layer = SpecAugment(**options, frequency_masks=0, frequency_width=0, seed=1)
        theirs = [tfio_audio.time_mask(x, param=width + 1) for x in features]
    found = [widths(np.array(x), kind) for x in (layer(features, training=True), theirs)]
    shares = [np.bincount(x, minlength=width + 1) / len(features) for x in found]
    for share in shares:
        assert len(share) == width + 1
        np.testing.assert_allclose(share, 1 / (width + 1), atol=0.1)


def widths(masked, kind):
    """Widths of the masks of `(clips, frames, bands)`, each of which is one stretch of zeros."""
    other = 1 if kind == "frequency" else 2
    zero = masked == 0
    assert ((masked == 1) | zero).all()
    assert (zero == zero.take([0], axis=other)).all()
    zero = zero.take(0, axis=other)
    edges = np.abs(np.diff(np.pad(zero, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
    assert (edges <= 2).all()
    return zero.sum(axis=1)
