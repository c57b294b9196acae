"""Clips for a model, as users give them."""

from collections.abc import Iterable, Iterator

import numpy as np

_MOST_CLIPS = 200


def evenly_spaced(number: int) -> list[int]:
    """Indices of at most 200 of so many clips, evenly spaced.

    Example:

    >>> evenly_spaced(3)
    [0, 1, 2]
    >>> evenly_spaced(1000)[:4]
    [0, 5, 10, 15]
    """
    return np.linspace(0, number - 1, min(number, _MOST_CLIPS)).round().astype(int).tolist()


def checked_clips(
    clips: Iterable[np.ndarray], shape: tuple[int, ...], name: str
) -> Iterator[np.ndarray]:
    """The clips one by one, as float32 arrays of the input's shape, or an error.

    Args:
        clips: An array `(clips, ...)` or an iterable of arrays.
        shape: Shape of the model's input without the batch axis.
        name: Name of the argument that holds them.

    Raises:
        TypeError: If they are no arrays of floating-point numbers.
        ValueError: If one has another shape, or holds NaN or infinity.
    """
    if isinstance(clips, str | bytes | dict) or not isinstance(clips, Iterable):
        raise TypeError(
            f"`{name}` must be an array (clips, {', '.join(map(str, shape))}) or an iterable of "
            f"arrays {shape}. Received: {type(clips).__name__}"
        )
    for number, clip in enumerate(clips):
        clip = np.asarray(clip)
        # A waveform's axis for its one channel is none of the file's.
        if clip.shape == (*shape, 1):
            clip = clip[..., 0]
        if clip.shape != shape:
            raise ValueError(
                f"Every clip of `{name}` must have the model's input shape {shape}; cut it, or add "
                f"zeros after it. Received: clip {number} of shape {clip.shape}"
            )
        if not np.issubdtype(clip.dtype, np.floating):
            raise TypeError(
                f"`{name}` must be floating point, scaled as in training (a waveform between -1 "
                f"and 1). Received: clip {number} of dtype {clip.dtype}"
            )
        if not np.isfinite(clip).all():
            raise ValueError(f"`{name}` must be finite. Received: NaN or infinity in clip {number}")
        yield clip.astype("float32")
