"""Backbones for speech: features `(batch, frames, mels)` to logits `(batch, classes)`."""

from keras_reparam.models.conv_transformer import ConvTransformer
from keras_reparam.models.front_end import with_front_end
from keras_reparam.models.registry import create, list

__all__ = ["ConvTransformer", "create", "list", "with_front_end"]
