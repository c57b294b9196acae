"""KerasHub, where it is needed."""


def whisper_backbone() -> type:
    """The class `keras_hub.models.WhisperBackbone`.

    It is imported here: it takes TensorFlow and `tensorflow_text` along, on every backend.

    Raises:
        FileNotFoundError: If KerasHub is not installed.
    """
    try:
        import keras_hub
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            "A Whisper as teacher needs KerasHub: pip install 'keras-reparam[recipes,teacher]'"
        ) from error
    return keras_hub.models.WhisperBackbone
