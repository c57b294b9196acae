"""The light ConvTransformer, its clips of real speech, and the files exported from it."""

import csv
import os
import pickle
from types import SimpleNamespace

import filelock
import numpy as np
import pytest

LABELS = ["anger", "happiness", "neutral", "sadness"]
WINDOW = 64000


def in_window(samples):
    return np.pad(samples[:WINDOW], (0, max(0, WINDOW - len(samples)))).astype("float32")


@pytest.fixture(scope="session")
def speech(emodb4):
    """Every eighth clip of EmoDB's four emotions, in the model's window, and its label."""
    from keras_reparam.audio import load

    with (emodb4 / "emodb4.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::8]
    clips = np.stack([in_window(load(emodb4 / row["path"])) for row in rows])
    return SimpleNamespace(clips=clips, labels=[LABELS.index(row["label"]) for row in rows])


@pytest.fixture(scope="session")
def wave_model(speech):
    """Waveform to logits that tell the clips apart."""
    import keras
    from sklearn.linear_model import LogisticRegression

    import keras_reparam as kr

    if keras.config.backend() != "tensorflow":
        pytest.skip("export is tested where Keras runs on TensorFlow")
    keras.utils.set_random_seed(3)
    backbone = kr.models.create("conv_transformer", num_classes=4, frames=400)
    log_mel = kr.audio.LogMel()
    log_mel.adapt(speech.clips)
    model = kr.models.with_front_end(backbone, log_mel)
    # A linear probe tells the clips apart as training would, in a second.
    classifier = backbone.get_layer("classifier")
    pooled = keras.Model(backbone.inputs, classifier.input)
    pooled.supports_masking = True
    vectors = np.asarray(pooled(log_mel(speech.clips)))
    probe = LogisticRegression(C=1, max_iter=3000).fit(vectors, speech.labels)
    classifier.set_weights([probe.coef_.T, probe.intercept_])
    return model


@pytest.fixture(scope="session")
def exported(request, tmp_path_factory):
    """Export reports by kind; made once for all of pytest's processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    reports = folder / "exported.pickle"
    with filelock.FileLock(folder / "exported.lock"):
        if not reports.exists():
            speech, model = map(request.getfixturevalue, ("speech", "wave_model"))
            reports.write_bytes(pickle.dumps(export(model, speech, folder)))
    return pickle.loads(reports.read_bytes())


def export(wave_model, speech, folder):
    import keras_reparam as kr

    return {
        kind: kr.export_tflite(
            wave_model,
            folder / f"ser_{kind}.tflite",
            quantization=kind,
            representative_data=speech.clips[::2],
            labels=LABELS,
            name="test",
            description="A probe.",
            version="1",
            author="nobody",
            license="Apache-2.0",
        )
        for kind in ("float32", "int8")
    }


@pytest.fixture(scope="session")
def int8_file(exported):
    return exported["int8"].path


@pytest.fixture(scope="session")
def float_file(exported):
    return exported["float32"].path
