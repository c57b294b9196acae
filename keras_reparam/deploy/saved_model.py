"""Saved `.keras` models."""

import os
import zipfile

import keras


def load_model(path: str | os.PathLike, *, safe_mode: bool = True) -> keras.Model:
    """The saved model without its compile state.

    Args:
        path: A file ending with `.keras`.
        safe_mode: Whether code inside the file (`Lambda`) is refused.

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
        model = keras.saving.load_model(path, compile=False, safe_mode=safe_mode)
    except TypeError as error:
        # Keras appends the whole config of what it doesn't know: pages of it.
        raise TypeError(str(error).split("Full object config")[0].strip()) from None
    except (ValueError, OSError):
        raise
    except Exception as error:
        # A damaged file can fail anywhere within Keras, h5py or json.
        raise ValueError(
            f"'{path}' can't be loaded ({type(error).__name__}: {error}). Save the model again."
        ) from error
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a saved model. Received: '{path}' with {type(model).__name__}")
    return model
