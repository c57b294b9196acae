"""Serves the page, the runtime and one model to this machine's own browser."""

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

from keras_reparam.demo.litert_js import litert_js
from keras_reparam.deploy.runtime.classifier import Classifier
from keras_reparam.deploy.tflite.sigmoid_head import PRESENT

# Answers every half second, each half new and half what was before: as the app for Android.
HOP_SECONDS, SMOOTHING = 0.5, 0.5

_HOST = "127.0.0.1"
_PAGE = "page"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".wasm": "application/wasm",
}


@dataclasses.dataclass(frozen=True)
class _File:
    """What is served at one address."""

    type: str
    content: bytes


def model_card(classifier: Classifier, path: Path) -> dict[str, Any]:
    """What the page is told of a model, as JSON types: its metadata, and how to listen."""
    return {
        **dataclasses.asdict(classifier.metadata),
        "file": path.name,
        "bytes": path.stat().st_size,
        "window": classifier.window,
        "hop": min(HOP_SECONDS, classifier.window / classifier.sample_rate),
        "smoothing": SMOOTHING,
        "silence_decibels": classifier.silence_decibels,
        "present": PRESENT,
    }


class DemoServer(ThreadingHTTPServer):
    """An HTTP server on 127.0.0.1 that knows a few addresses and answers no others.

    Args:
        path: A `.tflite` file.
        card: What the page is told of it: see `model_card`.
        port: A free one is chosen for 0.

    Raises:
        OSError: If the file can't be read, or the port is taken.
    """

    daemon_threads = True

    def __init__(self, path: Path, card: Mapping[str, Any], *, port: int = 0) -> None:
        self.files = _files(card, path.read_bytes())
        self.policy = _policy(self.files["/"].content.decode())
        try:
            super().__init__((_HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise OSError(
                f"The port {port} of {_HOST} can't be used: {error}. Give another --port, or none"
            ) from error

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{_HOST}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is none."""


def _files(card: Mapping[str, Any], model: bytes) -> dict[str, _File]:
    found = {
        "/model.json": _File(_TYPES[".json"], json.dumps(card).encode()),
        "/model.tflite": _File(_TYPES[".tflite"], model),
    }
    for file in (resources.files("keras_reparam.demo") / _PAGE).iterdir():
        address = "/" if file.name == "index.html" else f"/{file.name}"
        found[address] = _File(_TYPES[Path(file.name).suffix], file.read_bytes())
    for name, content in litert_js().items():
        found[f"/litert/{name}"] = _File(_TYPES[Path(name).suffix], content)
    return found


def _policy(page: str) -> str:
    """The page may load what is served here, and send nothing anywhere."""
    # An import map must stand in the page itself; it is allowed by its hash.
    (import_map,) = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' 'sha256-{digest}'",
            *("style-src 'self'", "img-src 'self'", "connect-src 'self'"),
            *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        )
    )


class _Handler(BaseHTTPRequestHandler):
    server: DemoServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def _answer(self, *, with_content: bool) -> None:
        # A name of another site that leads here: that site's pages must not read these.
        port = self.server.server_address[1]
        if self.headers.get("Host") not in (f"{_HOST}:{port}", f"localhost:{port}"):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        file = self.server.files.get(self.path)
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        for name, value in (
            ("Content-Type", file.type),
            ("Content-Length", str(len(file.content))),
            ("Content-Security-Policy", self.server.policy),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "microphone=(self), camera=(), geolocation=()"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            # Another model may be served here next.
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if with_content:
            self.wfile.write(file.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are of no interest to whoever looks at the terminal."""
