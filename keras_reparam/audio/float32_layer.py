"""What the layers that take waveforms share."""

import keras


class Float32Layer(keras.layers.Layer):
    """A layer that computes in float32, whatever the global dtype policy says.

    16 bits are too few for waveforms, and for log-mel spectra of them.

    Args:
        **kwargs: What every Keras layer takes. `dtype` must be float32.
    """

    def __init__(self, **kwargs):
        dtype = kwargs.pop("dtype", None)
        if dtype is not None and keras.dtype_policies.get(dtype).name != "float32":
            raise ValueError(
                f"{type(self).__name__} always computes in float32, under every global dtype "
                f"policy; leave `dtype` out. Received: dtype={dtype!r}"
            )
        super().__init__(dtype="float32", **kwargs)
