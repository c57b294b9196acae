"""The classes that Keras knows are all of ours, whatever a process imports first."""

import ast
import functools
import inspect
import json
import zipfile
from pathlib import Path

import keras
import pytest

import keras_reparam as kr
from keras_reparam.cli import main

PACKAGE = Path(kr.__file__).parent
FRAMES, UNITS, SAMPLES = 50, 16, 8000
# What the classes' constructors ask for.
ARGUMENTS = {
    "channels": 2,
    "equation": "btd,df->btf",
    "feed_forward_units": 24,
    "filters": UNITS,
    "kernel_quantizer": "ternary",
    "frames": FRAMES,
    "kernel_size": 3,
    "num_classes": 3,
    "num_heads": 2,
    "num_layers": 1,
    "num_mels": UNITS,
    "output_shape": (None, UNITS),
    "rate": 0.5,
    "scale": 2,
    "units": UNITS,
    "window": 3,
}
# Their own sizes are those of large models.
SMALL = {
    "keras_reparam>Conformer": {"units": UNITS, "num_layers": 1},
    "keras_reparam>ConvTransformer": {"units": UNITS, "num_layers": 1},
    "keras_reparam>HAFFormer": {"units": (4, 4, 4), "num_layers": (1, 1, 1)},
    "keras_reparam>SpeechFormer": {"num_layers": (1, 1, 1, 1)},
}
# No layers of their own: a mixin of other classes.
MIXINS = {"keras_reparam>Expanded"}
# Methods and quantizers are no layers: a layer writes its method's options.
METHODS = {
    f"keras_reparam>{name}"
    for name in ("Branches", "HRF", "Pruned", "Pruning", "Quantized", *kr.quantizers.__all__)
    if name[0].isupper() and name != "Quantizer"
}
WAYS_IN = (
    "import keras, keras_reparam",
    "import keras_reparam, keras",
    "import keras_reparam as kr; kr.load_classifier; kr.merge",
    "from keras_reparam.layers import HRFDense",
    "from keras_reparam.audio.random_gain import RandomGain",
    "from keras_reparam.deploy.conversion.saved_model import load_model",
)


@functools.cache
def registered_names():
    """Every name that the code registers, from the code itself."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for call in getattr(node, "decorator_list", []):
                if "register_keras_serializable" in ast.unparse(call):
                    given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
                    found.add(f"{given['package']}>{given.get('name', node.name)}")
                elif "training_form" in ast.unparse(call):
                    found.add(f"keras_reparam>{call.keywords[0].value.value}")
    return found


def known_names():
    names = keras.saving.get_custom_objects()
    return {name for name in names if name.startswith("keras_reparam>")}


def written(path):
    """Pairs of the names of each of our classes in a saved file: class and registration."""
    with zipfile.ZipFile(path) as archive:
        waiting, found = [json.loads(archive.read("config.json"))], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = value.get("registered_name") or ""
            if name.startswith("keras_reparam>"):
                found.add((value["class_name"], name))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A saved model that has a layer of every class."""
    features = keras.Input((FRAMES, UNITS), name="features")
    waveform = keras.Input((SAMPLES,), name="waveform")
    outputs = []
    for name in sorted(known_names() - MIXINS - METHODS):
        cls = keras.saving.get_registered_object(name)
        asked = inspect.signature(cls).parameters.values()
        needed = {p.name for p in asked if p.default is p.empty or p.name in ("num_mels", "frames")}
        given = {argument: ARGUMENTS[argument] for argument in needed & set(ARGUMENTS)}
        layer = cls(**given, **SMALL.get(name, {}))
        if name == "keras_reparam>MixUp":
            outputs.append(layer({"features": features, "targets": waveform})["features"])
            continue
        if name == "keras_reparam>FeatureAggregation":
            outputs.append(layer([features, features]))
            continue
        if name == "keras_reparam>BranchedDepthwiseConv2D":
            outputs.append(layer(keras.layers.Reshape((FRAMES, UNITS, 1))(features)))
            continue
        of_waveform = issubclass(cls, kr.audio.LogMel) or "Random" in name
        outputs.append(layer(waveform if of_waveform else features))
        if name == "keras_reparam>ConvTransformer":
            outputs.append(kr.expand(cls(**given, **SMALL[name], name="expanded"))(features))
    path = tmp_path_factory.mktemp("everything") / "everything.keras"
    keras.Model([features, waveform], outputs).save(path)
    return path


@pytest.mark.slow
def test_a_saved_model_has_every_class(everything):
    # A new class must be among `_registration._MODULES`, and its arguments in `ARGUMENTS`.
    assert registered_names() == known_names()
    layers = {(name, name) for name in registered_names() - METHODS}
    assert written(everything) == layers | {("keras_reparam>Ternary",) * 2}


LOAD = """
import keras, keras_reparam
answer = len(keras.saving.load_model({path!r}).outputs)
"""
LOAD_WITHOUT_US = """
import keras
try:
    keras.saving.load_model({path!r})
except TypeError as error:
    answer = str(error)
"""
# As a fresh process each, but for what Keras itself imports, which takes seconds.
FORKS = """
import os, sys, keras
for code in sys.argv[1:]:
    if not os.fork():
        del sys.modules["keras"]
        scope = {"answer": None}
        exec(code, scope)
        names = sys.modules["keras"].saving.get_custom_objects()
        ours = sorted(name for name in names if "keras_reparam>" in name)
        finders = [type(finder).__module__ for finder in sys.meta_path]
        print([scope["answer"], ours, finders], flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def forks(everything, tmp_path_factory, run_python):
    """What each process says: an answer, the registered names, and import hooks."""
    folder = tmp_path_factory.mktemp("expanded")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3, name="fc1")(inputs))
    kr.expand(model, filters="fc1").save(folder / "functional.keras")
    backbone = kr.models.ConvTransformer(num_classes=3, frames=FRAMES, num_layers=1)
    kr.expand(backbone).save(folder / "composite.keras")
    codes = {way_in: way_in for way_in in WAYS_IN}
    codes["load"] = LOAD.format(path=str(everything))
    for name in ("functional", "composite"):
        codes[name] = LOAD_WITHOUT_US.format(path=str(folder / f"{name}.keras"))
    child = run_python("-c", FORKS, *codes.values())
    lines = child.stdout.splitlines()
    assert len(lines) == len(codes), child.stderr
    return dict(zip(codes, map(ast.literal_eval, lines), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("way_in", WAYS_IN)
def test_a_fresh_process_knows_every_class(forks, way_in):
    _, names, finders = forks[way_in]
    assert set(names) == registered_names()
    assert "keras_reparam._registration" not in finders


@pytest.mark.slow
def test_a_fresh_process_loads_every_class(forks, everything, capsys):
    assert forks["load"][0] == len(registered_names() - METHODS)
    assert main(["summary", str(everything)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "missing"),
    [("functional", "keras_reparam>HRFDense"), ("composite", "keras_reparam>Expanded")],
)
def test_keras_alone_says_which_package_is_missing(forks, name, missing):
    message, names, _ = forks[name]
    assert names == [] and f"Could not locate class '{missing}'" in message


def test_files_from_before_name_the_plain_class():
    """Such a file loads: Keras goes by the registered name."""
    inputs = keras.Input((4,))
    model = keras.Model(inputs, kr.layers.HRFDense(3)(inputs))
    config = json.loads(model.to_json())
    (layer,) = (x for x in config["config"]["layers"] if x["registered_name"])
    layer["class_name"] = "Dense"
    again = keras.models.model_from_json(json.dumps(config))
    assert isinstance(again.layers[-1], kr.layers.HRFDense)
