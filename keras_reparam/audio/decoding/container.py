"""What a container's parser found."""

import dataclasses

from keras_reparam.audio.decoding.view import View


@dataclasses.dataclass(frozen=True)
class Container:
    """The audio in a file, mended so that libsndfile reads all of it.

    Attributes:
        parts: What is to be decoded one after another.
        truncated: Whether the file ends before its audio does, as far as its bytes show.
    """

    parts: list[View]
    truncated: bool
