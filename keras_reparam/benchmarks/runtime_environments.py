"""Runtimes of `.tflite` files, each in an environment of its own."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

_SCRIPT = Path(__file__).with_name("runtime_scores.py")
_INSTALL_SECONDS = 900
# Starting TensorFlow on a busy machine takes half a minute, one file some seconds. A MediaPipe
# that failed can wait for itself for ever.
_START_SECONDS, _FILE_SECONDS = 120, 30


class RuntimeUnavailable(Exception):
    """A runtime that can't be installed here; the message says why."""


@dataclasses.dataclass(frozen=True)
class RuntimeEnvironment:
    """A runtime and what to install for it.

    Attributes:
        title: How tables name it.
        script_name: How `runtime_scores.py` names it.
        requirements: What pip installs, pinned. Empty: the runtime is part of this process's
            Python.
        pythons: Python versions that there are wheels for, the best first.
    """

    title: str
    script_name: str
    requirements: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    def python(self, cache: Path) -> Path:
        """The Python that has the runtime, installed on first use.

        Args:
            cache: Folder of the environments. One that was left half done is made anew.

        Raises:
            RuntimeUnavailable: If there is no fitting Python, or pip fails.
        """
        if not self.requirements:
            return Path(sys.executable)
        folder = self.folder(cache)
        python = folder / "bin" / "python"
        done = folder / "complete"
        if not done.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            _run(self._base(), "-m", "venv", folder)
            _run(python, "-m", "pip", "install", "--quiet", *self.requirements)
            done.touch()
        return python

    def folder(self, cache: Path) -> Path:
        """Where the environment is, or will be: other requirements go elsewhere."""
        what = "\n".join([self._base(), *self.requirements])
        return cache / f"{self.script_name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"

    def _base(self) -> str:
        current = "{}.{}".format(*sys.version_info[:2])
        if current in self.pythons:
            # Not a virtual environment's link to it: every environment would install its own.
            return os.path.realpath(sys.executable)
        for version in self.pythons:
            for found in (shutil.which(f"python{version}"), *_pyenv(version)):
                if found and _works(found, version):
                    return str(found)
        raise RuntimeUnavailable(f"no Python {', '.join(self.pythons)} here, and it needs one")

    def scores(self, files: Sequence[Path], inputs: Path, cache: Path) -> dict[Path, dict]:
        """By file, `{"scores": [[...], ...]}` in the inputs' order, or `{"error": "..."}`.

        A file that crashes the runtime, or holds it up, costs a new process for the others.

        Args:
            files: The `.tflite` files.
            inputs: `.npz` file with `waveform`, `features` and `sample_rate`.
            cache: Folder of the environments.

        Raises:
            RuntimeUnavailable: If the runtime can't be installed.
        """
        python = self.python(cache)
        found: dict[Path, dict] = {}
        while waiting := [file for file in files if file not in found]:
            lines, reason = self._run_script(python, inputs, waiting)
            for line in lines:
                answer = json.loads(line)
                found[Path(answer.pop("file"))] = answer
            if len(lines) < len(waiting):
                found[waiting[len(lines)]] = {"error": reason}
        return found

    def _run_script(self, python: Path, inputs: Path, files: list[Path]) -> tuple[list[str], str]:
        command = [python, _SCRIPT, self.script_name, inputs, *files]
        limit = _START_SECONDS + _FILE_SECONDS * len(files)
        try:
            child = subprocess.run(
                command, env=_environment(), capture_output=True, text=True, timeout=limit,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            output, reason = error.stdout or b"", f"no answer in {limit} s"
            text = output.decode() if isinstance(output, bytes) else output
        else:
            text, reason = child.stdout, f"the process ended with code {child.returncode}"
        # A last line may be cut off; native libraries may write lines of their own.
        lines = [line for line in text.splitlines(keepends=True) if line.startswith('{"file"')]
        return [line for line in lines if line.endswith("\n")], reason


# The first one is what the others are compared with.
RUNTIMES = (
    RuntimeEnvironment(f"LiteRT {metadata.version('ai-edge-litert')}", "litert"),
    RuntimeEnvironment(
        "LiteRT 1.4.0", "litert", ("ai-edge-litert==1.4.0",), ("3.12", "3.11", "3.10", "3.9")
    ),
    RuntimeEnvironment(
        "TensorFlow Lite 2.16.1",
        "tensorflow",
        (
            # The builds differ in what else they can do, not in the interpreter.
            "tensorflow-cpu==2.16.1; sys_platform == 'linux' and platform_machine == 'x86_64'",
            "tensorflow==2.16.1; sys_platform != 'linux' or platform_machine != 'x86_64'",
        ),
        ("3.12", "3.11", "3.10", "3.9"),
    ),
    RuntimeEnvironment(
        "MediaPipe 1.2.2", "mediapipe", ("mediapipe==1.2.2",), ("3.13", "3.12", "3.11", "3.10")
    ),
    RuntimeEnvironment(
        "Task Library 0.4.4",
        "task_library",
        ("tflite-support==0.4.4", "libusb-package==1.0.30.0"),
        ("3.11", "3.10", "3.9"),
    ),
)


def _environment() -> dict[str, str]:
    """This process's, without what leads a child to this Python's packages."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def _run(*command: str | Path) -> None:
    try:
        child = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, timeout=_INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RuntimeUnavailable(f"not installed in {_INSTALL_SECONDS} s") from None
    if child.returncode != 0:
        errors = [line for line in child.stderr.splitlines() if line.startswith("ERROR")]
        said = (errors or child.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RuntimeUnavailable(f"can't be installed: {said.removeprefix('ERROR: ')}")


def _pyenv(version: str) -> list[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    return sorted(root.glob(f"{version}.*/bin/python{version}"))


def _works(python: str | Path, version: str) -> bool:
    # A version manager's shim is found by its name and may still fail.
    ask = [python, "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
    child = subprocess.run(ask, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return child.returncode == 0 and child.stdout.strip() == version
