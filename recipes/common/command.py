"""How a recipe's command begins and ends."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn

from keras_reparam._utils.files import print_any_name

if TYPE_CHECKING:
    from rich.console import Console

_STOPPED = 128 + signal.SIGINT


class Parser(argparse.ArgumentParser):
    """Bad use is one line, as bad input is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def keep_quiet() -> None:
    """Settings without which TensorFlow logs to the user's screen; call before importing Keras."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def speed_up() -> None:
    """Settings with which training steps take a third less time; call before importing Keras."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def interrupted_at_the_end() -> Iterator[None]:
    """Within it Ctrl-C waits for the end: libraries swallow it while they are imported."""
    received = []
    before = signal.signal(signal.SIGINT, lambda *_: received.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt


@contextlib.contextmanager
def starting_keras() -> Iterator[None]:
    """Within it what needs Keras for training is imported; no logs come, Ctrl-C waits."""
    keep_quiet()
    from keras_reparam._utils.quiet import quiet

    with interrupted_at_the_end(), quiet():
        # Keras imports it on the other backends, too, when it saves something.
        with contextlib.suppress(ImportError):
            import tensorflow  # noqa: F401
        yield


def say(console: "Console", text: str) -> None:
    """Prints a line as it is: nothing in it is coloured, taken for markup or broken."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def leave(code: int) -> NoReturn:
    """Ends the process with this exit code.

    After Ctrl-C at once: TensorFlow's threads may still be making batches, and crash while Python
    ends in its own way.
    """
    if code == _STOPPED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def at_least(least: int) -> Callable[[str], int]:
    """An argument's type: a whole number from `least`, which is not negative, on."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more. Received: {text!r}")
        return int(text)

    return number


def exit_code(name: str, body: Callable[[], int]) -> int:
    """Runs `body`; bad input (2) and Ctrl-C (130) are one line on standard error."""
    print_any_name()
    try:
        return body()
    except KeyboardInterrupt:
        print(f"\n{name}: stopped; nothing half-written is left", file=sys.stderr)
        return _STOPPED
    except (ValueError, OSError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"{name}: {text}", file=sys.stderr)
        return 2
