"""What can differ between backends (marker `backend`), once more on JAX."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND") == "jax", reason="the suite itself runs on JAX already"
)
@pytest.mark.parametrize(
    "part",
    [
        "layers quantizers transforms/test_hard_cases.py transforms/test_quantize_aware.py",
        # Spectra and whole models compile longest.
        pytest.param("audio transforms/test_transforms.py", marks=pytest.mark.nightly),
        pytest.param("models transforms/test_keras_hub.py", marks=pytest.mark.nightly),
    ],
    ids=["layers", "audio", "models"],
)
def test_on_jax(run_python, request, part):
    child = run_python(
        *("-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:cacheprovider"),
        *("-m", "backend and not slow", "--durations", "10"),
        *(ROOT / "tests" / name for name in part.split()),
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
