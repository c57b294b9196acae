import platform
from importlib.metadata import version

from keras_reparam._utils.environment import environment


def test_names_cpu_and_versions():
    found = environment("numpy", "rich")
    assert found["python"] == platform.python_version()
    assert found["numpy"] == version("numpy")
    assert found["rich"] == version("rich")
    assert found["cores"] >= 1
    assert found["cpu"]
