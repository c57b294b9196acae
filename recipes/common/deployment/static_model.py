"""Another window for a model that was trained on whole recordings."""

from keras_reparam.layers import ReparamLayer
from keras_reparam.models.backbone import Backbone
from keras_reparam.transforms.rebuild import copy_weights


def with_frames(backbone: Backbone, frames: int) -> Backbone:
    """The same backbone for so many frames, as a phone needs it: every shape is static.

    For a merged backbone that takes any number of frames, or those of a whole interview. The result
    has its weights and gives the same logits for features of that many frames, valid or not;
    `keras_reparam.models.with_front_end` puts a front end before it.

    Args:
        backbone: Merged: one of `keras_reparam.models`.
        frames: Number of frames.

    Raises:
        ValueError: If `backbone` is another model, or still has the factors of training.
    """
    factors = any(isinstance(layer, ReparamLayer) for layer in backbone._flatten_layers())
    if factors or not isinstance(backbone, Backbone):
        raise ValueError(
            "`backbone` must be one of `keras_reparam.models`, merged if it was expanded. "
            f"Received: '{backbone.name}' of type {type(backbone).__name__}"
        )
    static = type(backbone).from_config({**backbone.get_config(), "frames": frames})
    copy_weights(backbone, static)
    return static
