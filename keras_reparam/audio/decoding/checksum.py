"""The checksums of FLAC and Ogg."""

import functools


def checksum(data: bytes | bytearray, polynomial: int, bits: int) -> int:
    """A cyclic redundancy check, most significant bit first, that starts at 0."""
    table = _table(polynomial, bits)
    mask, shift, value = 2**bits - 1, bits - 8, 0
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> shift ^ byte]
    return value


@functools.cache
def _table(polynomial: int, bits: int) -> list[int]:
    table = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> bits - 1 else 0)
            value &= 2**bits - 1
        table.append(value)
    return table
