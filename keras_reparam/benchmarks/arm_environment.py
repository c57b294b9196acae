"""A Python with LiteRT for 64-bit ARM, emulated by QEMU, in a folder of its own.

Debian's packages and PyPI's wheels are unpacked there; nothing is installed, nothing needs root.
"""

import contextlib
import dataclasses
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from keras_reparam._utils.user_cache import user_cache

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SOURCES = f"deb [signed-by={_KEYRING}] http://deb.debian.org/debian bookworm main\n"
_QEMU = "qemu-user-static:amd64"
# What Python, NumPy and LiteRT link to.
_ARM_PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8"),
    *("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal"),
)
# The newest LiteRT that runs under bookworm's QEMU 7.2; 2.3.0 ends with a segmentation fault.
_WHEELS = ("ai-edge-litert==2.1.6", "numpy==2.2.6")
# QEMU 7.2's default CPU gives wrong int8 scores; this one has the dot-product instructions.
_CPU = "cortex-a76"
_SECONDS = 600


class ArmUnavailableError(RuntimeError):
    """The environment can't be made on this machine, for the reason that the message gives."""


@dataclasses.dataclass(frozen=True)
class ArmPython:
    """An emulated Python for 64-bit ARM, with NumPy and LiteRT.

    Attributes:
        folder: Where it lies.
        content: What it consists of.
    """

    folder: Path
    content: ClassVar[str] = " ".join([*_WHEELS, f"qemu {_CPU}"])

    def run(
        self, *arguments: str | os.PathLike, qemu: Sequence[str | os.PathLike] = ()
    ) -> Iterator[str]:
        """Lines that the program prints, as they come.

        Libraries lie at the same addresses in every run of one program.

        Args:
            *arguments: What Python runs, and with what.
            qemu: More options of QEMU.

        Raises:
            RuntimeError: If it fails, with the last line of its errors, or takes over 10 minutes.
        """
        root = self.folder / "root"
        command = [
            *(self.folder / "qemu-aarch64-static", "-cpu", _CPU, "-L", root),
            # A memory of 4 GB of its own, so that addresses do not depend on the outer system.
            *("-R", "0x100000000", *qemu),
            *(root / "usr" / "bin" / "python3.11", *arguments),
        ]
        # Nothing of the outer Python: its settings belong to another version.
        environment = {
            "PYTHONHOME": str(root / "usr"),
            "PYTHONPATH": str(self.folder / "site"),
            # What would change the allocations from one run to the next.
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            with subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as child:
                assert child.stdout is not None
                # An emulator that hangs is ended, and so is one whose lines nobody reads any more.
                limit = threading.Timer(_SECONDS, child.kill)
                limit.start()
                try:
                    yield from child.stdout
                except BaseException:
                    child.kill()
                    raise
                finally:
                    limit.cancel()
            if child.returncode:
                log.seek(0)
                said = log.read().strip().splitlines() or ["no message"]
                raise RuntimeError(
                    f"The emulated program ended with code {child.returncode}: {said[-1]}"
                )


def make_arm_python(
    folder: str | os.PathLike | None = None, *, say: Callable[[str], None] = print
) -> ArmPython:
    """The emulated Python, downloaded (105 MB) and unpacked unless it is there already.

    What was interrupted goes on with the step it was in. Packages are checked by apt against
    Debian's key, wheels by pip over TLS.

    Args:
        folder: Where to keep it; `None`: `keras-reparam/arm` in the user's cache.
        say: Called with each step's name before it begins.

    Returns:
        An `ArmPython`.

    Raises:
        ArmUnavailableError: If this is no x86-64 Linux, apt-get or dpkg-deb is missing, or a
            download fails.
    """
    folder = Path(folder) if folder is not None else user_cache() / "arm"
    # The name changes with the content, so that a newer version of this module makes its own.
    made = folder / "-".join(["bookworm", *_WHEELS])
    if made.is_dir():
        return ArmPython(made)
    _check_machine()
    folder.mkdir(parents=True, exist_ok=True)
    packages, wheels = folder / "packages", folder / "wheels"
    if not packages.is_dir():
        say("Downloading Debian's packages for ARM, and QEMU")
        with _whole(packages) as beside:
            _download_packages(beside)
    if not wheels.is_dir():
        say("Downloading the wheels for ARM")
        with _whole(wheels) as beside:
            _download_wheels(beside)
    say("Unpacking")
    with _whole(made) as beside:
        _unpack(packages, wheels, beside)
    shutil.rmtree(packages)
    shutil.rmtree(wheels)
    return ArmPython(made)


def _check_machine() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise ArmUnavailableError(
            f"needs Linux on x86-64; this is {sys.platform} on {platform.machine()}"
        )
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise ArmUnavailableError(f"needs the program {program}, of Debian or Ubuntu")
    if not os.path.isfile(_KEYRING):
        raise ArmUnavailableError(f"needs {_KEYRING}: apt-get install debian-archive-keyring")


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder that becomes `folder` when the block ends without an error, and else is gone."""
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _download_packages(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".apt.") as name:
        apt = Path(name)
        (apt / "lists" / "partial").mkdir(parents=True)
        (apt / "archives" / "partial").mkdir(parents=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(_SOURCES, encoding="ascii")
        # Its own state: the machine's packages, lists and foreign architectures stay as they are.
        settings = {
            "Dir::State": apt,
            "Dir::State::status": apt / "status",
            "Dir::Cache": apt,
            "Dir::Etc::SourceList": apt / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "APT::Architecture": "amd64",
            "APT::Architectures::": "arm64",
            "APT::Sandbox::User": "",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::Retries": "2",
        }
        options = [f"-o{key}={value}" for key, value in settings.items()]
        _run(["apt-get", *options, "update"], folder)
        arm = [f"{package}:arm64" for package in _ARM_PACKAGES]
        _run(["apt-get", *options, "download", _QEMU, *arm], folder)


def _download_wheels(folder: Path) -> None:
    platforms = ("--platform=manylinux_2_27_aarch64", "--platform=manylinux2014_aarch64")
    python = ("--python-version=3.11", "--implementation=cp", "--abi=cp311")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    _run([*command, *platforms, *python, *_WHEELS], folder)


def _unpack(packages: Path, wheels: Path, folder: Path) -> None:
    qemu = folder / "qemu"
    for package in packages.glob("*.deb"):
        target = qemu if package.name.startswith("qemu") else folder / "root"
        _run(["dpkg-deb", "-x", package, target], folder)
    # It holds one program for each processor.
    (qemu / "usr" / "bin" / "qemu-aarch64-static").rename(folder / "qemu-aarch64-static")
    shutil.rmtree(qemu)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "site")


def _run(command: Sequence[str | os.PathLike], folder: Path) -> None:
    """Runs a program in `folder`, or raises with the last thing it said."""
    try:
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ArmUnavailableError(f"{Path(command[0]).name} took over {_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()] or ["no message"]
        raise ArmUnavailableError(f"{Path(command[0]).name} failed: {said[-1].strip()}") from None
