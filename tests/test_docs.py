"""The examples of docstrings and of the documents are true, and their links lead somewhere."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import keras_reparam

ROOT = Path(__file__).resolve().parents[1]

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(keras_reparam.__path__, "keras_reparam.")
    # The second one is for a Python that has PyTorch.
    if not module.name.endswith(("__main__", ".pytorch_steps"))
)
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = sorted(
    path
    for folder in ("", "docs", "keras_reparam", "recipes", "android_demo", "tests")
    for path in (ROOT / folder).glob("**/*.md" if folder else "*.md")
    if "target" not in path.parts
)


def blocks(path):
    """Pairs (language, content) of the blocks of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


SET_UP = [block for _, block in blocks(README) if block.startswith("python -m pip install")]
# The guides' pages are what docs/render.py makes of programs: tests/test_guides.py.
EXAMPLES = [path for path in PAGES if blocks(path) and path.parent.name != "guides"]


def each(paths):
    """Parametrizes a test by documents."""
    ids = [str(path.relative_to(ROOT)) for path in paths]
    return pytest.mark.parametrize("path", paths, ids=ids)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import keras
    import numpy as np

    module = importlib.import_module(name)
    names = {"keras": keras, "kr": keras_reparam, "np": np, "ops": keras.ops}
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    report = doctest.testmod(module, extraglobs=names, optionflags=options)
    assert report.failed == 0, "see the captured output"


def public_names():
    """(package, name) of everything that the public packages list in `__all__`."""
    packages = [keras_reparam, *map(importlib.import_module, MODULES)]
    packages = [package for package in packages if hasattr(package, "__path__")]
    return [(p.__name__, name) for p in packages for name in getattr(p, "__all__", [])]


@pytest.mark.parametrize(("package", "name"), public_names())
def test_public_names_have_docstrings(package, name):
    value = getattr(importlib.import_module(package), name)
    assert (value.__doc__ or "").strip(), f"{package}.{name}"
    if isinstance(value, type):
        for method, function in vars(value).items():
            if not method.startswith("_") and callable(function):
                inherited = [getattr(base, method, None) for base in value.__mro__[1:]]
                assert function.__doc__ or any(inherited), f"{package}.{name}.{method}"


def test_readme_has_the_two_commands_that_ci_runs():
    first, second = SET_UP
    assert first.rstrip().endswith("python -m recipes.quickstart")
    assert second.rstrip().endswith("python -m pytest")


@each(EXAMPLES)
def test_page_has_no_block_that_nothing_runs(path):
    others = [block for block in blocks(path) if block[1] not in SET_UP]
    for language, block in others:
        if language == "python":
            continue
        assert language == "bash", f"a block of another kind: {block}"
        assert all(line.startswith("keras-reparam ") for line in block.splitlines()), block


# Each loads, trains or exports models of its own.
@pytest.mark.slow
@each(EXAMPLES)
def test_examples(path, run_cli, clip, tmp_path, monkeypatch, capsys):
    """Python blocks in their order, as one program, then the commands, in one folder.

    All in this process, since each new one would import TensorFlow; but one command as installed.
    """
    import soundfile

    from keras_reparam.cli import main

    monkeypatch.chdir(tmp_path)

    samples, rate = soundfile.read(clip)
    soundfile.write(tmp_path / "clip.wav", samples, rate)
    program = "\n".join(block for language, block in blocks(path) if language == "python")
    exec(compile(program, str(path), "exec"), {"__name__": "__main__"})
    lines = [
        line.split("#")[0].split()[1:]
        for language, block in blocks(path)
        if language == "bash" and block not in SET_UP
        for line in block.splitlines()
    ]
    for arguments in lines[:-1]:
        assert main(arguments) == 0, f"{arguments}\n{capsys.readouterr().err}"
    for arguments in lines[-1:]:
        command = run_cli(*arguments, cwd=tmp_path)
        assert command.returncode == 0, f"{arguments}\n{command.stderr}"


def table(path, first_row):
    """Cells of a Markdown table by the first cell of their row; the header is by "head"."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_row} |")) - 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return {"head": rows[0], **{row[0]: row for row in rows[2:]}}


def test_figures_of_the_readme_are_those_of_the_card():
    card = ROOT / "keras_reparam" / "pretrained" / "MODEL_CARD.md"
    shown, measured = table(README, "ser_int8.tflite"), table(card, "ser_int8.tflite")
    columns = ("EmoDB clean", *(f"CREMA-D {c}" for c in ("clean", "-20 dB", "white", "telephone")))
    for name in measured.keys() - {"head"}:
        row = dict(zip(measured["head"], measured[name], strict=True))
        assert shown[name][1:] == [*(row[c] for c in columns), row["kB"], row["ms per s"]]
    told = README.read_text(encoding="utf-8").split("HRF trained")[1].split("## ")[0]
    text = card.read_text(encoding="utf-8")
    for figure in re.findall(r"\d+,\d+|\d+ clips|\d+ speakers", told):
        assert figure in text, figure
    bears = text.split("<!-- robustness -->")[1].split("<!-- end of robustness -->")[0]
    assert f"{bears.count('| `')} conditions" in told


@each(DOCUMENTS)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


def test_table_of_settings():
    """The recipes' page lists every setting of all recipes, with its default."""
    from recipes.common.settings import RecipeSettings

    text = (ROOT / "docs" / "howto" / "recipes.md").read_text(encoding="utf-8")
    table = text.split("| setting | default | what |")[1].split("\n\n")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| `?(.*?)`? \|", table, re.MULTILINE))
    fields = RecipeSettings.model_fields
    assert listed == {
        name: str(field.default).lower().replace("none", "null") for name, field in fields.items()
    }
