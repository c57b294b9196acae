"""Fixtures of all tests; settings that must be made before Keras is imported."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Tests are many small models: threads cost more than they give, and two workers share two cores.
SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    # Compiling hundreds of small functions costs far more than running them once.
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "MPLBACKEND": "agg",
}
for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)
# Kept bytecode, where the environment says otherwise: to compile the package and the tests anew
# takes each worker and each child 6 s.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A suite that runs in the background ignores Ctrl-C, and so would all programs that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The longest files first, slow tests included, so that both processes have work until the end.
LONGEST = (
    *("test_jax_backend.py", "test_pool.py", "test_training_resume.py", "test_backbones.py"),
    *("test_quantization.py", "test_baselines.py", "test_joint.py", "test_store.py"),
    *("test_distributed.py", "test_quickstart.py", "test_packaging.py"),
    *("test_recipes_end_to_end.py", "test_transforms.py", "test_registration.py"),
    *("test_docs.py", "test_export.py", "test_heads.py", "test_contract.py"),
    *("test_hrf_layers.py", "test_quantized_parts.py", "test_verify.py", "test_cli.py"),
    *("test_classifier.py", "test_hard_cases.py", "test_speechformer.py", "test_report.py"),
)


def pytest_collection_modifyitems(items):
    """Each file's tests run in one process: what its fixtures train and export is made once."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish():
    """Garbage collection is rare, and skips what imports made: TensorFlow's converter collects."""
    gc.freeze()
    # What tests make lives shortly: by default a young generation of 700 is looked through.
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(autouse=True)
def seeded():
    """Seeds every generator that Keras knows, in tests whose process has imported Keras."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(20241)


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the real corpora that are not part of the repository (EmoDB, CREMA-D)."""
    named = os.environ.get("KERAS_REPARAM_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "emodb" / "emodb.csv").is_file():
        pytest.skip(f"no corpora in {folder}; set KERAS_REPARAM_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def emodb4():
    """Folder of the quickstart's 339 clips, always there: audio/*.ogg and emodb4.csv."""
    return ROOT / "recipes" / "data" / "emodb4"


@pytest.fixture(scope="session")
def clip(emodb4):
    """One clip of real speech (Ogg Opus, 16 kHz, mono) of a speaker held out from training."""
    return emodb4 / "audio" / "03a01Wa.ogg"


@pytest.fixture(scope="session")
def run_python():
    """Runs Python in a child process: `run_python("-m", "module", ..., env={...}, cwd=...)`.

    The child sees this checkout; the result has returncode, stdout and stderr (text).
    """

    def run(*arguments, env=None, cwd=None, timeout=300, **options):
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def run_cli(run_python):
    """Runs the command `keras-reparam` in a child process: `run_cli("classify", path)`."""
    code = "import sys; from keras_reparam.cli import main; sys.exit(main())"

    def run(*arguments, **options):
        return run_python("-c", code, *arguments, **options)

    return run
