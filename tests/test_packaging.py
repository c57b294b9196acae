"""The package outside the checkout: wheel, other Pythons, lower bounds. Slow: they install."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parents[1]
UV = ("-m", "uv", "--no-config")
# What tells, within minutes, whether the package works on an interpreter or with some versions.
SHORT_SUITE = (
    *("tests/audio/test_reading.py", "tests/layers", "tests/models/test_front_end.py"),
    *("tests/deploy/test_export.py", "tests/test_imports.py"),
    "tests/test_keras_private.py",
    *("tests/recipes/test_configuration.py", "tests/recipes/compare/test_report_significance.py"),
)


def described():
    """The arguments with which setup.py calls `setup`."""
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    return setup.call_args.kwargs


def pinned(requirement):
    """A requirement's lower bound as a pin: "keras>=3.15" gives "keras==3.15"; markers stay."""
    found = re.fullmatch(r"([\w-]+)>=([\w.]+)(?:,<[\w.]+)?(;.*)?", requirement)
    name, bound, marker = found.groups()
    return f"{name}=={bound}{marker or ''}"


def environment():
    """This process's, without what leads a child to this checkout or these settings."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "KERAS_BACKEND")
    return {name: value for name, value in os.environ.items() if name not in ours}


def run(*command, cwd, **env):
    child = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment(), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, f"{child.args}\n{child.stdout[-6000:]}\n{child.stderr[-6000:]}"
    return child.stdout


def interpreter(version):
    """Path of a Python of that version that runs, or `None`."""
    # A version manager's shim is found by its name and may still fail.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python{version}")]
    for path in filter(None, found):
        ask = [path, "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
        child = subprocess.run(ask, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if child.returncode == 0 and child.stdout.strip() == version:
            return path
    return None


def package_files():
    """Every file of the package."""
    found = (ROOT / "keras_reparam").rglob("*")
    return {
        path.relative_to(ROOT).as_posix()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The source distribution, and the wheel built of it; from a copy: the checkout stays clean."""
    copy = tmp_path_factory.mktemp("source") / "keras_reparam"
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("keras_reparam", "tests", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, copy)
    run(sys.executable, *UV, "build", "-q", "-o", "dist", ".", cwd=copy)
    return copy / "dist"


@pytest.fixture(scope="module")
def wheel(distributions):
    return next(distributions.glob("*.whl"))


def install(python, folder, *arguments):
    """Makes a virtual environment and installs into it; returns its Python.

    By uv, which links the files of all environments to one copy; pip unpacks TensorFlow each time.
    """
    uv = (sys.executable, *UV)
    new = folder / "venv" / "bin" / "python"
    run(*uv, "venv", "-q", "--python", python, folder / "venv", cwd=folder)
    run(*uv, "pip", "install", "-q", "--python", new, *arguments, cwd=folder)
    run(*uv, "pip", "check", "--python", new, cwd=folder)
    return new


def run_short_suite(python):
    assert all((ROOT / name).exists() for name in SHORT_SUITE)
    run(
        *(python, "-m", "pytest", "-n", "2", "-q", "-x", "-p", "no:cacheprovider"),
        # Which packages warn, and of what, is another matter with other versions of them.
        *("-o", "filterwarnings=default"),
        # What an import costs is measured in the default suite.
        *("-k", "not import_costs"),
        *SHORT_SUITE,
        cwd=ROOT,
    )


def test_setup_says_what_the_design_promises():
    about = described()
    assert about["name"] == "keras-reparam"
    assert about["python_requires"] == ">=3.11"
    assert set(about["extras_require"]) == {
        "plots",
        "recipes",
        "cluster",
        "formats",
        "microphone",
        "teacher",
        "baselines",
        "docs",
        "dev",
        "tfio",
    }
    assert "recipes" not in about["packages"]
    assert "keras_reparam" in about["packages"]
    assert "keras_reparam.layers" in about["packages"]
    for requirement in about["install_requires"]:
        pinned(requirement)


def test_every_package_folder_is_packaged():
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "keras_reparam").rglob("*.py")
    }
    assert folders == set(described()["packages"])


def test_constraints_pin_every_requirement():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    names = [re.match(r"[\w.-]+", line)[0] for line in lines if not line.startswith("#")]
    known = {name.lower().replace("_", "-") for name in names}
    about = described()
    wanted = about["install_requires"] + about["extras_require"]["dev"]
    for requirement in wanted:
        assert re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-") in known


@pytest.mark.slow
def test_distributions_hold_the_package_and_nothing_else(distributions, wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == package_files()
    assert {name.partition(".dist-info/")[2] for name in about} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt")
    }
    (source,) = distributions.glob("*.tar.gz")
    with tarfile.open(source) as file:
        found = {m.name.partition("/")[2] for m in file.getmembers() if m.isfile()}
    assert {name for name in found if not name.startswith("keras_reparam.egg-info/")} == {
        *package_files(),
        *("LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.py"),
        "setup.cfg",
    }
    # As PyPI checks them, and the schema of citation files; in environments of their own.
    run(
        sys.executable,
        *UV,
        "tool",
        "run",
        "twine@7.0.0",
        "check",
        "--strict",
        wheel,
        source,
        cwd=ROOT,
    )
    run(sys.executable, *UV, "tool", "run", "cffconvert@2.0.0", "--validate", cwd=ROOT)


@pytest.mark.slow
def test_wheel_classifies_a_clip_outside_the_checkout(wheel, clip, tmp_path):
    python = install(sys.executable, tmp_path, "-c", ROOT / "constraints.txt", wheel)
    command = python.parent / "keras-reparam"
    shown = run(command, "classify", "--json", clip, cwd=tmp_path)
    assert json.loads(shown)
    code = (
        "import sys\n"
        "from keras_reparam.cli import main\n"
        f"assert not main(['classify', {str(clip)!r}])\n"
        "import keras_reparam\n"
        "print(keras_reparam.__file__)\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    where = run(python, "-c", code, cwd=tmp_path).splitlines()[-1]
    assert Path(where).is_relative_to(tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("version", ["3.11", "3.13"])  # the oldest and the newest
def test_short_suite_on_other_pythons(version, wheel, tmp_path):
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        pytest.skip("the suite itself runs on this version")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed")
    constraints = ROOT / "constraints.txt"
    new = install(python, tmp_path, "-c", constraints, f"{wheel}[dev]")
    run_short_suite(new)


@pytest.mark.nightly
def test_short_suite_with_the_lower_bounds(wheel, tmp_path):
    python = interpreter("3.11")
    if python is None:
        pytest.skip("Python 3.11, the lowest, is not installed")
    about = described()
    lowest = [*about["install_requires"], *about["extras_require"]["dev"]]
    constraints = tmp_path / "lowest.txt"
    constraints.write_text("\n".join(map(pinned, dict.fromkeys(lowest))) + "\n", encoding="utf-8")
    new = install(python, tmp_path, "-c", constraints, f"{wheel}[dev]")
    run_short_suite(new)


@pytest.mark.nightly
def test_short_suite_with_the_newest_keras(wheel, tmp_path):
    """Whatever setup.py bounds Keras to: what breaks is known before a user's bound is raised."""
    new = install(sys.executable, tmp_path, "-c", ROOT / "constraints.txt", f"{wheel}[dev]")
    uv = (sys.executable, *UV, "pip", "install", "-q", "--python", new)
    run(*uv, "--upgrade", "--prerelease", "allow", "--no-deps", "keras", cwd=tmp_path)
    run_short_suite(new)
