"""What `export_tflite` says about the file that it wrote."""

import dataclasses
from pathlib import Path

from rich.table import Table

from keras_reparam._utils.printed import Printed, table_of
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportReport(Printed):
    """One exported file; prints as a table.

    Attributes:
        path: Where the file is.
        kind: Quantization kind, one of those of `keras_reparam.export_tflite`.
        size: Bytes of the file.
        deflated: Bytes of the file compressed by DEFLATE, as a store sends it.
        operators: Rows (builtin operator, count, how many of them with weights of at most 8 bits
            or an int8 result).
        weights: Bytes of the backbone's constants by dtype, shapes and indices not counted.
        int8_share: Share of these bytes that are int8, or of fewer bits.
        bits_per_weight: Mean number of bits of these values.
        ternary: The layers whose kernel holds at most three values a channel, {-a, 0, a}, bit for
            bit: stored without error in the kinds of integer weights.
        front_end_bytes: Bytes of the front end's constants: always float.
        input_shape: Shape of the input, batch of 1 included.
        input_type: Type of the input, `"float32"` or `"int8"`.
        runtime: The first TensorFlow Lite runtime that knows all operators; `None` if that is not
            known. Apps get 2.16.1.
        metadata: Labels, sample rate and texts in the file.
        top1_agreement: Share of the representative clips whose top-1 class is that of the float32
            file. Of a sigmoid: of those where both say the same of a class, present or not; the
            lowest of all classes. `None` for the kind `float32` itself, and without clips.
        difference: Maximum absolute error of a probability, to the float32 file's; `None` as
            above.
        notes: What to know about running the file.
    """

    path: Path
    kind: str
    size: int
    deflated: int
    operators: tuple[tuple[str, int, int], ...]
    weights: dict[str, int]
    int8_share: float
    bits_per_weight: float
    ternary: tuple[str, ...]
    front_end_bytes: int
    input_shape: tuple[int, ...]
    input_type: str
    runtime: str | None
    metadata: TFLiteMetadata
    top1_agreement: float | None
    difference: float | None
    notes: tuple[str, ...]

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The report as rows (what, value)."""
        rows = [
            ("file", str(self.path)),
            ("kind", self.kind),
            ("size", f"{self.size:,} bytes, {self.deflated:,} deflated"),
            ("input", f"{self.input_type} {list(self.input_shape)}"),
            ("head", self.metadata.head),
        ]
        if self.metadata.unsure_below:
            rows.append(("unsure below", str(self.metadata.unsure_below)))
        if self.metadata.sample_rate:
            rows.append(("sample rate", f"{self.metadata.sample_rate} Hz"))
        if self.metadata.labels:
            rows.append(("labels", ", ".join(self.metadata.labels)))
        weights = ", ".join(f"{d} {n:,} bytes" for d, n in sorted(self.weights.items()))
        share = f"; {self.int8_share:.1%} of them int8 or narrower" if self.int8_share else ""
        rows.append(("weights", weights + share))
        rows.append(("bits a weight", f"{self.bits_per_weight:.1f}"))
        if self.ternary:
            rows.append(("three values a channel", ", ".join(self.ternary)))
        if self.front_end_bytes:
            rows.append(("front end", f"{self.front_end_bytes:,} bytes, float"))
        operators = (f"{n} {c}" + (f" ({i} int8)" if i else "") for n, c, i in self.operators)
        rows.append(("operators", ", ".join(operators)))
        rows.append(("needs", f"TensorFlow Lite {self.runtime or 'newer than is known'}"))
        if self.top1_agreement is not None:
            what = self.metadata.scoring.agreement_name
            rows.append((f"{what}, float32", f"{self.top1_agreement:.1%}"))
            rows.append(("maximum absolute error", f"{self.difference:.4f}"))
        rows.extend(("note", note) for note in self.notes)
        return tuple(rows)

    def as_dict(self) -> dict:
        """The report as JSON types."""
        content = dataclasses.asdict(self)
        content["path"] = str(self.path)
        content["operators"] = {
            name: {"count": count, "int8": int8} for name, count, int8 in self.operators
        }
        return content

    def __rich__(self) -> Table:
        return table_of(f"Exported '{self.path.name}'", self.rows)
