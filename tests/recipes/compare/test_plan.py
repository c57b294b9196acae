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
from recipes.compare.planning.plan import runs_of
from recipes.corpora import RECIPES
from recipes.emodb.__main__ import main as prepare
from recipes.emodb.recipe import RECIPE as EMODB
from tests.recipes.copies import emodb

SPEAKERS = tuple(emodb.CLIPS)


# Plain, HRF, and the ablation.
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


def runs(corpora, **axes):
    return runs_of(Grid(corpora=["emodb"], **axes), corpora)


def test_all_combinations_once(corpora):
    found = runs(
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
    assert len({run.id for run in found}) == len(found)
    for run in found:
        own = 3e-4 if run.settings.backbone == "speechformer" else 2e-3
        assert run.settings.learning_rate == pytest.approx(own * run.learning_rate)
        assert run.settings.epochs == 7
        assert run.settings.batch_size == 16


def test_all_folds_unless_some_are_named(corpora):
    assert {run.fold for run in runs(corpora, seeds=[1])} == set(SPEAKERS)


def test_ablations_are_of_each_expansion(corpora):
    ablations = ["longer", "wider", "chained", "frozen"]
    found = runs(corpora, folds=["03"], seeds=[1], expansions=[0, 2, 4], ablations=ablations)
    forms = {(run.settings.expansion, run.ablation) for run in found}
    assert forms == {(0, ""), *((r, c) for r in (2, 4) for c in ("", *ablations))}
    assert len(found) == len(forms)
    assert len({run.name for run in found}) == len(found)


def test_quantizers_are_of_each_expansion(corpora):
    axes = {"expansions": [0, 4], "ablations": ["longer"], "quantizers": [None, "ternary", "int4"]}
    found = runs(corpora, folds=["03"], seeds=[1], **axes)
    forms = {(run.settings.expansion, run.ablation, run.settings.quantizer) for run in found}
    assert forms == {(r, "", q) for r in (0, 4) for q in (None, "ternary", "int4")} | {
        (4, "longer", None)
    }
    assert len(found) == len(forms) == len({run.name for run in found})


def test_variants_are_of_everything(corpora):
    variants = {"": {}, "no gain": {"gain": 0}, "long": {"epochs": 9}}
    found = runs(corpora, folds=["03"], seeds=[1], expansions=[0, 4], variants=variants)
    forms = {(run.variant, run.settings.expansion, run.settings.gain) for run in found}
    assert forms == {(v, r, 0 if v == "no gain" else 6) for v in variants for r in (0, 4)}
    assert {run.settings.epochs for run in found if run.variant == "long"} == {9}
    assert len(found) == len({run.id for run in found}) == len({run.name for run in found}) == 6
    with pytest.raises(ValueError, match="'a' and 'b' have the same settings"):
        runs(corpora, variants={"a": {"gain": 0}, "b": {"gain": 0}})
    with pytest.raises(ValueError, match="`expansion`, which is an axis: give `expansions`"):
        runs(corpora, variants={"plain": {"expansion": 0}})


def test_a_frozen_teacher_is_one_condition(corpora):
    """Whatever else is compared: it has no sizes, expansions, optimizers, quantizers or rates."""
    axes = {"sizes": ["light", "large"], "optimizers": ["adamw", "sgd"], "learning_rates": [1, 2]}
    axes |= {"expansions": [0, 4], "ablations": ["wider"], "quantizers": [None, "int4"]}
    further = {"backbones": ["frozen"], "settings": {"teacher": "whisper_tiny_en"}}
    found = runs(corpora, folds=["03"], seeds=[1, 2], include=[further], **axes)
    frozen = [run for run in found if run.settings.backbone == "frozen"]
    assert [run.settings.seed for run in frozen] == [1, 2] and len(found) > 40
    assert frozen[0].name == "emodb: frozen linear, fold 03, seed 1"


def test_further_products(corpora):
    found = runs(
        corpora,
        folds=["03", "08"],
        seeds=[1, 2],
        settings={"epochs": 9, "tempo": 0.2},
        include=[
            {"sizes": ["large"], "expansions": [0], "seeds": [1], "settings": {"epochs": 3}},
            # All of these are there already.
            {"seeds": [2], "expansions": [4]},
        ],
    )
    sizes = collections.Counter((run.settings.size, run.settings.epochs) for run in found)
    assert sizes == {("light", 9): 8, ("large", 3): 2}
    assert {run.settings.tempo for run in found} == {0.2}


axes_of_grids = st.fixed_dictionaries(
    {
        "folds": st.lists(st.sampled_from(SPEAKERS), min_size=1, max_size=3, unique=True),
        "seeds": st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
        "expansions": st.lists(st.sampled_from([0, 2, 4, 8]), min_size=1, unique=True),
        "learning_rates": st.lists(st.sampled_from([1, 2, 16]), min_size=1, unique=True),
        "ablations": st.lists(st.sampled_from(["longer", "frozen"]), unique=True),
    }
)


@given(axes_of_grids)
@settings(max_examples=30, deadline=None)
def test_every_prefix_is_balanced(corpora, axes):
    found = runs(corpora, **axes)
    kinds = {(run.condition, run.learning_rate) for run in found}
    for end in range(1, len(found) + 1):
        counts = collections.Counter((run.condition, run.learning_rate) for run in found[:end])
        of_each = [counts[kind] for kind in kinds]
        assert max(of_each) - min(of_each) <= 1
    # What is complete is the same folds and seeds of all.
    for end in range(0, len(found) + 1, len(kinds)):
        pairs = collections.Counter((run.fold, run.settings.seed) for run in found[:end])
        assert set(pairs.values()) <= {len(kinds)}


@given(axes_of_grids)
@settings(max_examples=20, deadline=None)
def test_a_grid_written_and_read_is_the_same(corpora, axes):
    grid = Grid(corpora=["emodb"], **axes)
    again = Grid.model_validate(json.loads(json.dumps(grid.model_dump(mode="json"))))
    assert [run.id for run in runs_of(again, corpora)] == [run.id for run in runs_of(grid, corpora)]


def test_a_default_and_the_backend_are_in_an_id(corpora, monkeypatch, tmp_path):
    def ids():
        return {run.id for run in runs(corpora, folds=["03"], seeds=[1], ablations=["longer"])}

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
    """More of anything is another run; order and what else is in the grid don't matter."""
    base = runs(corpora, folds=["03"], seeds=[1], expansions=[4])[0]
    many = runs(corpora, folds=["08", "03"], seeds=[5, 1], expansions=[8, 4, 0])
    assert base.id in {run.id for run in many}
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
    ids = {runs(corpora, **{**default, **other})[0].id for other in others}
    assert len(ids) == len(others)
    assert base.id not in ids


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (["corpora=[other]"], "`corpora.0` must be"),
        (["seeds=[1]"], "`corpora` Field required"),
        (["corpora=[emodb]", "seed=[1]"], "no setting `seed`"),
        (["corpora=[emodb]", "seeds=[]"], "`seeds`"),
        (["corpora=[emodb]", "ablations=[narrower]"], "`ablations.0` must be 'longer'"),
        (["corpora=[emodb]", "learning_rates=[0]"], "`learning_rates.0`"),
        (["corpora=[emodb]", "settings={expansion: 3}"], "give `expansions`"),
        (["corpora=[emodb]", "include=[{size: [large]}]"], "no setting `size`"),
        (["corpora=[emodb]", "also=[]", "include=[]"], "Give `include` alone. Received: `also`"),
        (["corpora=[emodb]", "folds=[3]"], "`folds.0` must be a valid string"),
    ],
)
def test_bad_axes(axes, message):
    with pytest.raises(ValueError, match="(?s).*") as error:
        load_settings(Grid, None, axes)
    assert message in str(error.value)


def test_what_only_the_corpus_knows_to_be_bad(corpora, tmp_path):
    with pytest.raises(ValueError, match=r"Folds of EmoDB are 03, .*Received: 3"):
        runs(corpora, folds=["3"])
    with pytest.raises(ValueError, match="no setting `epoch`"):
        runs(corpora, settings={"epoch": 1})
    with pytest.raises(ValueError, match="`backbone` must"):
        runs(corpora, backbones=["transformer"])
    with pytest.raises(ValueError, match="alike in all axes"):
        runs(corpora, folds=["03"], include=[{"settings": {"epochs": 3}}])
    with pytest.raises(FileNotFoundError, match=r"python -m recipes\.emodb prepare"):
        runs_of(Grid(corpora=["emodb"]), {"emodb": prepared_corpus("emodb", tmp_path)})
