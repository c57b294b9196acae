"""A backbone with what is inside it as further outputs, and for inputs of any length."""

import keras
from keras import ops

from keras_reparam import _keras
from keras_reparam.layers import ReparamLayer


def observed(backbone: keras.Model, names: list[str]) -> keras.Model:
    """`backbone` with further outputs: what its classifier receives, and its layers' outputs.

    Args:
        backbone: Features to logits.
        names: Of the layers whose outputs are wanted, with their masks as numbers.

    Returns:
        A model whose outputs are logits, features, a list of sequences and one of masks.
    """
    classifier = _keras.node_of(backbone.output).operation
    sequences = [backbone.get_layer(name).output for name in names]
    masks = [FrameMask()(sequence) for sequence in sequences]
    outputs = [backbone.output, classifier.input, sequences, masks]
    return _Observed(backbone.input, outputs, name="observed")


def of_any_length(model: keras.Model) -> keras.Model:
    """`model`, made of its own layers, for any number of frames.

    Args:
        model: A backbone, or an `observed` one. Frames that the mask leaves out change nothing.
    """
    features = keras.Input((None, model.input_shape[-1]), name="features")
    again = keras.models.clone_model(
        model, input_tensors=features, clone_function=lambda layer: layer
    )
    return _Observed(features, again.output, name=model.name)


def encoder_layers(backbone: keras.Model) -> list[str]:
    """The names of the layers of a backbone that hold quantized ones: its encoder layers."""
    return [layer.name for layer in backbone.layers if _holds_quantized(layer)]


class FrameMask(keras.layers.Layer):
    """The Keras mask of a sequence as numbers: 1 for a valid frame, and for all without a mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, sequence, mask=None):
        if mask is None:
            return ops.ones(ops.shape(sequence)[:2], "float32")
        return ops.cast(mask, "float32")

    def compute_mask(self, sequence, previous_mask=None):
        return None

    def compute_output_spec(self, sequence, mask=None):
        return keras.KerasTensor(sequence.shape[:2], "float32")


class _Observed(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.supports_masking = True

    def compute_mask(self, features, previous_mask=None):
        # As of a backbone: what comes out has no frames.
        return None


def _holds_quantized(layer: keras.layers.Layer) -> bool:
    parts = layer._flatten_layers(include_self=False)
    return any(isinstance(x, ReparamLayer) and x.kernel_quantizer is not None for x in parts)
