"""The time axis in blocks, cut by padding and reshape alone."""

from typing import overload

from keras import ops


def pad_to_blocks(x, length: int, *, before: int = 0, after: int = 0):
    """Zeros after the last frame up to whole blocks, and more zeros around that.

    Args:
        x: Tensor `(batch, frames, ...)`.
        length: Frames of a block.
        before: Zeros before the first frame.
        after: Zeros after the last block.

    Returns:
        Pair of the tensor with `before + blocks * length + after` frames and the number of
        blocks, `ceil(frames / length)`.
    """
    frames = ops.shape(x)[1]
    blocks = -(-frames // length)
    rest = [(0, 0)] * (len(x.shape) - 2)
    if isinstance(frames, int):
        added = (before, blocks * length - frames + after)
        return (ops.pad(x, [(0, 0), added, *rest]) if any(added) else x), blocks
    # Any number of frames: zeros enough for all, since the padding is a constant; then cut.
    x = ops.pad(x, [(0, 0), (before, length - 1 + after), *rest])
    return x[:, : before + blocks * length + after], blocks


@overload
def num_blocks(frames: int, length: int) -> int: ...
@overload
def num_blocks(frames: int | None, length: int) -> int | None: ...
def num_blocks(frames: int | None, length: int) -> int | None:
    """`ceil(frames / length)`, or `None` where the number of frames is not known."""
    return None if frames is None else -(-frames // length)
