"""Which front end a store's features are of."""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_reparam.audio import LogMel

# What says nothing of the features before normalisation.
_NOT_HASHED = ("name", "trainable", "dtype")
_NOT_HASHED += ("level_normalization", "utterance_mean", "utterance_std")
# Hashed where it differs: stores made before there was such a setting keep their names.
_FORMERLY = {"remove_dc_offset": False}


def front_end_config(log_mel: "LogMel") -> dict:
    """The settings that the features before normalisation depend on."""
    config = log_mel.unnormalized().get_config()
    return {
        name: value
        for name, value in config.items()
        if name not in _NOT_HASHED and (name not in _FORMERLY or value != _FORMERLY[name])
    }


def front_end_hash(log_mel: "LogMel", speed: float = 1.0) -> str:
    """Twelve hexadecimal digits that stand for `front_end_config(log_mel)`, and for the speed."""
    text = front_end_text(log_mel, speed)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def front_end_text(log_mel: "LogMel", speed: float, **options) -> str:
    """What is hashed, as JSON."""
    config = front_end_config(log_mel)
    # Those at their own speed are called as they were before there were others.
    about = config if speed == 1 else {**config, "speed": speed}
    return json.dumps(about, sort_keys=True, **options)
