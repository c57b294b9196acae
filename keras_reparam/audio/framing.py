"""Overlapping frames of a waveform, cut by reshape and slices alone."""

from keras import ops


def num_frames(num_samples: int, hop_length: int) -> int:
    """`ceil(num_samples / hop_length)`: the number of frames of a waveform."""
    return -(-num_samples // hop_length)


def blocks(waveform, *, offset: int, width: int, hop_length: int):
    """The waveform from `offset` on, zero-padded and cut into blocks of one hop.

    Frame `t` of `width` samples, which starts at sample `offset + t * hop_length`, lies in
    the blocks `t`, `t + 1`, ..., `t + ceil(width / hop_length) - 1`.

    Args:
        waveform: Tensor `(batch, samples)`.
        offset: Where the first frame starts, in samples.
        width: Frame width in samples.
        hop_length: Distance of two frames in samples.

    Returns:
        Pair of a tensor `(batch, frames + ceil(width / hop_length) - 1, hop_length)` and the
        number of frames, `ceil(samples / hop_length)`.
    """
    # `ops.shape` gives integers where the length is known, so that an exported graph holds no
    # shape arithmetic, and a scalar tensor where it is not.
    frames = num_frames(ops.shape(waveform)[1], hop_length)
    per_frame = num_frames(width, hop_length)
    count = frames + per_frame - 1
    # Enough zeros for any length, since the padding must be a constant; then cut.
    padded = ops.pad(waveform, ((0, 0), (0, offset + per_frame * hop_length)))
    padded = padded[:, offset : offset + count * hop_length]
    return ops.reshape(padded, (-1, count, hop_length)), frames


def frame(waveform, *, offset: int, width: int, hop_length: int):
    """Overlapping frames: element `(b, t, n)` is sample `offset + t * hop_length + n`.

    Neighbouring blocks of one hop are concatenated: no gather, and only operators that every
    runtime has. Beyond its end the waveform is zero.

    Args:
        waveform: Tensor `(batch, samples)`.
        offset: Where the first frame starts, in samples.
        width: Frame width in samples.
        hop_length: Distance of two frames in samples.

    Returns:
        Tensor `(batch, ceil(samples / hop_length), width)`.
    """
    parts, frames = blocks(waveform, offset=offset, width=width, hop_length=hop_length)
    return ops.concatenate(
        [
            parts[:, i : i + frames, : min(hop_length, width - i * hop_length)]
            for i in range(num_frames(width, hop_length))
        ],
        axis=-1,
    )
