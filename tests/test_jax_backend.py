"""What can differ between backends (marker `backend`), once more on JAX."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUANTIZED = "quantizers transforms/test_hard_cases.py transforms/test_quantize_aware.py"


@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND") == "jax", reason="the suite itself runs on JAX already"
)
@pytest.mark.parametrize(
    ("marked", "paths"),
    [
        pytest.param(
            "backend and not slow",
            f"layers/test_hrf_layers.py layers/test_contract.py {QUANTIZED}",
            marks=pytest.mark.slow,
        ),
        # What differs in one thing from those.
        pytest.param("backend and slow", f"layers {QUANTIZED}", marks=pytest.mark.nightly),
        # Spectra and whole models compile longest.
        pytest.param("backend", "audio transforms/test_transforms.py", marks=pytest.mark.nightly),
        pytest.param("backend", "models transforms/test_keras_hub.py", marks=pytest.mark.nightly),
    ],
    ids=["layers", "products", "audio", "models"],
)
def test_on_jax(run_python, request, marked, paths):
    child = run_python(
        *("-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:cacheprovider"),
        *("-m", marked, "--durations", "10"),
        *(ROOT / "tests" / name for name in paths.split()),
        env={
            "KERAS_BACKEND": "jax",
            # A second run does not compile again; most functions here take less than a second.
            "JAX_COMPILATION_CACHE_DIR": str(request.config.cache.mkdir("jax-compilation")),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        },
        cwd=ROOT,
        timeout=1200,
    )
    print(child.stdout)
    assert child.returncode == 0, child.stdout[-4000:] + child.stderr[-2000:]
