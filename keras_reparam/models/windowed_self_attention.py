"""Multi-head self-attention over a sliding window."""

import keras
import numpy as np
from keras import ops

from keras_reparam.models._validation import odd
from keras_reparam.models.multi_head_self_attention import MASKED, MultiHeadSelfAttention
from keras_reparam.models.time_blocks import pad_to_blocks

# Queries of a block are multiplied with the keys of all their windows at once. Longer blocks
# compute more scores that no window holds, shorter ones are more and smaller products.
_BLOCK = 16


@keras.saving.register_keras_serializable(package="keras_reparam")
class WindowedSelfAttention(MultiHeadSelfAttention):
    """Self-attention in which frame `t` sees the frames `t - (w - 1) / 2 ... t + (w - 1) / 2`.

    As published for SpeechFormer: keys and values beyond either end of the clip are zero *after*
    the projection, and they take part in the softmax, with a score of 0. Invalid frames count
    as beyond the end, so a clip and the clip with invalid frames after it get the same result.

    Queries are taken in blocks, with the keys of all their windows, which are slices: memory and
    time grow linearly with the number of frames.

    Args:
        units: Width of input and output.
        num_heads: Number of heads.
        window: Number of frames `w` that a frame attends to; odd.
        dropout: Dropout rate of the attention weights.
        **kwargs: `key_dim` of `MultiHeadSelfAttention`; `name`, `dtype`, and what else every
            Keras layer takes.

    Input shape:
        `(batch, frames, units)`, and a Keras mask `(batch, frames)` or none.

    Output shape:
        The same; the mask is passed on.

    Reference:
        Chen et al., SpeechFormer, Interspeech 2022, section 2.2 (Speech-MSA).
    """

    def __init__(self, units: int, *, num_heads: int, window: int, dropout: float = 0.0, **kwargs):
        super().__init__(units, num_heads=num_heads, dropout=dropout, **kwargs)
        self.window = odd("window", window)

    def _attend(self, query, key, value, mask, training):
        frames = ops.shape(query)[1]
        around = self.window // 2
        block = max(_BLOCK, 2 * around)
        query, _ = pad_to_blocks(query, block)
        if mask is not None:
            valid = ops.cast(mask, key.dtype)[:, :, None]
            key, value = key * valid, value * valid
        key, value = (self._with_neighbours(x, block, around) for x in (key, value))
        query = self._split_heads(query, block)
        width = block + 2 * around
        key, value = (self._split_heads(x, width) for x in (key, value))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        weights = self._weights(scores, _band(block, self.window), training)
        result = self._join_heads(ops.matmul(weights, value), block)
        # The blocks of a clip one after another, without the zeros at its end.
        blocks = -(-frames // block)
        return ops.reshape(result, (-1, blocks * block, self._width))[:, :frames]

    def _with_neighbours(self, x, block, around):
        """`(batch, frames, width)` to `(batch * blocks, block + 2 * around, width)`."""
        if not around:
            return ops.reshape(pad_to_blocks(x, block)[0], (-1, block, self._width))
        # The second block of each pair gives the `2 * around <= block` frames that follow.
        x, blocks = pad_to_blocks(x, block, before=around, after=block - around)
        x = ops.reshape(x, (-1, blocks + 1, block, self._width))
        x = ops.concatenate([x[:, :-1], x[:, 1:, : 2 * around]], axis=2)
        return ops.reshape(x, (-1, block + 2 * around, self._width))

    def get_config(self):
        config = super().get_config()
        config.update(window=self.window)
        return config


def _band(block: int, window: int) -> np.ndarray:
    """0 where key `j` lies in the window of query `i`, `i <= j < i + window`, else `MASKED`."""
    offset = np.arange(block + window - 1)[None, :] - np.arange(block)[:, None]
    return np.where((offset >= 0) & (offset < window), 0.0, MASKED).astype("float32")
