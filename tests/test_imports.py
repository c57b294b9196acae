"""What an import costs, what it brings along, and that imports go one way."""

import ast
import graphlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CORE = ("audio", "layers", "models", "pruning", "quantizers", "transforms")
# Rooms of `deploy` that know a file alone, not the model that it was made from.
WITHOUT_MODEL = ("deploy.inspection", "deploy.runtime", "deploy.tflite")
# quantizers, pruning <- layers <- models, transforms <- deploy <- recipes: what a part may import.
MAY_IMPORT = {
    "audio": set(),
    "quantizers": set(),
    "pruning": set(),
    "layers": {"pruning", "quantizers"},
    "transforms": {"layers", "pruning", "quantizers"},
    "models": {"audio", "layers", "transforms"},
    "deploy": set(),
    "deploy.tflite": set(),
    "deploy.runtime": {"audio", "deploy.tflite"},
    "deploy.inspection": {"deploy.tflite"},
    "deploy.conversion": {*CORE, *WITHOUT_MODEL},
    "deploy.verification": {"audio", "deploy.conversion", *WITHOUT_MODEL},
    "deploy.release": {"audio", "deploy.runtime", "deploy.tflite"},
    "demo": {"audio", "deploy"},
    "microphone": {"deploy"},
    "benchmarks": {"audio", "demo", "deploy", "layers", "models", "pruning", "transforms"},
    "cli": {
        *("audio", "benchmarks", "demo", "deploy", "layers", "microphone", "models", "transforms")
    },
}
# Used by every part; they import none but each their own.
BELOW = ("_keras", "_registration", "_utils")
# These stand above the parts.
TOP = ("__init__", "__main__", "_registration")
# Whose corpora or tests a part of the recipes is made of.
LEAN_ON = {
    **{"joint": {"emodb", "crema_d", "robustness"}, "quickstart": {"emodb"}},
    **{"compare": {"robustness"}, "baselines": {"joint", "robustness"}, "benchmark": {"compare"}},
}
PACKAGE = ROOT / "keras_reparam"
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(nodes):
    """Absolute names of everything that import statements among `nodes` name."""
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def at_import(tree):
    """Nodes that run when a module is imported: all but the insides of functions."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def part_of(path):
    """`layers`, `cli`, `deploy.tflite`, ...: the folder, of `deploy` the one below it."""
    first, *rest = path.relative_to(PACKAGE).with_suffix("").parts
    return f"deploy.{rest[0]}" if first == "deploy" and len(rest) > 1 else first


def part_named(name, part):
    """The part that an imported name belongs to; `deploy` is one for all but its own rooms."""
    _, first, *rest = name.split(".")
    room = f"deploy.{rest[0]}" if first == "deploy" and rest else first
    return room if part.startswith("deploy") and room in MAY_IMPORT else first


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    part = part_of(path)
    names = imported(ast.walk(tree))
    assert not [name for name in names if name.split(".")[0] in ("recipes", "tests")]
    assert not [name for name in names if name.endswith("__main__")]
    # `python -m keras_reparam.<part>` starts there, so it stands above the parts as well.
    if part in TOP or path.name == "__main__.py":
        return
    if part in BELOW:
        ours = {name for name in names if name.startswith("keras_reparam.")}
        assert {name for name in ours if not name.startswith(f"keras_reparam.{part}.")} <= {
            "keras_reparam._keras"
        }
        return
    assert part in MAY_IMPORT, "say in MAY_IMPORT what the new part may import"
    others = {part_named(name, part) for name in names if name.startswith("keras_reparam.")}
    assert others - {part, *BELOW} <= MAY_IMPORT[part]
    if part in WITHOUT_MODEL:
        assert not [name for name in names if name.split(".")[0] in ("keras", "tensorflow")]
    elif part in CORE:
        assert not [name for name in names if name.split(".")[0] in ("tensorflow", "jax", "torch")]
    else:
        early = imported(at_import(tree))
        assert not [name for name in early if name.split(".")[0] == "tensorflow"]


def test_recipes_use_the_package_not_each_other():
    for path in sorted((ROOT / "recipes").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = path.relative_to(ROOT / "recipes").parts[0].removesuffix(".py")
        # What knows all corpora is one module.
        if own == "corpora":
            continue
        known = {own, "common", "corpora", "data", *LEAN_ON.get(own, ())}
        for name in imported(ast.walk(tree)):
            # Measurements are the command's: what a recipe needs of them is in `_utils`.
            assert not name.startswith("keras_reparam.benchmarks"), f"{path}: {name}"
            if name.startswith("recipes."):
                assert name.split(".")[1] in known, f"{path}: {name}"


def test_folders_of_the_pipeline_import_one_way():
    """Files, protocol, store and scoring <- results <- training, deployment: no cycle."""
    common = ROOT / "recipes" / "common"
    used: dict[str, set[str]] = {}
    for path in common.rglob("*.py"):
        own, *rest = path.relative_to(common).parts
        if rest:
            names = imported(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            parts = {n.split(".")[2] for n in names if n.startswith("recipes.common.")}
            used.setdefault(own, set()).update(p for p in parts - {own} if (common / p).is_dir())
    order = list(graphlib.TopologicalSorter(used).static_order())
    places = [order.index(name) for name in ("protocol", "scoring", "results", "training")]
    assert places == sorted(places) and "deployment" not in used["training"] | used["results"]


def modules_after(run_python, code, **env):
    """Top-level modules that are loaded after a child process has run `code`."""
    code += "\nimport json, sys\nprint(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    child = run_python("-c", code, env=env)
    assert child.returncode == 0, child.stderr
    return set(json.loads(child.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_package_under_jax_imports_no_tensorflow(run_python):
    code = (
        "import keras, keras_reparam as kr\n"
        "kr.expand, kr.merge, kr.summary, kr.layers.HRFDense, kr.audio.LogMel, kr.models.create\n"
    )
    loaded = modules_after(run_python, code, KERAS_BACKEND="jax")
    assert "jax" in loaded
    assert "tensorflow" not in loaded


WITHOUT_KERAS = [
    "import keras_reparam",
    "from keras_reparam.audio import load",
    "import keras_reparam as kr; kr.load_classifier",
    "import keras_reparam as kr; kr.benchmark_tflite",
    "import keras_reparam.cli",
    # So that the command `python -m keras_reparam.models` can keep TensorFlow's logs back.
    "import keras_reparam.models.__main__",
]


@pytest.fixture(scope="module")
def loaded_by(run_python):
    """By snippet, what it has loaded: one child runs them one after another."""
    program = "import json, sys\n" + "".join(
        f"before = set(sys.modules)\n{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))\n"
        for code in WITHOUT_KERAS
    )
    child = run_python("-c", program)
    assert child.returncode == 0, child.stderr
    lines = map(json.loads, child.stdout.splitlines()[-len(WITHOUT_KERAS) :])
    return dict(zip(WITHOUT_KERAS, lines, strict=True))


@pytest.mark.parametrize("code", WITHOUT_KERAS)
def test_import_brings_no_keras(loaded_by, code):
    assert not set(loaded_by[code]) & {"keras", "tensorflow", "jax"}


# A time is what the machine makes of it: nothing that every run should depend on.
@pytest.mark.nightly
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_import_costs_under_a_tenth_of_a_second_more_than_keras(run_python, backend):
    code = (
        "from time import process_time as now\n"
        "import keras\n"
        "start = now()\n"
        "import keras_reparam\n"
        "print(now() - start)"
    )
    seconds = []
    # Processor time, since an import is one thread that computes: other processes do not count.
    # What else the machine does can only add to it: the least of ten counts.
    while len(seconds) < 10 and min(seconds, default=1.0) >= 0.1:
        child = run_python("-c", code, env={"KERAS_BACKEND": backend})
        seconds.append(float(child.stdout.splitlines()[-1]))
    assert min(seconds) < 0.1, seconds
