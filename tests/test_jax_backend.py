"""The tests of the core once more on the JAX backend; those of the backbones are slow ones."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND") == "jax", reason="the suite itself runs on JAX already"
)
@pytest.mark.parametrize(
    "part",
    # The backbones compile longest.
    ["audio", "layers", "transforms", pytest.param("models", marks=pytest.mark.slow)],
)
def test_on_jax(run_python, part):
    child = run_python(
        *("-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:cacheprovider", ROOT / "tests" / part),
        env={"KERAS_BACKEND": "jax"},
        cwd=ROOT,
        timeout=1200,
    )
    print(child.stdout)
    assert child.returncode == 0, child.stdout[-4000:] + child.stderr[-2000:]
