"""Which backend of Keras a comparison runs on."""

import json
import os
from pathlib import Path


def backend_name() -> str:
    """The backend of Keras in processes started from this one.

    By Keras's own rule: `KERAS_BACKEND`, or else its settings file, or else TensorFlow. Keras is
    not asked: its import takes seconds.
    """
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")
    folder = Path(os.environ.get("KERAS_HOME", home / ".keras")).expanduser()
    try:
        settings = json.loads((folder / "keras.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    return settings.get("backend", "tensorflow")
