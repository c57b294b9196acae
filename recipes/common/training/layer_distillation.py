"""Learning from every encoder layer of a float model: the feature distillation of TernaryLLM."""

import keras
from keras import ops

from recipes.common.training.observed import observed, of_any_length


class LayerDistillation(keras.layers.Layer):
    """Passes logits on; adds `weight * mean(1 - cos(own, other))` of each layer to the loss.

    `own` and `other` are the outputs of one encoder layer in a quantized model and in its float
    copy; the cosine is that of a frame's values, and the mean over the frames that the mask says
    are valid, of all clips, and over the layers. Only directions count, so that a few large
    values do not rule.

    Args:
        weight: Of the added loss.
        **kwargs: `name`, and what else every Keras layer takes.

    Call arguments:
        inputs: Logits `(batch, classes)`, and lists of own outputs `(batch, frames, units)`, of
            the float copy's, and of masks `(batch, frames)`, 1 for a valid frame.
        training: Whether to add anything.

    Reference:
        Chen et al., TernaryLLM, 2024, arXiv 2406.07177: distillation of features by cosine
        similarity, insensitive to outliers. Which features, and the mask, are this project's.
    """

    def __init__(self, weight: float, **kwargs):
        super().__init__(**kwargs)
        self._weight = weight
        self.supports_masking = True

    def call(self, inputs, training=False):
        logits, own, other, masks = inputs
        if training:
            distances = [_distance(*layer) for layer in zip(own, other, masks, strict=True)]
            self.add_loss(self._weight * sum(distances) / len(distances))
        return logits

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return input_shape[0]


class LayerOutputs(keras.layers.Layer):
    """What encoder layers of a trained model give, as when it is used.

    Args:
        teacher: The backbone.
        names: Of its layers.
        **kwargs: `name`, and what else every Keras layer takes.

    Call arguments:
        features: As of the backbone.
        mask: As of the backbone.
    """

    def __init__(self, teacher: keras.Model, names: list[str], **kwargs):
        super().__init__(**kwargs)
        self._model = of_any_length(observed(teacher, names))
        self.supports_masking = True

    def call(self, features, mask=None):
        return self._model(features, mask=mask, training=False)[2]

    def compute_mask(self, features, previous_mask=None):
        return None


def _distance(own, other, mask):
    own = ops.normalize(ops.cast(own, "float32"), axis=-1)
    other = ops.stop_gradient(ops.normalize(ops.cast(other, "float32"), axis=-1))
    apart = (1 - ops.sum(own * other, axis=-1)) * mask
    return ops.sum(apart) / ops.maximum(ops.sum(mask), 1.0)
