"""LiteRT.js in a headless Chromium: the runtime of `keras-reparam demo`."""

import base64
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from keras_reparam.benchmarks.runtime_environments import RuntimeUnavailable
from keras_reparam.demo.litert_js import VERSION
from keras_reparam.demo.server import DemoServer
from keras_reparam.deploy.runtime.runtime import Runtime

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 120
_SCORES = """
const [inputs, done] = arguments;
const samples = (text) =>
  new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const run = async () => {
  const { Model } = await import("/model.js");
  const bytes = new Uint8Array(await (await fetch("/model.tflite")).arrayBuffer());
  const arrays = inputs.map(samples);
  const model = await Model.load(bytes, arrays[0].length);
  const scores = [];
  for (const array of arrays) scores.push([...(await model.scores(array))]);
  return { scores };
};
run().then(done, (error) => done({ error: error.message }));
"""


def headless_chromium(profile: Path, *arguments: str) -> Any:
    """Selenium's driver of a new Chromium without a window.

    Args:
        profile: Folder for what the browser keeps.
        arguments: Of its command line.

    Raises:
        RuntimeUnavailable: If Chromium, its driver or selenium is not installed.
    """
    try:
        from selenium import webdriver
    except ImportError:
        raise RuntimeUnavailable(
            "selenium is not installed: it comes with the extra `dev`"
        ) from None
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        raise RuntimeUnavailable(
            "Chromium or its driver is not installed: Debian's packages chromium, chromium-driver"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--window-size=1200,1100", f"--user-data-dir={profile}"),
        # As root it does not start otherwise; it opens this machine's own pages alone.
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        *arguments,
    ):
        options.add_argument(argument)
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


class BrowserRuntime:
    """LiteRT.js as one of the runtimes of the compatibility table.

    Attributes:
        title: How tables name it.
        script_name: How the command names it.
    """

    title = f"LiteRT.js {VERSION}"
    script_name = "litert_js"

    def scores(self, files: Sequence[Path], inputs: Path, cache: Path) -> dict[Path, dict]:
        """As `RuntimeEnvironment.scores`.

        Raises:
            RuntimeUnavailable: If there is no browser for it.
        """
        arrays = dict(np.load(inputs))
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            driver = headless_chromium(Path(profile))
            try:
                driver.set_script_timeout(_SECONDS)
                return {file: _scores(driver, file, arrays) for file in files}
            finally:
                driver.quit()


def _scores(driver: Any, file: Path, arrays: dict[str, np.ndarray]) -> dict:
    waveform = len(Runtime(file.read_bytes()).input_shape) == 2
    inputs = [
        base64.b64encode(array.astype("float32").tobytes()).decode()
        for array in arrays["waveform" if waveform else "features"]
    ]
    # The page itself will say that it has no card; its modules are what is asked.
    server = DemoServer(file, {})
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        driver.get(server.address)
        return driver.execute_async_script(_SCORES, inputs)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
