"""`.tflite` bytes to the schema's objects and back."""

import itertools
import os
from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

MODEL_IDENTIFIER = b"TFL3"
# Kernels read constants with vector instructions; TensorFlow's own converter aligns them so.
_ALIGNMENT = 16


def read_model(path: str | os.PathLike) -> bytes:
    """The file, if it begins as a `.tflite` does: anything else isn't worth the memory."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"Expected a .tflite file. Received a directory: '{path}'")
    if not path.exists():
        raise FileNotFoundError(f"There is no .tflite file '{path}'")
    with path.open("rb") as file:
        head = file.read(8)
        if head[4:8] != MODEL_IDENTIFIER:
            raise ValueError(
                f"Expected a .tflite file. Received: '{path}', which does not have the "
                "identifier 'TFL3'"
            )
        return b"".join(itertools.chain([head], iter(lambda: file.read(1 << 20), b"")))


def unpack_model(model: bytes) -> schema.ModelT:
    """The model's objects, every constant inside its buffer.

    litert-quantizer writes constants of models over 256 KB after the flatbuffer, where older
    runtimes don't look and nothing else can be appended.
    """
    packed = schema.ModelT.InitFromPackedBuf(model)
    for buffer in packed.buffers:
        # 0 and 1 are placeholders of the schema.
        if buffer.offset > 1:
            buffer.data = model[buffer.offset : buffer.offset + buffer.size]
        buffer.offset = buffer.size = 0
    return packed


def pack_model(packed: schema.ModelT) -> bytes:
    """Bytes of a `.tflite` file, constants aligned to 16 bytes, equal vectors stored once."""
    for buffer in packed.buffers:
        buffer.__class__ = _AlignedBuffer
    builder = _SharingBuilder(4096 + sum(len(buffer) for buffer in packed.buffers))
    builder.Finish(packed.Pack(builder), MODEL_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuffer(schema.BufferT):
    """A buffer whose bytes begin at a multiple of 16, which the generated code forgets."""

    def __len__(self) -> int:
        return 0 if self.data is None else len(self.data)

    def Pack(self, builder: flatbuffers.Builder) -> int:
        vector = None
        if len(self):
            builder.StartVector(1, len(self), _ALIGNMENT)
            head = builder.Head() - len(self)
            builder.head = head
            builder.Bytes[head : head + len(self)] = bytes(self.data)
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


class _SharingBuilder(flatbuffers.Builder):
    """Stores equal vectors once: shapes, the zero points of every channel, names."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._vectors: dict[tuple[int, bytes], int] = {}
        self._names: dict[str | bytes, int] = {}
        self._before = self._size = self._alignment = 0
        self._shares = False

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:
        if s not in self._names:
            self._names[s] = super().CreateString(s, encoding, errors)
        return self._names[s]

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        self._before, self._size = self.Offset(), elemSize * numElems
        self._alignment = max(alignment, elemSize)
        self._shares = True
        return super().StartVector(elemSize, numElems, alignment)

    def PrependUOffsetTRelative(self, off: int) -> None:
        # Equal offsets from different places lead to different things.
        self._shares = False
        super().PrependUOffsetTRelative(off)

    def EndVector(self, numElems: int | None = None) -> int:
        vector = super().EndVector(numElems)
        # Strings end here too, and begin elsewhere.
        if not self._shares:
            return vector
        self._shares = False
        # The number of elements comes first.
        content = bytes(self.Bytes[self.head : self.head + 4 + self._size])
        found = self._vectors.setdefault((self._alignment, content), vector)
        if found != vector:
            # The builder writes from the end to the beginning: this takes the vector back.
            self.head = len(self.Bytes) - self._before
        return found
