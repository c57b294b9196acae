"""Models of one input and one output, in whatever structure they take and give them."""

from typing import Any

import keras


def input_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Shape of the model's one input without the batch axis, or a `ValueError`."""
    inputs = getattr(model, "inputs", None)
    if inputs:
        shapes = [tuple(tensor.shape) for tensor in inputs]
        if len(inputs) == 1 and not str(inputs[0].dtype).startswith(("float", "bfloat")):
            raise ValueError(
                "The model's input must be floating point, a waveform or features. "
                f"Received: dtype={inputs[0].dtype}"
            )
    else:
        config = model.get_build_config() or {}
        shapes = [tuple(config["input_shape"])] if config.get("input_shape") else []
    if len(shapes) != 1:
        raise ValueError(
            f"The model must have one input. Received: {len(shapes)} inputs {shapes}. Wrap it: "
            "`keras.Model(inputs, model(inputs))`"
        )
    return tuple(None if n is None else int(n) for n in shapes[0][1:])


def file_shape(model: keras.Model) -> tuple[int | None, ...]:
    """`input_shape` as a file has it: a waveform `(samples, 1)` is `(samples,)` there."""
    shape = input_shape(model)
    return shape[:1] if len(shape) == 2 and shape[1] == 1 else shape


def call(model: keras.Model, inputs: Any) -> Any:
    """The model's output for inputs of its `input_shape` or `file_shape`, with a batch axis."""
    if len(inputs.shape) == len(input_shape(model)):
        inputs = keras.ops.expand_dims(inputs, -1)
    structure = getattr(model, "_inputs_struct", None)
    if structure is not None:
        # Keras warns of a bare tensor where the model was made with `[inputs]` or a dict.
        inputs = keras.tree.pack_sequence_as(structure, [inputs])
    return single(model(inputs, training=False))


def output_shape(model: keras.Model, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """Shape of the model's one output for one input of this shape, or a `ValueError`."""
    if len(shape) < len(input_shape(model)):
        shape = (*shape, 1)
    # Not called on symbolic input: that would add a node to the user's graph.
    outputs = model.compute_output_spec(keras.KerasTensor((1, *shape), "float32"))
    return tuple(single(outputs).shape)


def single(outputs: Any) -> Any:
    """The one tensor of a model's outputs, or a `ValueError`."""
    found = keras.tree.flatten(outputs)
    if len(found) != 1:
        shapes = keras.tree.map_structure(lambda tensor: str(tuple(tensor.shape)), outputs)
        raise ValueError(
            "The model must have one output, logits of shape (batch, classes). Make a model of "
            "the one that the file shall give: `keras.Model(model.inputs, one_of_its_outputs)`. "
            f"Received: {len(found)} outputs {shapes}"
        )
    return found[0]
