"""CAF files whose recording was never finished."""

import struct
from typing import BinaryIO

from keras_reparam.audio.decoding.container import Container
from keras_reparam.audio.decoding.view import View, read_at, size_of


def parse_caf(file: BinaryIO, start: int) -> Container | None:
    """A CAF file whose data goes on to the end of the file, as the size -1 says.

    Returns:
        `None` if the size is known: then libsndfile reads the file as it is.
    """
    position, end = start + 8, size_of(file)
    while len(header := read_at(file, position, 12)) == 12:
        name, size = struct.unpack(">4sq", header)
        body = position + 12
        if name == b"data" and size == -1:
            known = struct.pack(">4sq", name, end - body)
            pieces = [(start, position - start), known, (body, end - body)]
            return Container([View(file, pieces)], False)
        if size < 0:
            break
        position = body + size
    return None
