"""Nothing on the screen, unless something went wrong."""

import os
import subprocess
import sys
import warnings

import pytest

from keras_reparam._utils.quiet import quiet


def speak():
    os.write(2, b"from C\n")
    print("from Python", file=sys.stderr)
    subprocess.run([sys.executable, "-c", "import sys; print('child', file=sys.stderr)"])
    warnings.warn("a warning", stacklevel=1)


def test_silent(capfd):
    with quiet() as screen:
        speak()
        print("a bar", file=screen)
    os.write(2, b"after\n")
    assert capfd.readouterr() == ("", "a bar\nafter\n")


def test_all_is_said_after_a_failure(capfd):
    with pytest.raises(KeyError), quiet():
        speak()
        raise KeyError("x")
    said = capfd.readouterr().err
    for text in ("from C", "from Python", "child"):
        assert said.count(text) == 1


def test_descriptors_are_given_back():
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        with quiet(), quiet():
            pass
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert before == after
