"""What a card says of how a model was made."""

import shlex

import yaml

from recipes.common.deployment.model_facts import command_of, protocol_of
from recipes.common.tasks.classes import Classes
from recipes.emodb.settings import EmodbSettings
from recipes.joint.settings import JointSettings

TRAINED = {"epochs": 60, "chosen_epoch": 60}


def settings_of(command, kind):
    """The settings that a command gives, as the command line reads them."""
    given = dict(text.split("=", 1) for text in shlex.split(command)[7:])
    return kind(**{name: yaml.safe_load(value) for name, value in given.items()})


def test_a_command_gives_the_same_settings():
    assert command_of("joint", JointSettings()) == "python -m recipes joint all --data DIR"
    for settings in (
        EmodbSettings(backbone="speechformer", front_end={"hop_length": 320}, seed=3),
        JointSettings(expansion=0, copies=1, chances={"room": 1.0}, ema=0.99, frames=None),
        JointSettings(front_end={}, select_on="wf1"),
    ):
        command = command_of("joint", settings)
        assert settings_of(command, type(settings)) == settings
    assert "frames" not in command  # it follows from the front end


TASK = Classes(("anger", "neutral"))


def test_paths_of_a_machine_are_not_told(tmp_path):
    preset = tmp_path / "whisper_tiny_en"
    preset.mkdir()
    (preset / "metadata.json").touch()
    settings = JointSettings(teacher=str(preset))
    assert command_of("joint", settings).endswith("DIR teacher=whisper_tiny_en")
    told = protocol_of(TRAINED, settings, TASK)
    for text in ("the last one was kept", "3 degraded copies", "`whisper_tiny_en`", "MIT License"):
        assert text in told
    assert str(tmp_path) not in told
    of_run = JointSettings(teacher=str(tmp_path / "large"), copies=0)
    assert "the model of run `large`" in protocol_of(TRAINED, of_run, TASK)
    assert "copies" not in protocol_of(TRAINED, of_run, TASK)
    assert "It began with" not in told
    further = of_run.model_copy(update={"start": "runs/custom/first"})
    assert "It began with the weights of the run or model `first`." in protocol_of(
        TRAINED, further, TASK
    )
