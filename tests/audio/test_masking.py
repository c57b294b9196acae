"""The one mask rule against its definition, written as a loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reparam.audio import LogMel, frame_mask


def defined(waveform, frame_length, hop_length, fft_length=None):
    offset = ((fft_length or frame_length) - frame_length) // 2
    starts = [t * hop_length + offset for t in range(-(-len(waveform) // hop_length))]
    return [bool(np.any(waveform[s : s + frame_length])) for s in starts]


@pytest.mark.backend
@settings(max_examples=40, deadline=None)
@given(
    samples=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.5, -0.5, 1e-30]), min_size=1, max_size=40),
    frame_length=st.integers(1, 12),
    hop_length=st.integers(1, 9),
    extra=st.integers(0, 6),
)
def test_is_its_definition(samples, frame_length, hop_length, extra):
    waveform = np.array(samples, "float32")
    options = {"frame_length": frame_length, "hop_length": hop_length}
    mask = np.array(frame_mask(waveform, **options))
    assert mask.dtype == bool
    assert mask.tolist() == [defined(waveform, frame_length, hop_length)]
    fft_length = frame_length + extra
    mask = np.array(frame_mask(waveform, fft_length=fft_length, **options))
    assert mask.tolist() == [defined(waveform, frame_length, hop_length, fft_length)]


@pytest.mark.backend
def test_batch_and_opposite_samples():
    waveform = np.zeros((3, 1000), "float32")
    waveform[1, 500:502] = 0.25, -0.25  # their sum is zero, they are not
    waveform[2] = 1.0
    mask = np.array(frame_mask(waveform, frame_length=400, hop_length=160))
    assert mask.shape == (3, 7)
    assert mask.sum(axis=1).tolist() == [0, 3, 7]
    assert mask[1].tolist() == defined(waveform[1], 400, 160)


@pytest.mark.backend
def test_nan_is_not_silence():
    waveform = np.zeros((1, 1000), "float32")
    waveform[0, 500] = np.nan
    mask = np.array(frame_mask(waveform, frame_length=400, hop_length=160))
    assert mask[0].tolist() == defined(waveform[0], 400, 160)


@pytest.mark.backend
def test_log_mel_uses_it_with_its_own_window():
    waveform = np.zeros((1, 3200), "float32")
    waveform[0, 1000:1010] = 0.1
    log_mel = LogMel()
    mask = np.array(log_mel.compute_mask(waveform))[0]
    assert mask.tolist() == defined(waveform[0], 400, 160, 512)
    # And that window is where the features come from: they differ from silence there alone.
    features = np.array(log_mel(waveform))[0]
    sounding = (features > np.log(1e-6) + 1e-3).any(axis=1)
    assert sounding.tolist() == mask.tolist()


@pytest.mark.parametrize(
    ("waveform", "options", "message"),
    [
        (np.zeros((1, 2, 3), "float32"), {}, "shape"),
        (np.zeros((1, 50), "int16"), {}, "int16"),
        (np.zeros((1, 50), "float32"), {"hop_length": 0}, "hop_length"),
        (np.zeros((1, 50), "float32"), {"frame_length": 2.5}, "frame_length"),
        (np.zeros((1, 50), "float32"), {"fft_length": 2}, "at least `frame_length`"),
    ],
)
def test_bad_input(waveform, options, message):
    with pytest.raises(ValueError, match=message):
        frame_mask(waveform, **{"frame_length": 4, "hop_length": 2, **options})
