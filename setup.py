"""Packaging of keras_reparam; the settings of development tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
PACKAGE = (HERE / "keras_reparam" / "__init__.py").read_text(encoding="utf-8")
VERSION = re.search(r'^__version__ = "(.+)"$', PACKAGE, re.MULTILINE)[1]

# Lower bounds are tested: tests/test_packaging.py installs exactly these versions and runs the
# short suite on them. constraints.txt pins what the published figures were made with.
INSTALL_REQUIRES = [
    # Private parts of Keras are used in keras_reparam/_keras.py: an upper bound, too.
    "keras>=3.15,<3.17",
    "tensorflow>=2.21",
    "ai-edge-litert>=2.3",
    "litert-quantizer>=0.11,<0.13",
    "flatbuffers>=25.9.23",
    "numpy>=2.0",
    "librosa>=0.11",
    "soundfile>=0.13",
    "soxr>=0.5",
    "rich>=14.3",
    "scikit-learn>=1.5",
    "scipy>=1.14",
    "lazy_loader>=0.4",
    "platformdirs>=4.2",
]

PLOTS = ["matplotlib>=3.9"]
RECIPES = [
    *PLOTS,
    "filelock>=3.16",
    "pydantic>=2.10",
    "pyyaml>=6.0.2",
    "statsmodels>=0.14.4",
    "tensorboard>=2.20",
]
CLUSTER = ["ray>=2.60"]
# FFmpeg's decoders, for what phones and browsers record: M4A, AMR, 3GP, WebM.
FORMATS = ["av>=16.0"]
# `keras-reparam listen`; on Linux it needs the system's PortAudio, too.
MICROPHONE = ["sounddevice>=0.5"]
# A Whisper as teacher: `recipes/teachers`.
TEACHER = ["keras-hub>=0.32"]
# What a user would take instead, in `recipes/baselines`: openSMILE's license allows research alone.
BASELINES = ["opensmile>=2.6"]
# The site, and the guides that it shows with their outputs.
DOCS = ["mkdocs-material>=9.8.2", "mkdocstrings-python>=2.0.11", "jupytext>=1.19.6"]
# Its last release has no wheel beyond Python 3.11.
TFIO = ['tensorflow-io>=0.37.1; python_version < "3.12"']
EXTRAS_REQUIRE = {
    "plots": PLOTS,
    "recipes": RECIPES,
    "cluster": CLUSTER,
    "formats": FORMATS,
    "docs": DOCS,
    "microphone": MICROPHONE,
    "dev": [
        *RECIPES,
        *CLUSTER,
        *FORMATS,
        *MICROPHONE,
        *TEACHER,
        *DOCS,
        *TFIO,
        "coverage>=7.10",
        "hypothesis>=6.100",
        "jax>=0.10",
        "pre-commit>=4.0",
        "pyright>=1.1.400",
        "pytest>=9.0",
        "pytest-xdist>=3.8",
        "ruff>=0.17",
        # The page of `keras-reparam demo`, in Debian's Chromium.
        "selenium>=4.30",
        "uv>=0.9",
    ],
    "teacher": TEACHER,
    "baselines": BASELINES,
    "tfio": TFIO,
}

setup(
    name="keras-reparam",
    version=VERSION,
    description=(
        "Train a light Keras model with expanded linear layers, merge it back exactly, and put "
        "speech emotion recognition on the phone."
    ),
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["keras_reparam*"]),
    package_data={
        "keras_reparam": ["py.typed", "**/*.pyi", "pretrained/**", "demo/page/*", "demo/runtime/*"]
    },
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    entry_points={"console_scripts": ["keras-reparam = keras_reparam.cli:main"]},
    keywords="keras speech-emotion-recognition re-parameterization tflite litert android",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
