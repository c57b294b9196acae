"""A process that trains the light backbone a few steps whenever it is told to, on one setup.

Started by `keras_reparam.benchmarks.setups`, which says by environment variables which backend,
how many threads and which kernels. Reads one line of JSON, the setup; answers each line after it
with the seconds that a step took.
"""

import json
import sys
import time
from typing import Any

import numpy as np


def batches(setup: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a turn: features like normalised log-mel features, all valid; masks; targets."""
    rng = np.random.default_rng(0)
    clips, classes = setup["steps"] * setup["batch_size"], setup["num_classes"]
    features = rng.normal(size=(clips, setup["frames"], setup["num_mels"])).astype("float32")
    targets = np.eye(classes, dtype="float32")[rng.integers(classes, size=clips)]
    return features, np.ones(features.shape[:2], bool), targets


def main() -> None:
    setup = json.loads(sys.stdin.readline())
    from keras_reparam._utils.quiet import import_keras

    import_keras()
    import keras

    import keras_reparam as kr
    from keras_reparam._utils.one_vector import OneVector

    names = ("num_classes", "num_mels", "frames")
    backbone = kr.models.create(
        setup["model"],
        size=setup["size"],
        **{name: setup[name] for name in names},
        **setup["options"],
        dtype=setup["precision"],
    )
    if setup["weights"]:
        weights: dict[str, Any] = {each.path: np.array(each) for each in backbone.variables}
        np.savez(setup["weights"], **weights)
    if setup["expansion"]:
        backbone = kr.expand(backbone, expansion=setup["expansion"])
    features, mask, targets = batches(setup)
    inputs = keras.Input(features.shape[1:]), keras.Input(mask.shape[1:], dtype="bool")
    model = keras.Model(inputs, backbone(inputs[0], mask=inputs[1]))
    optimizer: type = keras.optimizers.AdamW
    # As the recipes have it. JAX compiles the step as a whole anyway.
    if setup["one_vector"] and keras.backend.backend() == "tensorflow":
        optimizer = type("AdamW", (OneVector, optimizer), {})
    model.compile(
        optimizer(learning_rate=1e-3, weight_decay=0.02),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        jit_compile=setup["xla"],
    )
    logits = np.array(backbone(features[: setup["batch_size"]], training=False), "float32")
    print(json.dumps({"logits": logits.tolist()}), flush=True)
    options = {"batch_size": setup["batch_size"], "verbose": 0, "shuffle": False}
    for _ in sys.stdin:
        start = time.perf_counter()
        model.fit((features, mask), targets, **options)
        print((time.perf_counter() - start) / setup["steps"], flush=True)


if __name__ == "__main__":
    main()
