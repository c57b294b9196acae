"""Which runs a grid has, and in which order."""

import collections
import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes.common.configuration import load_settings
from recipes.compare.planning.corpora import prepared_corpus
from recipes.compare.planning.grid import Grid
from recipes.compare.planning.plan import cells_of
from recipes.corpora import RECIPES
from recipes.emodb.__main__ import main as prepare
from recipes.emodb.recipe import RECIPE as EMODB
from tests.recipes.copies import emodb

SPEAKERS = tuple(emodb.CLIPS)
# Plain, HRF, and the control.
FORMER_IDS = ["4b52a2ced18a", "9b1a83b1a309", "75a11796e628"]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """EmoDB's manifest, of made-up clips; planning reads nothing else."""
    root = tmp_path_factory.mktemp("prepared")
    emodb.tiny(root / "data")
    arguments = ["--data", root / "data", "--out", root / "emodb", "--no-store"]
    assert prepare(["prepare", *map(str, arguments), "--allow-count-mismatch"]) == 0
    (root / "emodb" / "store").mkdir()
    (root / "emodb" / "store" / "index.csv").touch()
    return {"emodb": prepared_corpus("emodb", root)}


def cells(corpora, **axes):
    return cells_of(Grid(corpora=["emodb"], **axes), corpora)


def test_all_combinations_once(corpora):
    found = cells(
        corpora,
        folds=["03", "08"],
        seeds=[1, 2, 3],
        backbones=["conv_transformer", "speechformer"],
        expansions=[0, 2, 4],
        factors=[2, 3],
        learning_rates=[1, 4],
        optimizers=["adamw", "sgd"],
        settings={"epochs": 7},
    )
    # A plain model has no factors.
    assert len(found) == 2 * 3 * 2 * (1 + 2 * 2) * 2 * 2
    assert len({cell.id for cell in found}) == len(found)
    for cell in found:
        own = 3e-4 if cell.settings.backbone == "speechformer" else 2e-3
        assert cell.settings.learning_rate == pytest.approx(own * cell.learning_rate)
        assert cell.settings.epochs == 7
        assert cell.settings.batch_size == 16


def test_all_folds_unless_some_are_named(corpora):
    assert {cell.fold for cell in cells(corpora, seeds=[1])} == set(SPEAKERS)


def test_controls_are_of_each_expansion(corpora):
    controls = ["longer", "wider", "chained", "frozen"]
    found = cells(corpora, folds=["03"], seeds=[1], expansions=[0, 2, 4], controls=controls)
    forms = {(cell.settings.expansion, cell.control) for cell in found}
    assert forms == {(0, ""), *((r, c) for r in (2, 4) for c in ("", *controls))}
    assert len(found) == len(forms)
    assert len({cell.name for cell in found}) == len(found)


def test_further_products(corpora):
    found = cells(
        corpora,
        folds=["03", "08"],
        seeds=[1, 2],
        settings={"epochs": 9, "tempo": 0.2},
        also=[
            {"sizes": ["large"], "expansions": [0], "seeds": [1], "settings": {"epochs": 3}},
            # All of these are there already.
            {"seeds": [2], "expansions": [4]},
        ],
    )
    sizes = collections.Counter((cell.settings.size, cell.settings.epochs) for cell in found)
    assert sizes == {("light", 9): 8, ("large", 3): 2}
    assert {cell.settings.tempo for cell in found} == {0.2}


axes_of_grids = st.fixed_dictionaries(
    {
        "folds": st.lists(st.sampled_from(SPEAKERS), min_size=1, max_size=3, unique=True),
        "seeds": st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
        "expansions": st.lists(st.sampled_from([0, 2, 4, 8]), min_size=1, unique=True),
        "learning_rates": st.lists(st.sampled_from([1, 2, 16]), min_size=1, unique=True),
        "controls": st.lists(st.sampled_from(["longer", "frozen"]), unique=True),
    }
)


@given(axes_of_grids)
@settings(max_examples=30, deadline=None)
def test_every_prefix_is_balanced(corpora, axes):
    found = cells(corpora, **axes)
    kinds = {(cell.arm, cell.learning_rate) for cell in found}
    for end in range(1, len(found) + 1):
        counts = collections.Counter((cell.arm, cell.learning_rate) for cell in found[:end])
        of_each = [counts[kind] for kind in kinds]
        assert max(of_each) - min(of_each) <= 1
    # What is complete is the same folds and seeds of all.
    for end in range(0, len(found) + 1, len(kinds)):
        pairs = collections.Counter((cell.fold, cell.settings.seed) for cell in found[:end])
        assert set(pairs.values()) <= {len(kinds)}


