"""Reads the model files of CTranslate2, without CTranslate2."""

import dataclasses
import math
import struct
from pathlib import Path

import numpy as np

# Those whose variables are written alike; version 6 is of 2021, and the last so far.
_VERSIONS = range(4, 7)
_TYPES = dict(enumerate(("float32", "int8", "int16", "int32", "float16")))


@dataclasses.dataclass(frozen=True)
class CTranslate2Model:
    """What such a file holds.

    Attributes:
        spec: Name of the architecture, such as `"WhisperSpec"`.
        variables: Arrays by name; an alias is not among them.
    """

    spec: str
    variables: dict[str, np.ndarray]


def read_ctranslate2(path: Path) -> CTranslate2Model:
    """Reads a `model.bin`.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file, or a damaged one.
    """
    reader = _Reader(path.read_bytes())
    try:
        model = _model(reader)
    except _Damaged as error:
        raise ValueError(
            f"A model file of CTranslate2 is needed, whole. Received: '{path}', where {error}; "
            "unpack or download the package again"
        ) from None
    return model


class _Damaged(Exception):
    """Says what is wrong, as what follows "where"."""


class _Reader:
    """Takes one value after another from bytes."""

    def __init__(self, content: bytes):
        self._content, self.place = content, 0

    def bytes(self, count: int) -> bytes:
        found = self._content[self.place : self.place + count]
        if len(found) < count:
            raise _Damaged(
                f"{count:,} bytes must follow byte {self.place:,}, and {len(found):,} do"
            )
        self.place += count
        return found

    def number(self, form: str) -> int:
        return struct.unpack(f"<{form}", self.bytes(struct.calcsize(form)))[0]

    def text(self) -> str:
        place = self.place
        found = self.bytes(self.number("H"))
        if not found.endswith(b"\0") or not found[:-1].isascii():
            raise _Damaged(f"a name must begin at byte {place:,}, and none does")
        return found[:-1].decode("ascii")

    @property
    def at_end(self) -> bool:
        return self.place == len(self._content)


def _model(reader: _Reader) -> CTranslate2Model:
    version = reader.number("I")
    if version not in _VERSIONS:
        raise _Damaged(f"the format's version must be one of 4 to 6, and is {version}")
    spec = reader.text()
    reader.number("I")  # The architecture's revision.
    variables = dict(_variable(reader) for _ in range(reader.number("I")))
    for _ in range(reader.number("I")):
        alias, of = reader.text(), reader.text()
        if of not in variables:
            raise _Damaged(f"'{alias}' must be another name of a variable, and is one of '{of}'")
    if not reader.at_end:
        raise _Damaged(f"the file must end at byte {reader.place:,}, and does not")
    return CTranslate2Model(spec, variables)


def _variable(reader: _Reader) -> tuple[str, np.ndarray]:
    name = reader.text()
    shape = [reader.number("I") for _ in range(reader.number("B"))]
    kind = reader.number("B")
    if kind not in _TYPES:
        raise _Damaged(f"the type of '{name}' must be one of 0 to {len(_TYPES) - 1}, and is {kind}")
    dtype = np.dtype(_TYPES[kind]).newbyteorder("<")
    size, needed = reader.number("I"), math.prod(shape) * dtype.itemsize
    if size != needed:
        raise _Damaged(
            f"'{name}' of shape {tuple(shape)} must have {needed:,} bytes, and has {size:,}"
        )
    return name, np.frombuffer(reader.bytes(size), dtype).reshape(shape)
