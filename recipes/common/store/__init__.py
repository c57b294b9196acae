"""The store: a manifest's clips as memory-mapped arrays, audio and log-mel features.

    audio.npy             int16, the clips one after another in the manifest's order
    index.csv             id, offset and length in samples, and which file each clip was read from
    features-<hash>.npy   float16, the clips' frames one after another, before normalisation
    mask-<hash>.npy       bool, which of the frames are valid
    features-<hash>.json  the settings of the front end, and the speed, that the hash stands for

`build_store` makes it and `Store` reads it. Importing either imports no Keras.
"""

from recipes.common.store.build import add_speeds, build_store
from recipes.common.store.store import Store
from recipes.common.store.stored_features import StoredFeatures

__all__ = ["Store", "StoredFeatures", "add_speeds", "build_store"]
