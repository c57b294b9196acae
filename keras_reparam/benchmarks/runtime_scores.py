"""Scores of `.tflite` files in whatever runtime is installed beside this script.

    python runtime_scores.py RUNTIME INPUTS.npz FILE.tflite [FILE.tflite ...]

It stands alone: it needs numpy and the one runtime, in any Python since 3.8. One line of JSON per
file on standard output: the scores of every input in the order of the labels, or the error.
"""

import json
import sys
import zipfile

import numpy as np


def interpreter_scores(interpreter_class, path, inputs):
    """Scores by an interpreter of TensorFlow Lite or LiteRT."""
    interpreter = interpreter_class(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    examples = inputs["waveform" if len(given["shape"]) == 2 else "features"]
    scores = []
    for example in examples:
        if given["dtype"] == np.int8:
            scale, zero_point = given["quantization"]
            example = np.clip(np.round(example / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], example[None])
        interpreter.invoke()
        found = interpreter.get_tensor(made["index"])[0]
        if made["dtype"] == np.int8:
            scale, zero_point = made["quantization"]
            found = (found.astype(np.float32) - zero_point) * scale
        scores.append(found.tolist())
    return scores


def litert(path, inputs):
    from ai_edge_litert.interpreter import Interpreter

    return interpreter_scores(Interpreter, path, inputs)


def tensorflow(path, inputs):
    import tensorflow as tf

    return interpreter_scores(tf.lite.Interpreter, path, inputs)


def mediapipe(path, inputs):
    from mediapipe.tasks.python import BaseOptions, audio  # pyright: ignore[reportMissingImports]
    from mediapipe.tasks.python.components import containers  # pyright: ignore[reportMissingImports]

    options = audio.AudioClassifierOptions(
        base_options=BaseOptions(model_asset_path=path),
        running_mode=audio.RunningMode.AUDIO_CLIPS,
    )
    with audio.AudioClassifier.create_from_options(options) as classifier:
        scores = []
        for example in inputs["waveform"]:
            data = containers.AudioData.create_from_array(example, int(inputs["sample_rate"]))
            # One result per window; an input is one window.
            scores.append(in_order(path, classifier.classify(data)[0]))
    return scores


def task_library(path, inputs):
    import ctypes

    import libusb_package  # pyright: ignore[reportMissingImports]

    # The library looks for a system's libusb, which need not be installed.
    ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    from tflite_support.task import audio  # pyright: ignore[reportMissingImports]

    classifier = audio.AudioClassifier.create_from_file(path)
    scores = []
    for example in inputs["waveform"]:
        data = classifier.create_input_tensor_audio()
        data.load_from_array(example[:, None])
        scores.append(in_order(path, classifier.classify(data)))
    return scores


def in_order(path, result):
    """Scores by label, in the order of the file's own labels."""
    found = {c.category_name: c.score for c in result.classifications[0].categories}
    with zipfile.ZipFile(path) as archive:
        labels = archive.read("labels.txt").decode().splitlines()
    return [found[label] for label in labels]


RUNTIMES = {
    "litert": litert,
    "tensorflow": tensorflow,
    "mediapipe": mediapipe,
    "task_library": task_library,
}


def main():
    runtime, inputs, *paths = sys.argv[1:]
    arrays = dict(np.load(inputs))
    for path in paths:
        try:
            found = {"scores": RUNTIMES[runtime](path, arrays)}
        except Exception as error:
            found = {"error": " ".join(str(error).split()) or type(error).__name__}
        print(json.dumps({"file": path, **found}), flush=True)


if __name__ == "__main__":
    main()
