"""What `inspect_tflite` says about a file."""

import dataclasses

from rich.table import Table

from keras_reparam._utils.printed import Printed, table_of
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata
from keras_reparam.deploy.tflite.tflite_file import Signature

_LONGEST = 2000


@dataclasses.dataclass(frozen=True)
class InspectedTensor:
    """An input or output.

    Attributes:
        name: As the file has it.
        shape: An axis that may change is -1.
        dtype: Type of its values, e.g. `"float32"`.
        scales: `real = scale * (value - zero_point)`; empty if it is not quantized.
        zero_points: As many as scales.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]

    def __str__(self) -> str:
        text = f"{self.name}: {self.dtype} {list(self.shape)}"
        if len(self.scales) == 1 and len(self.zero_points) == 1:
            return f"{text}, {self.scales[0]:.6g} * (value - {self.zero_points[0]})"
        return f"{text}, {len(self.scales)} scales" if self.scales else text


@dataclasses.dataclass(frozen=True)
class InspectedOperator:
    """All operators of one name and version.

    Attributes:
        name: The builtin name, or `"CUSTOM <name>"`.
        version: What the file asks the runtime for.
        count: How many there are.
        int8: How many of them have weights of at most 8 bits, or an int8 result.
        runtime: The oldest TensorFlow Lite runtime that runs them; `None` if none is known.
    """

    name: str
    version: int
    count: int
    int8: int
    runtime: str | None

    def __str__(self) -> str:
        int8 = f" ({self.int8} int8)" if self.int8 else ""
        return f"{self.name} v{self.version} {self.count}{int8}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class InspectionReport(Printed):
    """What is in a `.tflite` file; prints as a table. `dataclasses.asdict` gives JSON types.

    Attributes:
        path: Where the file is.
        size: Its bytes.
        kind: Quantization kind, found from the tensors: `"float32"`, `"float16"`,
            `"int8_dynamic"`, `"int8"`, `"int8_full"`, `"int4_dynamic"` or `"mixed"`.
        inputs: The inputs.
        outputs: The outputs.
        signatures: Named ways to call it: names of inputs and outputs to indices of tensors.
        operators: Counts by operator and version, most frequent first.
        subgraphs: Number of graphs.
        weights: Bytes of the constants by dtype, each buffer once: weights, biases, shapes.
        int8_share: Share of int8, or fewer bits, among the weights' values (float and integer
            ones; a front end and constants that no operator reads are left out).
        bits_per_weight: Mean number of bits of these values.
        ternary: The linear layers and convolutions whose kernel holds at most three values a
            channel, {-a, 0, a}, by the name of what they make.
        deflated: Bytes of the file compressed by DEFLATE, as a store sends it.
        activations: The largest number of bytes that activations take at once: the sum of the
            tensors that are alive, operator by operator. An estimate of the interpreter's arena,
            which also holds the kernels' scratch space, and puts some results in place.
        borders: Operators that only convert between float and int8 activations.
        islands: The float operators between int8 ones, by connected part: names and counts.
        metadata: Labels, sample rate and texts in the file.
        runtime: The oldest TensorFlow Lite runtime that runs every operator; `None` if one of
            them is in no runtime known here.
        runs: Whether LiteRT loads it, here, and calculates finite outputs; `None` if not tried.
        problems: Why a phone may not run it.
        warnings: What else to know before using it.
    """

    path: str
    size: int
    kind: str
    inputs: tuple[InspectedTensor, ...]
    outputs: tuple[InspectedTensor, ...]
    signatures: tuple[Signature, ...]
    operators: tuple[InspectedOperator, ...]
    subgraphs: int
    weights: dict[str, int]
    int8_share: float
    bits_per_weight: float
    ternary: tuple[str, ...]
    deflated: int
    activations: int
    borders: int
    islands: tuple[dict[str, int], ...]
    metadata: TFLiteMetadata
    runtime: str | None
    runs: bool | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether a phone can run it: there are no `problems`."""
        return not self.problems

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The report as rows (what, value)."""
        size = f"{self.size:,} bytes, {self.deflated:,} deflated"
        rows = [("file", self.path), ("size", size), ("kind", self.kind)]
        rows += [("input", str(tensor)) for tensor in self.inputs]
        rows += [("output", str(tensor)) for tensor in self.outputs]
        for signature in self.signatures:
            names = (", ".join(names) for names in (signature.inputs, signature.outputs))
            rows.append(("signature", f"{signature.name}: {' -> '.join(names)}"))
        rows.append(("operators", ", ".join(map(str, self.operators)) or "none"))
        weights = ", ".join(f"{d} {n:,} bytes" for d, n in sorted(self.weights.items()))
        int8 = (
            f"; {self.int8_share:.1%} of the values in 8 bits or fewer" if self.int8_share else ""
        )
        rows.append(("constants", (weights or "none") + int8))
        rows.append(("bits a weight", f"{self.bits_per_weight:.1f}"))
        if self.ternary:
            rows.append(("three values a channel", ", ".join(self.ternary)))
        rows.append(("activations", f"about {self.activations:,} bytes at once"))
        if self.borders:
            rows.append(("float / int8 borders", f"{self.borders} conversions"))
        for island in self.islands:
            counts = ", ".join(f"{name} {count}" for name, count in island.items())
            rows.append(("float between int8", f"{sum(island.values())} operators: {counts}"))
        for field in dataclasses.fields(self.metadata):
            value = getattr(self.metadata, field.name)
            # Channels have a default, which says nothing about a model of features.
            if value and (field.name != "channels" or self.metadata.sample_rate):
                text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
                rows.append((field.name.replace("_", " "), text))
        rows.append(("runtime needed", self.runtime or "none known here"))
        if self.runs is not None:
            rows.append(("runs in LiteRT here", "yes" if self.runs else "NO"))
        rows += [("PROBLEM", problem) for problem in self.problems]
        rows += [("warning", warning) for warning in self.warnings]
        return tuple((what, _shown(value)) for what, value in rows)

    def __rich__(self) -> Table:
        return table_of(f"Inspected '{_shown(self.path)}'", self.rows)


def _shown(text: str) -> str:
    """The text without what could move a terminal's cursor, and not longer than a few lines."""
    safe = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text[:_LONGEST])
    return safe + (" ..." if len(text) > _LONGEST else "")
