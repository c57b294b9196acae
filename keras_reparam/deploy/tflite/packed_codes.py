"""Integers of fewer than 8 bits, as a `.tflite` file packs them: the first one lowest in a byte."""

import numpy as np

# Bits of a value, by the type of its tensor.
PACKED_BITS = {"int4": 4, "int2": 2}


def pack_codes(codes: np.ndarray, bits: int) -> bytes:
    """Bytes of integers, which must lie in the range of `bits` bits with a sign.

    Example:

    >>> pack_codes(np.array([1, -1, 0]), 2).hex()
    '0d'
    """
    each = 8 // bits
    row = np.asarray(codes, "int8").ravel()
    row = np.pad(row, (0, -len(row) % each)).view("uint8") & ((1 << bits) - 1)
    places = np.arange(each, dtype="uint8") * bits
    return np.bitwise_or.reduce(row.reshape(-1, each) << places, axis=1).astype("uint8").tobytes()


def unpack_codes(data: bytes, bits: int, count: int) -> np.ndarray:
    r"""The first `count` integers in bytes, int8.

    Example:

    >>> unpack_codes(b"\x0d", 2, 3).tolist()
    [1, -1, 0]
    """
    places = np.arange(8 // bits, dtype="uint8") * bits
    row = ((np.frombuffer(data, "uint8")[:, None] >> places) << (8 - bits)).astype("uint8")
    return (row.ravel()[:count].view("int8")) >> (8 - bits)
