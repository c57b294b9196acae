"""`inspect_tflite`: what is in a `.tflite` file, whoever made it.

Imports neither Keras nor TensorFlow.
"""

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_reparam.deploy.inspection.inspect_graph import (
    float_islands,
    initial_graphs,
    is_hybrid_per_channel,
    keeps_state,
    num_borders,
    peak_activations,
    quantization_kind,
    unpacked_weights,
)
from keras_reparam.deploy.inspection.inspect_report import (
    InspectedOperator,
    InspectedTensor,
    InspectionReport,
)
from keras_reparam.deploy.inspection.trial import Trial
from keras_reparam.deploy.tflite.kinds import INTEGER_KINDS
from keras_reparam.deploy.tflite.linear_kernels import linear_kernels
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, read_metadata_and_remarks
from keras_reparam.deploy.tflite.runtime_versions import (
    HYBRID_PER_CHANNEL_RUNTIME,
    PHONE_RUNTIME,
    first_runtime,
    release,
)
from keras_reparam.deploy.tflite.tflite_buffers import read_model
from keras_reparam.deploy.tflite.tflite_file import INTEGERS, Operator, Tensor, TFLiteFile
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph
from keras_reparam.deploy.tflite.weight_size import bits_per_weight, deflated

_FLOAT = ("float32", "float16", "bfloat16", "float64")
_CLAIM = r"(?<![a-z0-9])(float32|float16|int4_dynamic|int8_dynamic|int8_full|int8)(?![a-z0-9])"
_METADATA = "TFLITE_METADATA"
_LONGEST_FAULT = 300
# Operators that change the form of scores and not their order.
_FORM = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")
# 25 ms at 16 kHz: a shorter vector is one of features.
_LEAST_SAMPLES = 400
_LEAST_INT8 = 0.9


def inspect_tflite(path: str | os.PathLike, *, run: bool = True) -> InspectionReport:
    """Says what is in a `.tflite` file, from its tensors and operators alone.

    The file may come from anywhere. It is read with every offset and length checked, and run in
    a process of its own; a broken or hostile one is an error, or a problem in the report.

    The kind is that of the first line that fits; constants are what the file stores, activations
    are inputs and what operators make of other than constants:

    - `"mixed"`: a quantized tensor of another type than int8, int4 or int2 (weights) or int32
      (biases), scales per block, float16 activations beside int8, int8 activations without integer
      constants, or integer constants that are only unpacked to float.
    - `"int8_full"`: integer constants and int8 activations; no input or output is float.
    - `"int8"`: integer constants and int8 activations; an input or output is float.
    - `"int4_dynamic"`: int4 constants; float activations alone, quantized on the fly.
    - `"int8_dynamic"`: the same with int8 or int2 constants.
    - `"float16"`: float16 constants. (Beside int8 ones, those and int16 ones that are only
      unpacked count as float.)
    - `"float32"`: the rest.

    Args:
        path: The file.
        run: Whether to try it with LiteRT: load it and invoke it, or each of its signatures if
            it has several, on noise and whatever integers it takes.

    Returns:
        An `InspectionReport`. `print` it for a table; `passed` says whether a phone can run the
        file: builtin operators that the TensorFlow Lite runtime 2.16.1 knows, weights inside,
        and, if it was tried, finite outputs.

    Raises:
        TypeError: If `path` is no path.
        FileNotFoundError: If there is no such file.
        ValueError: If it is no sound `.tflite` file.

    Example:

    >>> import importlib.resources
    >>> shipped = importlib.resources.files("keras_reparam") / "pretrained" / "ser_int8.tflite"
    >>> report = inspect_tflite(shipped)
    >>> report.kind, report.runtime, report.passed
    ('int8', '2.16.1', True)
    >>> print(report.inputs[0], "->", report.outputs[0].shape)
    serving_default_input:0: float32 [1, 64000] -> (1, 4)
    >>> report.metadata.sample_rate, report.metadata.labels
    (16000, ('anger', 'happiness', 'neutral', 'sadness'))
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"`path` must be a path (str or pathlib.Path). Received: path={path!r} of type "
            f"{type(path).__name__}"
        )
    content = read_model(path)
    try:
        report = inspect_content(content, str(path))
    except ValueError as error:
        raise ValueError(f"'{path}': {error}") from None
    if not run:
        return report
    with Trial() as trial:
        result = trial.run(path)
    problems = report.problems
    if not result.runs:
        problems += (f"LiteRT can't run it: {result.reason}",)
    return dataclasses.replace(report, runs=result.runs, problems=problems)


def inspect_content(content: bytes, path: str) -> InspectionReport:
    """The report of `inspect_tflite(path, run=False)` for a file whose bytes are `content`."""
    return inspect_read(content, TFLiteGraph(content), path)


def inspect_read(content: bytes, graph: TFLiteGraph, path: str) -> InspectionReport:
    """`inspect_content` for whoever has read the file's graph already."""
    file = graph.file
    main = file.subgraphs[0]
    operators = tuple(_operators(file))
    runtime = _runtime(operators)
    metadata, fault, remarks = TFLiteMetadata(), "", ()
    try:
        metadata, remarks = read_metadata_and_remarks(content)
    except ValueError as error:
        fault = str(error)[:_LONGEST_FAULT]
    kind = quantization_kind(file.subgraphs)
    share = _int8_share(graph)
    warnings = [
        *_warnings_about_kind(Path(path).stem, kind, share),
        *_warnings_about_storage(file),
        *_warnings_about_graph(file, graph),
        *(f"label file: {remark}" for remark in remarks),
        *_warnings_about_metadata(file, metadata, fault),
    ]
    return InspectionReport(
        path=path,
        size=len(content),
        kind=kind,
        inputs=tuple(_tensor(main.tensors[t]) for t in main.inputs),
        outputs=tuple(_tensor(main.tensors[t]) for t in main.outputs),
        signatures=file.signatures,
        operators=operators,
        subgraphs=len(file.subgraphs),
        weights=_weights(file),
        int8_share=share,
        bits_per_weight=bits_per_weight(graph),
        ternary=_ternary(graph),
        deflated=deflated(content),
        activations=sum(map(peak_activations, file.subgraphs)),
        borders=sum(map(num_borders, file.subgraphs)),
        islands=tuple(island for g in file.subgraphs for island in float_islands(g)),
        metadata=metadata,
        runtime=runtime,
        runs=None,
        problems=tuple(_problems(file, operators, runtime)),
        warnings=tuple(warnings),
    )


