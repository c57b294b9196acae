"""Backbones for speech: features `(batch, frames, mels)` to logits `(batch, classes)`."""

from keras_reparam.models.conformer import Conformer
from keras_reparam.models.conv_transformer import ConvTransformer
from keras_reparam.models.front_end import with_front_end
from keras_reparam.models.haffformer import HAFFormer
from keras_reparam.models.reference_state import load_reference_state
from keras_reparam.models.registry import create, list
from keras_reparam.models.speechformer import SpeechFormer

__all__ = [
    "Conformer",
    "ConvTransformer",
    "HAFFormer",
    "SpeechFormer",
    "create",
    "list",
    "load_reference_state",
    "with_front_end",
]
