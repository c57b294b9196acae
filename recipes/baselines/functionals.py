"""openSMILE's eGeMAPS, of a clip."""

import importlib.util
from pathlib import Path

import numpy as np

from recipes.baselines.listeners import SAMPLE_RATE

MISSING = (
    "needs openSMILE, whose license allows research alone: "
    "pip install 'keras-reparam[recipes,baselines]'"
)


def installed() -> bool:
    """Whether openSMILE is there."""
    return importlib.util.find_spec("opensmile") is not None


class Functionals:
    """The 88 functionals of eGeMAPS (v02) of a clip, by openSMILE with its defaults."""

    def __init__(self):
        import opensmile

        self._smile = opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02,
            feature_level=opensmile.FeatureLevel.Functionals,
        )

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """float32 `(88,)` of samples at 16 kHz."""
        found = self._smile.process_signal(samples, SAMPLE_RATE)
        # What has no voiced part has no pitch.
        return np.nan_to_num(found.to_numpy("float32")[0])


def library_bytes() -> int:
    """Of openSMILE's own library, without which the features can't be had."""
    import opensmile

    binaries = Path(opensmile.__file__).parent / "core" / "bin"
    return max(path.stat().st_size for path in binaries.rglob("*") if path.is_file())
