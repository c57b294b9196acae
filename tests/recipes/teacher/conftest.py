"""Fixtures of the tests of teachers."""

import pytest

from tests.recipes.teacher import tiny_whisper


@pytest.fixture(scope="session")
def preset(tmp_path_factory):
    """The preset that the command makes of a tiny Whisper."""
    pytest.importorskip("keras_hub")
    from recipes.teachers.whisper.__main__ import main

    folder = tmp_path_factory.mktemp("whisper")
    (folder / "package" / "model").mkdir(parents=True)
    content = tiny_whisper.written(tiny_whisper.variables())
    (folder / "package" / "model" / "model.bin").write_bytes(content)
    arguments = ["--from-package", folder / "package", "--out", folder / "presets" / "tiny"]
    assert main(list(map(str, arguments))) == 0
    return folder / "presets" / "tiny"
