"""Saved `.keras` models."""

import os
import zipfile
from typing import Any

import keras

from keras_reparam.transforms.keras_errors import innermost_message


def load_model(
    path: str | os.PathLike,
    *,
    safe_mode: bool = True,
    custom_objects: dict[str, Any] | None = None,
) -> keras.Model:
    """The saved model without its compile state.

    Args:
        path: A file ending with `.keras`.
        safe_mode: Whether code inside the file (`Lambda`) is refused.
        custom_objects: Classes and functions that Keras does not know by their names.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no saved model, or damaged.
        TypeError: If it holds classes that are not registered.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file '{path}'")
    if not path.endswith(".keras") or not zipfile.is_zipfile(path):
        raise ValueError(f"Expected a model saved as .keras. Received: '{path}'")
    try:
        model = keras.saving.load_model(path, custom_objects, compile=False, safe_mode=safe_mode)
    except TypeError as error:
        # Keras puts whole configs around what it doesn't know: pages of them.
        raise TypeError(innermost_message(error)) from None
    except ValueError as error:
        raise ValueError(innermost_message(error)) from None
    except OSError:
        raise
    except Exception as error:
        # A damaged file can fail anywhere within Keras, h5py or json.
        raise ValueError(
            f"'{path}' can't be loaded ({type(error).__name__}: {error}). Save the model again."
        ) from error
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a saved model. Received: '{path}' with {type(model).__name__}")
    return model
