"""WebM and Matroska files: whether they are whole."""

from typing import BinaryIO

from keras_reparam.audio.decoding.view import read_at, size_of

_MAGIC = b"\x1aE\xdf\xa3"
# Segment and Cluster: what is in them is looked at one by one.
_OUTER = (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75")


def is_cut(file: BinaryIO) -> bool:
    """Whether a WebM or Matroska file ends within an element; recorders write no duration."""
    if read_at(file, 0, 4) != _MAGIC:
        return False
    position, size = 0, size_of(file)
    while position < size:
        head = read_at(file, position, 12)
        id_length = 9 - head[0].bit_length()
        length = 9 - head[id_length : id_length + 1].rjust(1, b"\0")[0].bit_length()
        if id_length + length > len(head):
            return True
        position += id_length + length
        if head[:id_length] not in _OUTER:
            number = int.from_bytes(head[id_length : id_length + length], "big")
            # The highest bit says how long the number is.
            position += number ^ 1 << 7 * length
    return position > size