def _tensor(tensor: Tensor) -> InspectedTensor:
    return InspectedTensor(
        tensor.name, tensor.signature, tensor.dtype, tensor.scales, tensor.zero_points
    )


def _operators(file: TFLiteFile) -> list[InspectedOperator]:
    total, int8, late = Counter(), Counter(), set()
    for graph in file.subgraphs:
        for operator in graph.operators:
            key = (operator.name, operator.version)
            total[key] += 1
            int8[key] += graph.is_int8(operator)
            if is_hybrid_per_channel(graph, operator):
                late.add(key)
    rows = []
    for key, count in sorted(total.items(), key=lambda row: (-row[1], row[0])):
        runtime = first_runtime(*key)
        if runtime is not None and key in late:
            runtime = max(runtime, HYBRID_PER_CHANNEL_RUNTIME, key=release)
        rows.append(InspectedOperator(*key, count=count, int8=int8[key], runtime=runtime))
    return rows


def _runtime(operators: Sequence[InspectedOperator]) -> str | None:
    found = [operator.runtime for operator in operators if operator.runtime is not None]
    return max(found, key=release, default=None) if len(found) == len(operators) else None


def _weights(file: TFLiteFile) -> dict[str, int]:
    found: dict[int, Tensor] = {}
    for graph in file.subgraphs:
        for tensor in graph.tensors:
            if tensor.data_bytes:
                found.setdefault(tensor.buffer, tensor)
    total = Counter()
    for tensor in found.values():
        total[tensor.dtype] += tensor.data_bytes
    return dict(total)


def _int8_share(graph: TFLiteGraph) -> float:
    values = Counter()
    for tensor in graph.constants(graph.backbone):
        values[tensor.dtype] += tensor.values
    # Shapes, axes and the int32 biases of int8 operators are no weights to compress.
    integers = sum(values[dtype] for dtype in INTEGERS)
    return integers / max(integers + sum(values[dtype] for dtype in _FLOAT), 1)


def _ternary(graph: TFLiteGraph) -> tuple[str, ...]:
    kernels = (k for k in linear_kernels(graph) if k.operator in graph.backbone)
    return tuple(dict.fromkeys(kernel.name for kernel in kernels if kernel.is_ternary))


def _problems(
    file: TFLiteFile, operators: Sequence[InspectedOperator], runtime: str | None
) -> Iterator[str]:
    custom = [operator.name for operator in operators if operator.name.startswith("CUSTOM ")]
    if custom:
        yield (
            f"operators that are not builtin: {', '.join(custom)}; convert the model without them "
            "(Flex... are TensorFlow's own)"
        )
    unknown = [o for o in operators if o.runtime is None and o.name not in custom]
    if unknown:
        names = ", ".join(f"{o.name} v{o.version}" for o in unknown)
        yield f"in no TensorFlow Lite runtime known here: {names}"
    if runtime is not None and release(runtime) > release(PHONE_RUNTIME):
        names = [o for o in operators if o.runtime and release(o.runtime) > release(PHONE_RUNTIME)]
        listed = ", ".join(f"{o.name} v{o.version} ({o.runtime})" for o in names)
        yield f"newer than {PHONE_RUNTIME}, the newest runtime on Maven Central: {listed}"
    if file.external_weights:
        yield "weights in other files"
    main = file.subgraphs[0]
    if not (main.inputs and main.outputs and main.operators):
        yield "no input, no output, or no operator"


def _warnings_about_kind(name: str, kind: str, share: float) -> Iterator[str]:
    claimed = re.search(_CLAIM, name.lower())
    if claimed and claimed[0] != kind:
        yield f"its name says {claimed[0]}, its tensors are {kind}"
    if kind in INTEGER_KINDS and share < _LEAST_INT8:
        yield f"only {share:.0%} of the weights have 8 bits or fewer"


