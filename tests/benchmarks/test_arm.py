"""The comparison with emulated ARM: as a whole if asked, and its parts without an emulator."""

import dataclasses
import json
import stat
import sys

import pytest

from keras_reparam.benchmarks import arm_environment
from keras_reparam.benchmarks.arm import ArmRow, compare_on_arm, main
from keras_reparam.benchmarks.arm_environment import (
    ArmPython,
    ArmUnavailableError,
    make_arm_python,
)
from keras_reparam.benchmarks.arm_instructions import count_instructions
from keras_reparam.deploy.runtime.shipped import golden_clips, shipped_files


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def here(tmp_path):
    """This machine's own Python in place of the emulated one."""
    program(
        tmp_path / "here" / "qemu-aarch64-static",
        "unset PYTHONHOME PYTHONPATH\n"
        'while [ "${1##*/}" != python3.11 ]; do shift; done\n'
        f'shift; exec "{sys.executable}" "$@"\n',
    )
    return ArmPython(tmp_path / "here")


@pytest.fixture
def shipped():
    with shipped_files() as folder:
        return [folder / "ser_int8.tflite"]


def test_the_same_machine_gives_the_same_scores(here, shipped):
    clips = golden_clips(64000, 16000)
    assert clips.shape == (6, 64000) and clips.any(axis=1).all()
    result = compare_on_arm(shipped, clips, here)
    (row,) = result.rows
    assert (row.difference, row.clips, row.top1_agreement) == (0, 6, True)
    # Rounding of the input moves at most some activation of an int8 file by a step, and no class.
    assert 0 <= row.rounding < 0.02
    assert result.passed and "yes" in str(result) and "instructions" not in str(result)
    counted = dataclasses.replace(
        result, rows=(dataclasses.replace(row, instructions=(12345, 23456)),)
    )
    assert "emulated" in str(counted) and "12,345" in str(counted) and "23,456" in str(counted)
    json.dumps(result.as_dict())
    with pytest.raises(ValueError, match=r"takes 100 samples.*\[1, 64000\]"):
        compare_on_arm(shipped, clips[:, :100], here)


def test_a_program_that_fails(here, tmp_path):
    with pytest.raises(RuntimeError, match="code 1: .*KeyError: 'x'"):
        list(here.run("-c", "print(1, flush=True); {}['x']"))
    # The reader's end is the program's end.
    lines = here.run("-c", "import time; print(1, flush=True); time.sleep(1000)")
    assert next(lines) == "1\n"
    lines.close()


@pytest.mark.parametrize(
    ("difference", "rounding", "top1_agreement", "passed"),
    [
        (1e-5, 0, True, True),
        (2e-5, 1e-7, True, False),
        (1e-3, 2e-3, True, True),
        (0, 2e-3, False, False),
    ],
)
def test_bars(difference, rounding, top1_agreement, passed):
    row = ArmRow(
        file="a", clips=1, difference=difference, rounding=rounding, top1_agreement=top1_agreement
    )
    assert row.passed == passed


LOG = """----------------
IN: start
0xf7c0d9a0:  d10103ff  sub      sp, sp, #0x40
0xf7c0d9a4:  97fff6c9  bl       #0xf7c0b4cc

Trace 0: 0x7f117c000240 [00000000/00000000f7c0d9a0/0b0c2001/ff000200] start
----------------
IN: _init
0xf7c0b4cc:  b0000090  adrp     x16, #0xf7c1c000
0xf7c0b4d0:  f9400211  ldr      x17, [x16]
0xf7c0b4d4:  d61f0220  br       x17

Trace 0: 0x7f117c0005c0 [00000000/00000000f7c0b4cc/0b0c2001/ff000200] _init
Trace 0: 0x7f117c000240 [00000000/00000000f7c0d9a0/0b0c2001/ff000200] start
Trace 0: 0x7f117c000240 [00000000/00000000f7c0d9a0/0b0c2001/ff000200] start
"""


def test_count_instructions():
    assert count_instructions(LOG.splitlines(keepends=True)) == 3 * 2 + 3
    assert count_instructions([]) == 0


@pytest.fixture
def fake_system(tmp_path, monkeypatch):
    """A machine whose apt-get, dpkg-deb and pip are scripts that note their calls."""
    calls = tmp_path / "calls"
    calls.touch()
    for name in ("apt-get", "dpkg-deb"):
        program(tmp_path / "bin" / name, f'echo "{name} $*" >> "{calls}"\n')
    program(tmp_path / "python", f'echo pip >> "{calls}"\necho "ERROR: no network" >&2; exit 1\n')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(arm_environment, "_check_machine", lambda: None)
    return calls


def test_a_download_that_fails_is_taken_up_again(fake_system, tmp_path):
    folder, said = tmp_path / "cache", []
    for _ in range(2):
        with pytest.raises(ArmUnavailableError, match="python failed: ERROR: no network"):
            make_arm_python(folder, say=said.append)
        # What was downloaded is kept; nothing half-done is.
        assert [path.name for path in folder.iterdir()] == ["packages"]
    calls = [line.split()[0] for line in fake_system.read_text().splitlines()]
    assert calls == ["apt-get", "apt-get", "pip", "pip"]
    assert [line.split()[1] for line in said] == ["Debian's", "the", "the"]


def test_a_machine_that_will_not_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(arm_environment, "_KEYRING", str(tmp_path / "none.gpg"))
    monkeypatch.setattr(arm_environment.platform, "machine", lambda: "riscv64")
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "needs Linux on x86-64; this is linux on riscv64" in said and said.count("\n") == 1
    monkeypatch.setattr(arm_environment.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArmUnavailableError, match="needs the program apt-get"):
        make_arm_python()
    for name in ("apt-get", "dpkg-deb"):
        program(tmp_path / name, "")
    with pytest.raises(ArmUnavailableError, match="apt-get install debian-archive-keyring"):
        make_arm_python()
    assert not (tmp_path / "cache").exists()


@pytest.mark.nightly
def test_the_shipped_files_on_arm(capsys):
    try:
        make_arm_python()
    except ArmUnavailableError as error:
        pytest.skip(f"no emulated ARM: {error}")
    capsys.readouterr()
    assert main(["--json", "--instructions"]) == 0
    report = json.loads(capsys.readouterr().out)
    exact, int8 = report["rows"]
    assert exact["file"].endswith("float32.tflite") and exact["difference"] <= 1e-5
    assert int8["difference"] <= int8["rounding"] < 0.02
    for row in (exact, int8):
        assert row["clips"] == 6 and row["top1_agreement"] == 1 and row["passed"]
    for core in range(2):
        assert 1e6 < int8["instructions"][core] < exact["instructions"][core] < 1e9
    assert int8["instructions"][0] < int8["instructions"][1]
