"""Settings from files and the command line."""

import json

import pytest

from recipes.common.configuration import checked, load_settings
from recipes.common.front_end import create_front_end
from recipes.common.settings import RecipeSettings
from recipes.custom.settings import CustomSettings
from recipes.daic_woz.settings import DaicWozSettings


def test_file_and_overrides(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("epochs: 3\nlearning_rate: 1e-4\nlabels: [0, anger]\n# a comment\n")
    found = load_settings(CustomSettings, file, ["epochs=5", "patience=null", "xla=true"])
    expected = {"epochs": 5, "learning_rate": 1e-4, "labels": ("0", "anger"), "xla": True}
    assert {name: getattr(found, name) for name in expected} == expected
    assert found == CustomSettings(**expected)
    options = load_settings(
        RecipeSettings,
        None,
        ["backbone_options={units: 8, dropout: 5e-1}", "ema=0.99", "front_end={log_offset: 1e-05}"],
    )
    assert options.front_end == {"log_offset": 1e-5}
    assert options.backbone_options == {"units": 8, "dropout": 0.5}
    assert options.ema == 0.99


def test_what_ran_can_be_given_again(tmp_path):
    settings = CustomSettings(labels=("a", "b"), ema=0.1 + 0.2, backbone="speechformer")
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings.model_dump(mode="json")))
    assert load_settings(CustomSettings, file, []) == settings
    assert settings.learning_rate == 3e-4
    assert load_settings(CustomSettings, file, ["learning_rate=0.1"]).learning_rate == 0.1


def test_a_front_end_of_half_as_many_frames():
    """Four seconds all the same; a SpeechFormer is told; a given value goes before."""
    hop = "front_end={hop_length: 320, frame_length: 512}"
    for given in ([hop], []):
        found = load_settings(RecipeSettings, None, given)
        assert (found.frames, found.hop_length) == (200, 320)
        assert found.backbone_options == {"norm_first": True, "pooling": "mean_std"}
    options = ["backbone=speechformer", "backbone_options={dropout: 0.2}"]
    found = load_settings(RecipeSettings, None, [hop, *options, "frames=50"])
    assert (found.frames, found.backbone_options) == (50, {"dropout": 0.2, "hop": 0.02})
    found = load_settings(DaicWozSettings, None, [hop, "backbone=haffformer"])
    assert found.frames is None
    plain = RecipeSettings(front_end={})
    assert (plain.frames, plain.hop_length, plain.front_end) == (400, 160, {})


@pytest.mark.parametrize(
    ("front_end", "what"),
    [
        ({"hop": 320}, "must hold arguments of `LogMel`"),
        ({"hop_length": "320"}, "`hop_length` must be"),
        ({"log_offset": "1e-5"}, "`log_offset` must be"),
        ({"level_normalization": 1}, "`level_normalization` must be True or False"),
    ],
)
def test_no_front_end(front_end, what):
    with pytest.raises(ValueError, match=what):
        create_front_end(RecipeSettings(front_end=front_end))


def test_all_mistakes_are_named():
    wrong = {
        "epochs": 0,
        "momentum": 1.0,
        "optimizer": "adam",
        "learning_rate": float("inf"),
        "ema": 1,
        "seed": -1,
        "xla": "sometimes",
        "backbone": "resnet",
    }
    with pytest.raises(ValueError, match="There is no setting `epoch`") as error:
        checked(RecipeSettings, {**wrong, "epoch": 3})
    message = str(error.value)
    assert "Settings are epochs, seed" in message
    for name, value in wrong.items():
        assert f"`{name}" in message
        assert repr(value) in message


@pytest.mark.parametrize(
    ("text", "overrides", "match"),
    [
        ("- 3\n", [], "must hold lines `name: value`. Received: \\[3\\]"),
        ("epochs: [\n", [], "settings.yaml' must be YAML"),
        ("", [], "must hold lines"),
        ("epochs: 3\n", ["epochs"], "name=value. Received: 'epochs'"),
        ("epochs: 3\n", ["labels=[a"], "`labels` must be YAML"),
    ],
)
def test_what_is_no_settings(tmp_path, text, overrides, match):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=match):
        load_settings(CustomSettings, file, overrides)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of settings"):
        load_settings(CustomSettings, tmp_path / "none.yaml", [])
