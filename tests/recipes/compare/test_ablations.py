"""What the ablations run with."""

import pytest

from keras_reparam import models
from recipes.common.settings import RecipeSettings
from recipes.compare.running.ablations import settings_of
from recipes.compare.running.cost import cost_of_expansion

SHAPE = {"num_classes": 4, "num_mels": 64, "frames": 400}


def of(ablation, cost=1.0, **settings):
    settings = RecipeSettings(**settings)
    return settings_of(ablation, settings, **SHAPE, cost=lambda: cost)


def test_hrf_itself():
    assert of("", expansion=4) == RecipeSettings(expansion=4)


@pytest.mark.parametrize(("cost", "epochs"), [(0.96, 40), (1.0, 40), (1.01, 41), (1.55, 62)])
def test_longer(cost, epochs):
    found = of("longer", cost, expansion=4, factors=3)
    assert found == RecipeSettings(expansion=0, epochs=epochs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "expansion"),
    [("conv_transformer", 4), ("conv_transformer", 8), ("conformer", 4), ("speechformer", 2)],
)
def test_wider_has_as_many_parameters_in_training(backbone, expansion):
    found = of("wider", backbone=backbone, expansion=expansion, size="light")
    assert (found.expansion, found.size) == (0, "light")
    options = RecipeSettings(backbone=backbone).backbone_options
    assert {**options, **found.backbone_options} == found.backbone_options

    def parameters(expansion=None, **options):
        made = models.create(backbone, size="light", expansion=expansion, **SHAPE, **options)
        return sum(weight.size for weight in made.get_weights())

    hrf, plain = parameters(expansion), parameters(**found.backbone_options)
    assert plain == pytest.approx(hrf, rel=0.01)
    assert hrf > 1.1 * parameters()


@pytest.mark.slow
def test_wider_haffformer_is_as_near_as_whole_ratios_allow():
    found = of("wider", backbone="haffformer", expansion=4)
    assert found.backbone_options["feed_forward_ratio"] > 2


def test_hrf_of_other_forms():
    assert of("chained", expansion=4) == RecipeSettings(expansion=4, folded=False)
    assert of("frozen", expansion=4) == RecipeSettings(expansion=4, frozen_factors=True)


@pytest.mark.slow
def test_cost_is_a_ratio_of_two_steps():
    """Far apart, so that noise can't matter: 64 times the inner rank, and a small window."""
    options = {"channels": 4, "units": 64, "num_layers": 1, "num_heads": 1}
    settings = {"backbone_options": options, "batch_size": 2}
    shape = {"num_classes": 3, "num_mels": 16, "frames": 16}
    dear = cost_of_expansion(RecipeSettings(expansion=512, **settings), **shape)
    cheap = cost_of_expansion(RecipeSettings(expansion=1, **settings), **shape)
    assert dear > 1.5 > cheap > 0.3