@given(axes_of_grids)
@settings(max_examples=20, deadline=None)
def test_a_grid_written_and_read_is_the_same(corpora, axes):
    grid = Grid(corpora=["emodb"], **axes)
    again = Grid.model_validate(json.loads(json.dumps(grid.model_dump(mode="json"))))
    assert [cell.id for cell in cells_of(again, corpora)] == [
        cell.id for cell in cells_of(grid, corpora)
    ]


def test_former_ids_do_not_change(corpora):
    """They name folders of results that are still to be found."""
    found = cells(corpora, folds=["03"], seeds=[1], controls=["longer"])
    assert [cell.former_id for cell in found] == FORMER_IDS


def test_a_default_and_the_backend_are_in_an_id(corpora, monkeypatch, tmp_path):
    def ids():
        return {cell.id for cell in cells(corpora, folds=["03"], seeds=[1], controls=["longer"])}

    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    before = ids()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    on_jax = ids()
    assert len(before | on_jax) == 6
    # Keras's own settings file.
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert ids() == before
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert ids() == on_jax

    class Later(EMODB.settings):
        tempo: float = 0.2

    monkeypatch.setitem(RECIPES, "emodb", dataclasses.replace(EMODB, settings=Later))
    assert len(ids() | on_jax) == 6


def test_what_is_in_an_id(corpora):
    """More of anything is another cell; order and what else is in the grid don't matter."""
    base = cells(corpora, folds=["03"], seeds=[1], expansions=[4])[0]
    many = cells(corpora, folds=["08", "03"], seeds=[5, 1], expansions=[8, 4, 0])
    assert base.id in {cell.id for cell in many}
    others = [
        {"folds": ["08"]},
        {"seeds": [2]},
        {"expansions": [2]},
        {"learning_rates": [2]},
        {"optimizers": ["sgd"]},
        {"settings": {"epochs": 81}},
        {"factors": [3]},
        {"sizes": ["large"]},
    ]
    default = {"folds": ["03"], "seeds": [1], "expansions": [4]}
    ids = {cells(corpora, **{**default, **other})[0].id for other in others}
    assert len(ids) == len(others)
    assert base.id not in ids


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (["corpora=[other]"], "`corpora.0` must be"),
        (["seeds=[1]"], "`corpora` Field required"),
        (["corpora=[emodb]", "seed=[1]"], "no setting `seed`"),
        (["corpora=[emodb]", "seeds=[]"], "`seeds`"),
        (["corpora=[emodb]", "controls=[narrower]"], "`controls.0` must be 'longer'"),
        (["corpora=[emodb]", "learning_rates=[0]"], "`learning_rates.0`"),
        (["corpora=[emodb]", "settings={expansion: 3}"], "give `expansions`"),
        (["corpora=[emodb]", "also=[{size: [large]}]"], "no setting `size`"),
        (["corpora=[emodb]", "folds=[3]"], "`folds.0` must be a valid string"),
    ],
)
def test_bad_axes(axes, message):
    with pytest.raises(ValueError, match="(?s).*") as error:
        load_settings(Grid, None, axes)
    assert message in str(error.value)


def test_what_only_the_corpus_knows_to_be_bad(corpora, tmp_path):
    with pytest.raises(ValueError, match=r"Folds of EmoDB are 03, .*Received: 3"):
        cells(corpora, folds=["3"])
    with pytest.raises(ValueError, match="no setting `epoch`"):
        cells(corpora, settings={"epoch": 1})
    with pytest.raises(ValueError, match="`backbone` must"):
        cells(corpora, backbones=["transformer"])
    with pytest.raises(ValueError, match="alike in all axes"):
        cells(corpora, folds=["03"], also=[{"settings": {"epochs": 3}}])
    with pytest.raises(FileNotFoundError, match=r"python -m recipes\.emodb prepare"):
        cells_of(Grid(corpora=["emodb"]), {"emodb": prepared_corpus("emodb", tmp_path)})
