"""One command for all corpora, and the older form for each."""

import importlib

import pytest

from recipes.__main__ import main
from recipes.corpora import RECIPES


@pytest.mark.slow
def test_both_forms_prepare_the_same(shared_data, tmp_path):
    options = ("prepare", "--data", str(shared_data), "--no-store", "--out")
    older = importlib.import_module("recipes.emodb.__main__").main
    assert main(["emodb", *options, str(tmp_path / "one")]) == 0
    assert older([*options, str(tmp_path / "two")]) == 0
    one, two = ((tmp_path / name / "manifest.csv").read_bytes() for name in ("one", "two"))
    assert one == two and one.count(b"\n") == 536


def test_older_form_of_every_corpus():
    for name, recipe in RECIPES.items():
        assert importlib.import_module(f"recipes.{name}.__main__").main.args == (recipe,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "CORPUS"),
        (("ravdess", "all"), "choose from"),
        (("emodb",), "python -m recipes emodb: the following arguments are required: STAGE"),
        (("emodb", "train", "epochs=0"), "`epochs` must"),
    ],
)
def test_bad_use_is_one_line(failed, arguments, message):
    assert message in failed(main, *arguments)
