"""`keras-reparam listen` at a microphone that ALSA makes of a file, through the real PortAudio."""

import codecs
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from keras_reparam.cli import main
from keras_reparam.deploy.runtime.classifier import load_classifier
from keras_reparam.deploy.runtime.shipped import shipped_files

RATE = 16000
# What it hears are the file's bytes; nothing waits for time to pass.
ALSA = """
pcm.{name} {{
  type file
  slave.pcm {{ type null }}
  file "/dev/null"
  infile "{file}"
  format "raw"
}}
"""


@pytest.fixture(scope="module")
def sounddevice():
    module = pytest.importorskip("sounddevice", reason="sounddevice needs Debian's libportaudio2")
    if not sys.platform.startswith("linux"):
        pytest.skip("the microphone of these tests is one of ALSA's")
    return module


@pytest.fixture(scope="module")
def heard():
    """Speech of three seconds, silence, speech."""
    with shipped_files() as folder:
        first, second = (
            soundfile.read(folder / "golden" / name, dtype="float32")[0]
            for name in ("03b10Wb.wav", "1008_IEO_SAD_LO.wav")
        )
    return np.concatenate([first[: 3 * RATE], np.zeros(9 * RATE, "float32"), second])


@pytest.fixture(scope="module")
def environment(sounddevice, heard, tmp_path_factory):
    """In which two microphones hear that."""
    folder = tmp_path_factory.mktemp("alsa")
    heard.tofile(folder / "heard.raw")
    devices = [ALSA.format(name=name, file=folder / "heard.raw") for name in ("Desk", "Headset")]
    # PortAudio ends the process where there is no default.
    (folder / "asound.conf").write_text("".join([*devices, 'pcm.!default "Desk"\n']))
    return {"ALSA_CONFIG_PATH": str(folder / "asound.conf")}


@contextlib.contextmanager
def listening(environment, *arguments, **streams):
    """A process that listens; what is still there afterwards is killed."""
    code = (
        "import sys\nfrom keras_reparam.cli import main\ncode = main()\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\nsys.exit(code)"
    )
    command = [sys.executable, "-c", code, "listen", *arguments]
    env = {**os.environ, **environment}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, **streams) as child:
        try:
            yield child
        finally:
            child.kill()


def test_the_same_samples_give_what_stream_gives(environment, heard):
    expected = [result.as_dict() for result in load_classifier().stream([heard], RATE)]
    # The last one is of the file's end, and a microphone has none.
    expected = expected[: 1 + (len(heard) - 4 * RATE) // (RATE // 2)]
    with listening(environment, "--json", stdout=subprocess.PIPE) as child:
        found = [json.loads(child.stdout.readline()) for _ in expected]
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=20)
    assert found == expected
    assert any(r["silence"] for r in found) and found[0]["label"] == "anger"
    # Ctrl-C leaves whole lines, and no complaint.
    assert child.returncode == 0 and not errors
    assert all(json.loads(line) for line in rest.splitlines())


def test_in_a_terminal(environment):
    ours, its = pty.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as screen,
        listening(
            {**environment, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
            *("--device", "head"),
            stdin=its,
            stdout=its,
            start_new_session=True,
        ) as child,
    ):
        os.close(its)
        shown, decoder = "", codecs.getincrementaldecoder("utf-8")()
        while "silence" not in shown:
            shown += decoder.decode(screen.read(4096))
        child.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # A terminal whose program has gone.
            while more := screen.read(4096):
                shown += decoder.decode(more)
        assert child.wait(20) == 0 and not child.stderr.read()
    assert "Listening to Headset. The first answer comes after 4 s" in shown
    assert "Headset, 0.0 to 4.0 s" in shown and "█" in shown
    # The cursor, hidden meanwhile, is there again.
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_devices(environment, run_cli):
    shown = run_cli("listen", "--list-devices", "--json", env=environment)
    found = json.loads(shown.stdout)
    assert [device["name"] for device in found] == ["Desk", "Headset", "default"]
    assert [device["default"] for device in found] == [False, False, True]
    assert all(device["channels"] >= 1 and device["sample_rate"] > 0 for device in found)
    for device, how_many in (("phone", "none"), ("e", "several")):
        shown = run_cli("listen", "--device", device, env=environment, timeout=60)
        assert shown.returncode == 2 and shown.stderr.count("\n") == 1
        assert "0 'Desk', 1 'Headset', 2 'default'" in shown.stderr
        assert f"is {how_many} of them" in shown.stderr


def test_one_that_cannot_record_at_the_models_rate_records_at_its_own(environment, run_python):
    code = (
        "from keras_reparam.microphone.microphone import Microphone\n"
        "for rate in (48_000, 10_000_000):\n"
        "    microphone = Microphone('Desk', sample_rate=rate)\n"
        "    print(microphone.sample_rate, next(microphone.chunks()).shape)"
    )
    shown = run_python("-c", code, env=environment, timeout=60)
    assert shown.stdout == "48000 (4800,)\n44100 (4410,)\n", shown.stderr


def test_no_microphone(sounddevice, capsys):
    if any(device["max_input_channels"] for device in sounddevice.query_devices()):
        pytest.skip("this machine has a microphone")
    assert main(["listen"]) == 2
    assert "There is no microphone. Connect one" in capsys.readouterr().err
    assert main(["listen", "--list-devices"]) == 0
    assert "There is no microphone." in capsys.readouterr().out


def test_what_is_not_installed(sounddevice, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["listen", "--list-devices"]) == 2
    assert "pip install 'keras-reparam[microphone]'" in capsys.readouterr().err
    # As sounddevice finds no PortAudio.
    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert main(["listen", "--list-devices"]) == 2
    assert "install libportaudio2" in capsys.readouterr().err
