"""Time of a training step of a light backbone: backends, kernels, precisions, and PyTorch.

    python -m keras_reparam.benchmarks.setups
    python -m venv torch && torch/bin/pip install torch numpy
    python -m keras_reparam.benchmarks.setups --pytorch torch/bin/python

Each setup is a process of its own, and they take turns. PyTorch trains the same network: its
logits for the same weights are compared before anything is measured.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.turns import compared, take_turns
from keras_reparam._utils.validation import positive_int
from keras_reparam.benchmarks.command import exit_code, form_options, print_result

_KERAS = [sys.executable, "-m", "keras_reparam.benchmarks.keras_steps"]
_PYTORCH = Path(__file__).with_name("pytorch_steps.py")
_HEADS, _DROPOUT, _CLASSES, _MELS = 4, 0.1, 6, 64
# Of which a child takes the mean: `fit` itself takes time, which a long epoch does not notice.
_STEPS = 8
# Float32 sums in other orders.
_TOLERANCE = 1e-4
# At a hop of 20 ms.
_WINDOW, _CLIP = 200, 125


@dataclasses.dataclass(frozen=True)
class Setup:
    """How a step is made.

    Attributes:
        name: How tables name it.
        frames: Of each clip, 20 ms apart.
        batch_size: Clips in a step.
        precision: Keras's dtype policy.
        xla: Whether XLA compiles the step.
        expansion: Of HRF; 0: the plain network.
        backend: Keras's.
        onednn: Whether TensorFlow's kernels are oneDNN's.
        threads: How many the step has.
        one_vector: Whether TensorFlow moves all weights as one vector.
    """

    name: str
    frames: int = _WINDOW
    batch_size: int = 32
    precision: str = "float32"
    xla: bool = False
    expansion: int = 0
    backend: str = "tensorflow"
    onednn: bool = True
    threads: int = 1
    one_vector: bool = True


# The first one is what the others are compared with.
SETUPS = (
    Setup("plain, whole windows"),
    Setup("HRF", expansion=4),
    Setup("as long as a clip of 2.5 s", frames=_CLIP),
    Setup("frames 10 ms apart", frames=2 * _WINDOW),
    Setup("64 clips a step", batch_size=64),
    Setup("weights one by one", one_vector=False),
    Setup("two threads", threads=2),
    Setup("bfloat16", precision="mixed_bfloat16"),
    Setup("without oneDNN", onednn=False),
    Setup("XLA", xla=True),
    Setup("JAX", backend="jax", xla=True),
)
PYTORCH = Setup("PyTorch, eager", backend="pytorch")


class _Steps:
    """A child process that answers each call with the seconds of a step."""

    def __init__(self, setup: Setup, about: dict[str, Any], command: list[str]):
        self.setup, self.seconds = setup, []
        self._child = subprocess.Popen(
            command,
            env=_variables(setup),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.logits = np.array(json.loads(self._asked(json.dumps(about)))["logits"])

    def __call__(self) -> None:
        self.seconds.append(float(self._asked("step")))

    def close(self) -> None:
        """Ends the process."""
        self._child.kill()
        self._child.communicate()

    def _asked(self, line: str) -> str:
        assert self._child.stdin is not None and self._child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self._child.stdin, flush=True)
        answer = self._child.stdout.readline()
        if not answer:
            _, errors = self._child.communicate()
            last = (errors.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"The process of '{self.setup.name}' ended: {last}")
        return answer


def measure(
    model: str, *, rounds: int, pytorch: str | None = None
) -> list[dict[str, str | int | float]]:
    """Rows of all setups.

    Args:
        model: Name of a backbone.
        rounds: How often each setup has its turn.
        pytorch: A Python with torch and numpy, for the ConvTransformer alone.

    Raises:
        ValueError: If there is no such comparison.
        RuntimeError: If a process fails, or PyTorch's network is another one.
    """
    rounds = positive_int("rounds", rounds)
    if pytorch is not None and model != "conv_transformer":
        raise ValueError(
            f"`--pytorch` is there for conv_transformer alone. Received: --model {model}"
        )
    with tempfile.TemporaryDirectory() as folder, _children(model, pytorch, folder) as children:
        if pytorch is not None:
            apart = float(np.abs(children[-1].logits - children[0].logits).max())
            if not apart <= _TOLERANCE:
                raise RuntimeError(f"PyTorch's logits are off by {apart:.2g}: another network")
        take_turns(children, rounds, 1, description="Training steps")
        seconds = np.array([child.seconds[1:] for child in children])
    return [
        _row(child.setup, own, seconds[0]) for child, own in zip(children, seconds, strict=True)
    ]


@contextlib.contextmanager
def _children(model: str, pytorch: str | None, folder: str) -> Iterator[list[_Steps]]:
    options: dict[str, Any] = {"dropout": _DROPOUT}
    if model == "conv_transformer":
        options["norm_first"] = True
    weights = str(Path(folder) / "weights.npz")
    about = {"model": model, "size": "light", "options": options, "heads": _HEADS}
    about |= {"num_classes": _CLASSES, "num_mels": _MELS, "dropout": _DROPOUT, "steps": _STEPS}
    children: list[_Steps] = []
    try:
        for setup in SETUPS:
            path = "" if children else weights
            own = {**about, **dataclasses.asdict(setup), "weights": path}
            children.append(_Steps(setup, own, _KERAS))
        if pytorch is not None:
            own = {**about, **dataclasses.asdict(PYTORCH), "weights": weights}
            children.append(_Steps(PYTORCH, own, [pytorch, str(_PYTORCH)]))
        yield children
    finally:
        for child in children:
            child.close()


def _variables(setup: Setup) -> dict[str, str]:
    threads = str(setup.threads)
    xla = "" if setup.threads > 1 else "--xla_cpu_multi_thread_eigen=false"
    return {
        **os.environ,
        "KERAS_BACKEND": "jax" if setup.backend == "jax" else "tensorflow",
        "TF_ENABLE_ONEDNN_OPTS": str(int(setup.onednn)),
        "XLA_FLAGS": xla,
        # PyTorch's threads would otherwise spin while another process has its turn.
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
    }


def _row(setup: Setup, seconds: np.ndarray, first: np.ndarray) -> dict[str, str | int | float]:
    about = {"setup": setup.name, "batch_size": setup.batch_size}
    return {**about, **compared(seconds, first)}


def table(rows: list[dict[str, Any]], title: str) -> Table:
    """What is shown of the rows."""
    result = Table(title=title, caption="ratio to the first: median and quartiles of rounds")
    for name in ("setup", "clips", "ms", "ratio", "quartiles"):
        result.add_column(name, justify="left" if name == "setup" else "right")
    for row in rows:
        result.add_row(
            row["setup"],
            str(row["batch_size"]),
            f"{row['milliseconds']:.1f}",
            f"{row['ratio']:.2f}",
            f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}",
        )
    return result


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m keras_reparam.benchmarks.setups",
        description=__doc__ and __doc__.splitlines()[0],
        epilog="Example: python -m keras_reparam.benchmarks.setups --model conformer",
    )
    result.add_argument("--model", default="conv_transformer", help="backbone's name")
    result.add_argument("--rounds", type=int, default=10, help="turns of each; default: 10")
    result.add_argument("--pytorch", metavar="PYTHON", help="one that has torch and numpy")
    form_options(result)
    return result


def main(arguments: list[str] | None = None) -> int:
    command = parser()
    options = command.parse_args(arguments)
    return exit_code(command, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    about = environment("keras", "tensorflow", "jax", "numpy")
    rows = measure(options.model, rounds=options.rounds, pytorch=options.pytorch)
    title = f"Training step, light {options.model}; {described(about)}"
    print_result(options, {"environment": about, "rows": rows}, [table(rows, title)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
