"""What is served, to whom, and what `keras-reparam demo` says when it can't; without a browser."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile

import pytest

from keras_reparam.cli import main
from keras_reparam.demo import litert_js
from keras_reparam.demo.server import DemoServer
from keras_reparam.deploy.runtime.classifier import Classifier
from tests.demo.browser import page_of


@pytest.fixture(scope="module")
def server(shipped):
    with page_of(shipped / "ser_int8.tflite") as server:
        yield server


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def test_what_is_served(server, shipped):
    status, headers, page = ask(server, "/")
    assert status == 200 and b"<h1>" in page
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy
    expected = {
        "/model.tflite": "application/octet-stream",
        "/main.js": "text/javascript; charset=utf-8",
        "/style.css": "text/css; charset=utf-8",
        "/icon.svg": "image/svg+xml",
        "/litert/core/wasm/litert_wasm_compat_internal.wasm": "application/wasm",
        "/litert/wasm-utils/dist/index.js": "text/javascript; charset=utf-8",
    }
    for path, kind in expected.items():
        status, headers, content = ask(server, path)
        assert (status, headers["Content-Type"]) == (200, kind) and content
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask(server, "/model.tflite")[2] == (shipped / "ser_int8.tflite").read_bytes()
    card = json.loads(ask(server, "/model.json")[2])
    classifier = Classifier(shipped / "ser_int8.tflite")
    assert card["labels"] == list(classifier.labels) and card["window"] == classifier.window
    assert card["unsure_below"] == classifier.metadata.unsure_below > 0
    assert ask(server, "/", "HEAD")[2] == b""


def test_nothing_else_is_served_and_to_nobody_else(server):
    for path in (
        "/../setup.py",
        "/%2e%2e/setup.py",
        "/index.html",
        "/server.py",
        "/litert/",
        "/?x",
    ):
        assert ask(server, path)[0] == 404
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, "/model.tflite", method)[0] == 501
    # A name of another site that was made to lead here.
    assert ask(server, "/", Host="example.org")[0] == 421
    assert ask(server, "/", Host=f"localhost:{server.server_address[1]}")[0] == 200
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken(shipped):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        for port in (other.getsockname()[1], 70_000):
            with pytest.raises(OSError, match=f"port {port} .* --port"):
                DemoServer(shipped / "ser_int8.tflite", {}, port=port)


def test_bad_files(capsys, tmp_path, shipped):
    (tmp_path / "text.tflite").write_text("no model")
    unlabeled = tmp_path / "unlabeled.tflite"
    content = (shipped / "ser_int8.tflite").read_bytes()
    unlabeled.write_bytes(content.replace(b"TFLITE_METADATA", b"ANOTHER_DATA_00"))
    for path, reason in (
        (tmp_path / "gone.tflite", "gone.tflite"),
        (tmp_path / "text.tflite", "TFL3"),
        (unlabeled, "does not say"),
    ):
        assert main(["demo", str(path), "--no-open"]) == 2
        shown = capsys.readouterr()
        assert reason in shown.err and shown.err.count("\n") == 1 and not shown.out


def test_the_command_serves_until_ctrl_c(request, tmp_path):
    """A user's way, without Node.js: the address is said, page and runtime are there, nothing is
    kept, Ctrl-C ends it without a word."""
    code = (
        "import sys\n"
        "from keras_reparam.cli import main\n"
        "code = main(['demo', '--no-open', '--json'])\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "sys.exit(code)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=request.config.rootpath,
        env={**os.environ, "PATH": "", "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        said = json.loads(child.stdout.readline())
        assert said["model"].endswith("ser_int8.tflite")
        wasm = "litert/core/wasm/litert_wasm_compat_internal.wasm"
        for name, begin in (("", b"<!doctype html>"), (wasm, b"\0asm")):
            with urllib.request.urlopen(said["url"] + name, timeout=10) as answer:
                assert answer.read().startswith(begin)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (0, "")
    assert "Traceback" not in err and not list(tmp_path.iterdir())


@pytest.mark.nightly
def test_the_runtime_is_what_npm_has(tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    litert_js.make(tmp_path / "made.zip")
    with zipfile.ZipFile(tmp_path / "made.zip") as made:
        assert {name: made.read(name) for name in made.namelist()} == litert_js.litert_js()
