"""A headless Chromium, and servers for it."""

import contextlib
import threading

import pytest

from keras_reparam.benchmarks.browser import headless_chromium
from keras_reparam.benchmarks.runtime_environments import RuntimeUnavailable
from keras_reparam.demo.server import DemoServer, model_card
from keras_reparam.deploy.runtime.classifier import Classifier


@contextlib.contextmanager
def serving(server):
    """Runs an HTTP server meanwhile."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def page_of(path, content=None):
    """The demo's server of a model; `content` stands in for what it says the file holds."""
    server = DemoServer(path, model_card(Classifier(path), path))
    if content is not None:
        file = server.files["/model.tflite"]
        server.files["/model.tflite"] = type(file)(file.type, content)
    with serving(server):
        yield server


def chromium(profile, *arguments):
    """Selenium's driver of a new headless Chromium; the test is skipped where there is none."""
    try:
        return headless_chromium(profile, *arguments)
    except RuntimeUnavailable as error:
        pytest.skip(str(error))
