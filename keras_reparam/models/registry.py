"""Backbones by name."""

import keras

from keras_reparam.models.conformer import Conformer
from keras_reparam.models.conv_transformer import ConvTransformer
from keras_reparam.models.haffformer import HAFFormer
from keras_reparam.models.sizes import SIZES
from keras_reparam.models.speechformer import SpeechFormer
from keras_reparam.transforms import expand

_BACKBONES = {
    "conformer": Conformer,
    "conv_transformer": ConvTransformer,
    "haffformer": HAFFormer,
    "speechformer": SpeechFormer,
}


def list_models() -> list[str]:
    """Names that `create` knows.

    Example:

    >>> import keras_reparam as kr
    >>> "conv_transformer" in kr.models.list_models()
    True
    """
    return sorted(_BACKBONES)


def create(
    name: str,
    *,
    size: str = "light",
    num_classes: int,
    num_mels: int = 64,
    frames: int | None = 400,
    expansion: int | None = None,
    **options,
) -> keras.Model:
    """A backbone with random weights: features `(batch, frames, num_mels)` to logits.

    Args:
        name: One of `keras_reparam.models.list_models()`.
        size: `"light"`, `"large"`, or a published one: `"S"`, `"M"` or `"L"` of the Conformer,
            `"S"` or `"B"` of the SpeechFormer.
        num_classes: Number of logits.
        num_mels: Number of mel bands.
        frames: Number of frames: 400 are 4 seconds at a hop of 10 ms. `None`: any number, but
            then the model cannot be exported for a phone.
        expansion: Expansion of the first layer of every feed-forward network:
            `create(..., expansion=r)` is `keras_reparam.expand(create(...), expansion=r)`.
            `None`: the light model itself.
        **options: Further arguments of the backbone's class, such as `dropout`; they take
            precedence over the size's.

    Returns:
        A built model.

    Raises:
        ValueError: If there is no such name or size, or an argument is out of its range.
        TypeError: If the backbone has no such argument.

    Example:

    >>> import keras_reparam as kr
    >>> light = kr.models.create("conv_transformer", num_classes=4)
    >>> light.output_shape
    (None, 4)
    """
    if name not in _BACKBONES:
        known = ", ".join(list_models())
        raise ValueError(f"`name` must be one of {known}. Received: name={name!r}")
    sizes = SIZES[name]
    if size not in sizes:
        raise ValueError(f"`size` must be one of {', '.join(sizes)}. Received: size={size!r}")
    light = _BACKBONES[name](
        **{
            **sizes[size],
            "num_classes": num_classes,
            "num_mels": num_mels,
            "frames": frames,
            **options,
        }
    )
    return light if expansion is None else expand(light, expansion=expansion)
