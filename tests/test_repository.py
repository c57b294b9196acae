"""What may lie in the repository."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MB = 1_000_000
LARGEST_FILE = 1 * MB
# Models, and the browser's runtime.
LARGEST_BY_SUFFIX = {".tflite": 4 * MB, ".zip": 2 * MB}
# 339 clips with their manifest and license; six golden clips.
LARGEST_FOLDER = {"recipes/data/emodb4": 3.7 * MB, "keras_reparam/pretrained/golden": 0.85 * MB}
AUDIO = {".ogg", ".wav", ".flac", ".mp3", ".opus", ".m4a"}
# Made by running something; never part of the source.
MADE = {".keras", ".h5", ".npy", ".npz", ".pyc", ".whl", ".pt", ".ckpt"}
# Outputs of another implementation, which the tests themselves do not install.
REFERENCES = {
    f"tests/models/{name}_reference.npz" for name in ("conformer", "speechformer", "transformer")
}


@pytest.fixture(scope="module")
def files():
    """Files that are, or with `git add` would become, part of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def size(names):
    return sum((ROOT / name).stat().st_size for name in names)


def test_no_file_is_too_large(files):
    for name in files:
        assert size([name]) <= LARGEST_BY_SUFFIX.get((ROOT / name).suffix, LARGEST_FILE), name


def test_audio_lies_in_two_places_and_is_small(files):
    for folder, limit in LARGEST_FOLDER.items():
        assert size(name for name in files if name.startswith(folder + "/")) <= limit, folder
    elsewhere = [name for name in files if not name.startswith(tuple(LARGEST_FOLDER))]
    assert not [name for name in elsewhere if (ROOT / name).suffix.lower() in AUDIO]


def test_nothing_that_a_run_made(files):
    made = {name for name in files if (ROOT / name).suffix in MADE}
    assert made <= REFERENCES


def test_top_level_is_the_one_that_was_agreed(files):
    allowed = {
        *(".ci", ".gitattributes", ".github", ".gitignore", ".pre-commit-config.yaml"),
        *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "MANIFEST.in", "docs"),
        *("LICENSE", "README.md", "constraints.txt", "pyproject.toml", "setup.py"),
        *("android_demo", "keras_reparam", "recipes", "tests"),
    }
    assert {name.split("/")[0] for name in files} <= allowed


def test_one_version(run_python):
    """setup.py, the package, the citation and the change log name the same version."""
    import keras_reparam

    shown = run_python("setup.py", "--version", cwd=ROOT)
    assert shown.stdout.split()[-1] == keras_reparam.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {keras_reparam.__version__}\n" in citation
    assert f"## {keras_reparam.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
