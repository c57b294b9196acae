"""Runs `.tflite` files of unknown origin in a process of its own, which they may take down.

Run as a program, it is that process. Imports neither Keras nor TensorFlow.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from keras_reparam._utils.child_process import python_path

# Address space of the child process besides the file: it may claim tensors of any size.
_MOST_MEMORY = 4 << 30


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """What became of one file.

    Attributes:
        runs: Whether LiteRT loaded it and calculated finite outputs, for every signature.
        reason: Why not; empty if it did.
    """

    runs: bool
    reason: str = ""


class Trial:
    """A process that loads and invokes `.tflite` files with LiteRT.

    LiteRT checks a file before it runs it, but not everything: a broken one may crash the process,
    loop, or take all memory. Here the process is another one. It serves file after file; after a
    crash or at the end of the time limit a new one takes its place. It ends with the `with` block,
    or with the program.

    Args:
        seconds: What one file may take, besides the start of the process.

    Example:

    >>> import importlib.resources
    >>> shipped = importlib.resources.files("keras_reparam") / "pretrained" / "ser_int8.tflite"
    >>> with Trial() as trial:
    ...     trial.run(shipped)
    TrialResult(runs=True, reason='')
    """

    def __init__(self, *, seconds: float = 20.0) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
            raise ValueError(f"`seconds` must be a positive number. Received: seconds={seconds!r}")
        self._seconds = seconds
        self._process: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def run(self, path: str | os.PathLike) -> TrialResult:
        """Loads the file, and invokes it, or each of its signatures if it has several.

        It gets noise, and what else it may take before it is said not to run.

        Args:
            path: The file.

        Returns:
            A `TrialResult`, whatever the file holds.
        """
        with self._lock:
            process = self._started()
            requests, answers = process.stdin, process.stdout
            assert requests is not None and answers is not None
            request = json.dumps(str(Path(path).resolve())) + "\n"
            answer: list[str] = []
            with contextlib.suppress(BrokenPipeError):
                requests.write(request)
                requests.flush()
            # A pipe has no portable time limit; a thread that waits for it does.
            reader = threading.Thread(target=lambda: answer.append(answers.readline()), daemon=True)
            reader.start()
            try:
                reader.join(self._seconds)
                late = reader.is_alive()
            finally:
                # Ctrl-C too: an answer that nobody has read would be taken for the next file's.
                if reader.is_alive():
                    self._kill()
                    reader.join()
            if late:
                return TrialResult(False, f"LiteRT was not done with it after {self._seconds:g} s")
            if not answer[0]:
                code = self._kill()
                return TrialResult(False, f"it crashes LiteRT (exit code {code})")
            return TrialResult(**json.loads(answer[0]))

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _started(self) -> subprocess.Popen:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._kill()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "keras_reparam.deploy.inspection.trial"],
            env={**os.environ, "PYTHONPATH": python_path()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        # It says when its libraries are loaded, which is no file's fault.
        try:
            ready = self._process.stdout.readline()
        except BaseException:
            # Ctrl-C: what it says later would be taken for an answer.
            self._kill()
            raise
        if not ready:
            code = self._kill()
            raise RuntimeError(f"The process that runs LiteRT did not start (exit code {code}).")
        return self._process

    def _kill(self) -> int | None:
        """Exit code of the process, which has ended then."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        # One that ends by itself has an exit code of its own.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        process.kill()
        code = process.wait()
        process.stdout.close()
        return code


def _serve() -> None:
    """Answers each line, the path of a file, with a line, until there are no more."""
    # What native code prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from ai_edge_litert.interpreter import Interpreter

    from keras_reparam.deploy.inspection.try_out import try_graph, try_signatures

    def attempt(path: str) -> dict:
        _limit(_MOST_MEMORY + 2 * os.path.getsize(path))

        def load() -> Interpreter:
            return Interpreter(model_path=path, num_threads=1)

        if len(load().get_signature_list()) > 1:
            try_signatures(load())
        else:
            try_graph(load)
        return {"runs": True}

    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        try:
            result = attempt(json.loads(line))
        except Exception as error:
            # Anything may be raised over such a file; the next one is still served.
            text = str(error).strip().splitlines() or [type(error).__name__]
            result = {"runs": False, "reason": text[0][:300]}
        print(json.dumps(result), file=answers, flush=True)


def _limit(memory: int) -> None:
    """Bounds the memory, and writes none of it to disk after a crash, where a system can do so."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
            resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        _serve()
