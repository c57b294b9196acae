"""`keras-reparam demo`: serves the page until Ctrl-C."""

import contextlib
import json
import webbrowser
from pathlib import Path

from keras_reparam.demo.server import DemoServer, model_card
from keras_reparam.deploy.runtime.classifier import SHIPPED, Classifier
from keras_reparam.deploy.runtime.shipped import shipped_files


def demo(
    model: str | None, *, port: int, open_browser: bool, silence_decibels: float, as_json: bool
) -> None:
    """Serves a model's page until Ctrl-C, which is how it is meant to end.

    Raises:
        OSError: If the file or the port is not to be had.
        ValueError: If the file is none for a `Classifier`.
    """
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(shipped_files()) / SHIPPED if model is None else Path(model)
        classifier = Classifier(path, silence_decibels=silence_decibels)
        server = stack.enter_context(DemoServer(path, model_card(classifier, path), port=port))
        if as_json:
            print(json.dumps({"url": server.address, "model": str(path)}), flush=True)
        else:
            print(f"'{path.name}' listens at {server.address} (Ctrl-C ends it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            if open_browser:
                webbrowser.open(server.address)
            server.serve_forever()