def _warnings_about_storage(file: TFLiteFile) -> Iterator[str]:
    """Of forms of weights that runtimes get wrong, or are slow with."""
    tensors = [tensor for graph in file.subgraphs for tensor in graph.tensors]
    blockwise = sum(tensor.blockwise for tensor in tensors)
    if blockwise:
        yield (
            f"{blockwise} tensors with a scale per block: INT4 gives wrong scores in TensorFlow "
            "Lite 2.16.1 and LiteRT 1.4, INT2 may end the process; quantize per channel"
        )
    sparse = sum(tensor.sparse for tensor in tensors)
    if sparse:
        yield (
            f"{sparse} sparse tensors: int8 FULLY_CONNECTED gives wrong scores in LiteRT 2.3, and "
            "float ones are slower than dense; store them dense"
        )
    unpacked = sum(len(unpacked_weights(graph)) for graph in file.subgraphs)
    if unpacked:
        yield (
            f"{unpacked} tensors of 4 or 2 bits are unpacked to float (weight-only): right, but "
            "several times slower than float; quantize activations on the fly"
        )


def _warnings_about_graph(file: TFLiteFile, graph: TFLiteGraph) -> Iterator[str]:
    main = file.subgraphs[0]
    if len(file.signatures) > 1:
        names = ", ".join(f"'{signature.name}'" for signature in file.signatures)
        yield f"{len(file.signatures)} signatures ({names[:_LONGEST_FAULT]}): an app chooses one"
    ways_in = {0, *(signature.subgraph for signature in file.signatures)}
    if len(ways_in | initial_graphs(file.subgraphs)) < len(file.subgraphs):
        yield f"{len(file.subgraphs)} subgraphs (loops or branches), which most delegates leave out"
    if keeps_state(file.subgraphs):
        yield "it keeps a state from call to call: an app must reset it before another clip"
    if any(main.tensors[t].dynamic for t in (*main.inputs, *main.outputs)):
        yield "dynamic shapes: an app must fix them before it allocates, and some runtimes refuse"
    if len(main.inputs) > 1:
        yield f"{len(main.inputs)} inputs; MediaPipe's AudioClassifier takes one"
    stacked = _stacked_layers(graph)
    if stacked:
        yield (
            f"{stacked} linear layers feed another one directly and take more multiplications "
            "than their product: a model in its training form? Merge it before the export"
        )
    if not any(_gives_probabilities(graph, t) for t in graph.outputs):
        yield "no softmax or sigmoid before an output: the scores may be logits"


def _stacked_layers(graph: TFLiteGraph) -> int:
    """Number of linear layers that the one after them could swallow, and be cheaper for it."""
    users = Counter(t for operator in graph.operators for t in set(operator.inputs))
    linear = {o.outputs[0]: o for o in graph.operators if _is_linear_layer(graph, o)}
    count = 0
    for second in linear.values():
        first = linear.get(second.inputs[0])
        if first is None or first.activation or users[second.inputs[0]] > 1:
            continue
        rank, inputs = graph.tensors[first.inputs[1]].shape
        outputs = graph.tensors[second.inputs[1]].shape[0]
        count += rank * (inputs + outputs) > inputs * outputs
    return count


def _is_linear_layer(graph: TFLiteGraph, operator: Operator) -> bool:
    return (
        operator.name == "FULLY_CONNECTED"
        and len(operator.inputs) > 1
        and len(operator.outputs) == 1
        and graph.is_constant(operator.inputs[1])
        and len(graph.tensors[operator.inputs[1]].shape) == 2
    )


def _gives_probabilities(graph: TFLiteGraph, tensor: int) -> bool:
    """Whether a tensor is the result of a softmax or sigmoid, whatever its form."""
    seen = set()
    while tensor in graph.producer and tensor not in seen:
        seen.add(tensor)
        operator = graph.operators[graph.producer[tensor]]
        if operator.name in ("SOFTMAX", "LOGISTIC"):
            return True
        if operator.name not in _FORM or not operator.inputs:
            return False
        tensor = operator.inputs[0]
    return False


def _warnings_about_metadata(
    file: TFLiteFile, metadata: TFLiteMetadata, fault: str
) -> Iterator[str]:
    main = file.subgraphs[0]
    if fault:
        yield fault
        return
    if _METADATA not in file.metadata:
        yield "no metadata inside: MediaPipe can't load it"
        return
    if not metadata.labels:
        yield "no labels inside"
    elif main.outputs and (main.tensors[main.outputs[0]].shape or (0,))[-1] != len(metadata.labels):
        shape = list(main.tensors[main.outputs[0]].shape)
        yield f"{len(metadata.labels)} labels for the output {shape}"
    if metadata.sample_rate is None and any(_is_waveform(main.tensors[t]) for t in main.inputs):
        yield "no sample rate inside, and the input looks like a waveform"


def _is_waveform(tensor: Tensor) -> bool:
    long = tensor.values >= _LEAST_SAMPLES and tensor.values == max(tensor.shape, default=0)
    return tensor.dtype == "float32" and long and len(tensor.shape) <= 2
