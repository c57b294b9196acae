"""The page in a real browser, with real speech: files, a fake microphone, and what goes wrong."""

import base64
import re

import numpy as np
import pytest
import soundfile

from keras_reparam.demo.server import HOP_SECONDS, SMOOTHING
from keras_reparam.deploy.runtime.classifier import Classifier
from tests.demo.browser import chromium, page_of

pytestmark = pytest.mark.slow

RATE = 16000
# Of the page's colors.
GROUNDS = ("background", "surface", "surface-notice")
CLASSES = ("unsure", *(f"class-{i}" for i in range(8)))
# What a script needs of samples (base64 of float32) and of the page's own modules.
MODULES = """
const done = arguments[arguments.length - 1];
const samples = (text) =>
  new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const run = async (clips) => {
  const { Model } = await import("/model.js");
  const { classify, classifyWindows } = await import("/scorer.js");
  const card = await (await fetch("/model.json")).json();
  const bytes = new Uint8Array(await (await fetch("/model.tflite")).arrayBuffer());
  const model = await Model.load(bytes, card.window);
  const plain = (result) => ({ ...result, scores: [...result.scores] });
  const found = [];
  for (const channels of clips) {
    const sound = channels.map(samples);
    found.push({
      whole: plain(await classify(model, card, sound)),
      windows: (await classifyWindows(model, card, sound)).map(plain),
    });
  }
  return found;
};
run(arguments[0]).then(done, (error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def microphone(tmp_path_factory):
    """The WAV file that is heard, once each time the page begins to listen, then nothing."""
    return tmp_path_factory.mktemp("microphone") / "heard.wav"


@pytest.fixture(scope="module")
def browser(microphone, tmp_path_factory):
    soundfile.write(microphone, np.zeros(RATE), RATE)
    driver = chromium(
        tmp_path_factory.mktemp("profile"),
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    )
    yield driver
    driver.quit()


class Page:
    """What a person sees of a page, and does with it."""

    def __init__(self, driver, server):
        self.driver = driver
        self.address = server.address

    def open(self, microphone="granted"):
        setting = {"permission": {"name": "microphone"}, "setting": microphone}
        self.driver.execute_cdp_cmd(
            "Browser.setPermission", {**setting, "origin": self.address.rstrip("/")}
        )
        self.driver.get(self.address)
        self.until(lambda: self.title in ("Ready", "It does not work"))
        return self

    def until(self, condition, seconds=60):
        from selenium.webdriver.support.ui import WebDriverWait

        what = f"{self.text('title')}, {self.text('detail')}, {self.text('notice')}"
        WebDriverWait(self.driver, seconds, 0.05).until(lambda _: condition(), what)

    def find(self, id):
        return self.driver.find_element("id", id)

    def text(self, id):
        return self.find(id).text

    @property
    def title(self):
        return self.text("title")

    def hear(self, path):
        """Chooses a file, and waits for what the page says of it."""
        self.find("file").send_keys(str(path))
        self.until(lambda: path.name in self.text("caption") or self.text("notice"))
        self.until(lambda: self.find("listen").is_enabled())

    def scores(self, *clips):
        """Of arrays `(samples,)` or `(channels, samples)`: results of the whole, and by window."""
        coded = [
            [base64.b64encode(c.astype("float32").tobytes()).decode() for c in np.atleast_2d(clip)]
            for clip in clips
        ]
        self.driver.set_script_timeout(30)
        found = self.driver.execute_async_script(MODULES, coded)
        assert isinstance(found, list), found
        return found


@pytest.fixture(scope="module")
def page(browser, shipped):
    with page_of(shipped / "ser_int8.tflite") as server:
        yield Page(browser, server)


def read(path):
    return soundfile.read(path, dtype="float32")[0]


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_golden_vectors(browser, shipped, golden, kind):
    with page_of(shipped / f"ser_{kind}.tflite") as server:
        page = Page(browser, server).open()
        clips = [read(shipped / "golden" / clip["file"]) for clip in golden["clips"]]
        for clip, found in zip(golden["clips"], page.scores(*clips), strict=True):
            expected = clip["probabilities"][kind]
            assert np.allclose(found["whole"]["scores"], expected, atol=golden["tolerance"][kind])
        assert len(golden["clips"]) == 6


def smoothed(results):
    """Scores over time as on Android: half new, half what was before; silence forgets it."""
    past, found = None, []
    for result in results:
        scores = result.probabilities
        if past is not None and not result.silence:
            scores = (1 - SMOOTHING) * scores + SMOOTHING * past
        past = None if result.silence else scores
        found.append(scores)
    return found


def check_same_as_python(page, classifier, *clips):
    hop = min(HOP_SECONDS, classifier.window / classifier.sample_rate)
    for clip, found in zip(clips, page.scores(*clips), strict=True):
        whole = classifier.classify(clip.T, classifier.sample_rate)
        assert np.allclose(found["whole"]["scores"], whole.probabilities, atol=1e-3)
        assert found["whole"]["windows"] == whole.windows
        assert found["whole"]["end"] == pytest.approx(whole.duration)
        assert (found["whole"]["state"] == "silence") == whole.silence
        assert (found["whole"]["state"] == "unsure") == (
            not whole.silence and not whole.values and (whole.unsure or whole.label is None)
        )
        assert (found["whole"]["state"] == "values") == bool(whole.values)
        if clip.ndim > 1:
            continue
        results = list(classifier.stream([clip], hop=hop))
        expected = smoothed(results)
        assert [[w["start"], w["end"]] for w in found["windows"]] == [
            [pytest.approx(r.start), pytest.approx(r.end)] for r in results
        ]
        assert [w["state"] == "silence" for w in found["windows"]] == [r.silence for r in results]
        assert np.allclose([w["scores"] for w in found["windows"]], expected, atol=1e-3)


def test_windows_silence_and_smoothing_are_pythons(browser, shipped):
    first, second, third = (
        read(shipped / "golden" / name)
        for name in ("03b10Wb.wav", "1008_IWW_NEU_XX.wav", "1008_IEO_SAD_LO.wav")
    )
    rng = np.random.default_rng(0)
    quiet = rng.normal(0, 1e-4, 5 * RATE).astype("float32")
    path = shipped / "ser_float32.tflite"
    with page_of(path) as server:
        check_same_as_python(
            Page(browser, server).open(),
            Classifier(path),
            np.concatenate([np.zeros(RATE // 3), first, quiet, second + 0.2, third]),
            first[:9000],
            np.concatenate([first, np.zeros(300), 3e-4 * second, np.zeros(7 * RATE), third]),
            quiet,
            np.zeros(RATE),
            np.stack([second, 0.5 * second]),
            np.stack([0.9 * third, -third]),
        )


@pytest.fixture(scope="module")
def other_models(request):
    """Models of other tasks, at another rate."""
    return request.config.rootpath / "android_demo/library/src/test/resources"


def test_classes_of_their_own_and_another_rate(browser, other_models):
    path = other_models / "sigmoid.tflite"
    rng = np.random.default_rng(0)
    with page_of(path) as server:
        check_same_as_python(
            Page(browser, server).open(),
            Classifier(path),
            *(rng.normal(mean, 0.1, 9000).astype("float32") for mean in (0, 0.5, -0.5)),
        )


@pytest.mark.parametrize("name", ["age", "affect"])
def test_values_have_their_range_in_place_of_bars(browser, other_models, tmp_path, pictures, name):
    path, wav = other_models / f"{name}.tflite", tmp_path / "noise.wav"
    classifier = Classifier(path)
    noise = np.random.default_rng(0).normal(0, 0.2, 2000).astype("float32")
    soundfile.write(wav, noise, 8000)
    rows = classifier.metadata.scoring.rows(classifier.classify_file(wav).probabilities)
    with page_of(path) as server:
        page = Page(browser, server).open()
        check_same_as_python(page, classifier, np.concatenate([noise, np.zeros(3000)]))
        page.hear(wav)
        shown = [f"{row.name.capitalize()}\n{row.text}\n{row.beside}" for row in rows]
        assert page.text("scores") == "\n".join(shown)
        if len(rows) == 1:
            assert page.title == rows[0].text
        else:
            assert page.title.splitlines() == [f"{r.name.capitalize()} {r.text}" for r in rows]
        assert rows[0].beside in page.text("detail") and rows[0].beside in page.text("card")
        assert not page.find("timeline").is_displayed() and not page.text("notice")
        assert page.find("announced").get_property("textContent").lower() == ", ".join(
            classifier.labels
        )
        browser.save_screenshot(str(pictures / f"{name}.png"))


def test_a_file(page, shipped, clip, tmp_path, pictures):
    page.open()
    classifier = Classifier(shipped / "ser_int8.tflite")
    # Ogg Opus, which the browser itself decodes, and a WAV file.
    for path in (clip, shipped / "golden" / "1008_IEO_SAD_LO.wav"):
        page.hear(path)
        assert page.title.lower() == classifier.classify_file(path).label
        assert re.fullmatch(r"Score: \d+%", page.text("detail")) and not page.text("notice")
        assert page.title in page.find("rows").get_attribute("aria-label")
        assert re.match(r"\d+\.\d ms", page.text("latency"))
    soundfile.write(tmp_path / "none.wav", np.zeros(RATE), RATE)
    page.hear(tmp_path / "none.wav")
    assert page.title == "Silence"
    # What can't be heard says so, and the next file is heard.
    (tmp_path / "broken.ogg").write_bytes(clip.read_bytes()[:300])
    (tmp_path / "text.wav").write_text("no sound at all")
    soundfile.write(tmp_path / "short.wav", np.ones(100), RATE)
    for name, reason in (
        ("broken.ogg", "broken"),
        ("text.wav", "no audio"),
        ("short.wav", "25 ms"),
    ):
        page.hear(tmp_path / name)
        assert name in page.text("notice") and reason in page.text("notice")
    page.driver.save_screenshot(str(pictures / "broken-file.png"))
    page.hear(clip)
    assert not page.text("notice")


def test_a_file_that_is_dropped(page, clip):
    page.open()
    content = base64.b64encode(clip.read_bytes()).decode()
    script = """
      const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], "dropped.ogg"));
      const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
      document.getElementById("drop").dispatchEvent(event);
    """
    page.driver.execute_script(script, content)
    page.until(lambda: "dropped.ogg" in page.text("caption"))


def test_the_microphone(page, shipped, microphone, pictures):
    """The class that Python gives; then silence, as the file has ended; by the keyboard alone."""
    from selenium.webdriver import ActionChains, Keys

    path = shipped / "golden" / "08a05Fe.wav"
    sound = np.resize(read(path), 4 * RATE)
    # At the end of the file Chromium repeats its last hundredth of a second for ever.
    soundfile.write(microphone, np.pad(sound, (0, RATE // 10)), RATE, subtype="PCM_16")
    page.open()
    expected = next(Classifier(shipped / "ser_int8.tflite").stream([sound])).label
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    assert page.driver.switch_to.active_element.accessible_name == "Start listening"
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.until(lambda: page.title == "Listening…")
    assert page.text("listen") == "Stop"
    page.until(lambda: float(page.find("level").get_property("value")) > 0)
    page.until(lambda: page.text("caption") == "Now")
    page.driver.save_screenshot(str(pictures / "listening.png"))
    page.until(lambda: page.title == "Silence")
    # Of the first window, whatever was shown since.
    seconds = dict(re.findall(r"(\w+) (\d+) seconds", page.find("rows").accessible_name))
    assert int(seconds[expected.capitalize()]) >= 4
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.until(lambda: page.text("listen") == "Start listening")
    assert page.title == "Silence"


def test_permission_denied(page, pictures):
    page.open(microphone="denied").find("listen").click()
    page.until(lambda: page.text("notice"))
    assert "Allow it in the browser" in page.text("notice")
    assert page.text("listen") == "Start listening"
    page.driver.save_screenshot(str(pictures / "denied.png"))


def test_no_microphone(shipped, tmp_path):
    driver = chromium(tmp_path)
    try:
        with page_of(shipped / "ser_int8.tflite") as server:
            page = Page(driver, server).open()
            if driver.execute_script("return navigator.mediaDevices.enumerateDevices()"):
                pytest.skip("this machine has a microphone")
            page.find("listen").click()
            page.until(lambda: page.text("notice"))
            assert page.text("notice").startswith("There is no microphone")
    finally:
        driver.quit()


def test_a_model_that_litert_js_cannot_run(browser, shipped, pictures):
    path = shipped / "ser_int8.tflite"
    with page_of(path, content=path.read_bytes()[:100_000]) as server:
        page = Page(browser, server).open()
        assert page.title == "It does not work"
        assert page.text("detail").startswith("LiteRT.js can't run this model here: ")
        assert not page.find("listen").is_displayed()
        browser.save_screenshot(str(pictures / "broken-model.png"))


def emulate(page, width, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def contrast(*colors):
    """As WCAG defines it, of two colors `(red, green, blue)`."""

    def luminance(color):
        share = np.array(color) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    light, dark = sorted(map(luminance, colors), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (320, "dark")])
def test_it_fits_and_can_be_read(page, shipped, pictures, width, scheme):
    page.open()
    emulate(page, width, scheme)
    try:
        page.hear(shipped / "golden" / "03b10Wb.wav")
        metrics = page.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        assert metrics["width"] <= width
        picture = page.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "scale": 1, **{
                name: metrics[name] for name in ("width", "height")
            }}},
        )  # fmt: skip
        (pictures / f"{scheme}-{width}.png").write_bytes(base64.b64decode(picture["data"]))
        colors = page.driver.execute_script(
            """
            const style = getComputedStyle(document.documentElement);
            const value = (name) => style.getPropertyValue(`--${name}`);
            return Object.fromEntries(arguments[0].map((name) => [name, value(name)]));
            """,
            [*GROUNDS, *CLASSES, "text", "text-secondary", "accent", "on-accent", "stop"],
        )
        rgb = {name: parsed(value) for name, value in colors.items()}
        for ground in GROUNDS:
            assert contrast(rgb["text"], rgb[ground]) >= 4.5
            assert contrast(rgb["text-secondary"], rgb[ground]) >= 4.5
        for button in ("accent", "stop"):
            assert contrast(rgb["on-accent"], rgb[button]) >= 4.5
        for name in CLASSES:
            assert contrast(rgb[name], rgb["surface"]) >= 3
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def parsed(color):
    digits = color.strip().removeprefix("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    return tuple(bytes.fromhex(digits))


def test_a_screen_reader_has_names_and_hears_changes_alone(page, shipped):
    page.open()
    roles = {name: page.find(name).aria_role for name in ("listen", "level", "rows", "announced")}
    assert roles == {"listen": "button", "level": "meter", "rows": "image", "announced": "status"}
    assert page.find("file").accessible_name.startswith("Drop an audio file")
    assert page.find("level").accessible_name == "How loud"
    page.hear(shipped / "golden" / "03b10Wb.wav")
    assert page.find("announced").get_property("textContent") == "Anger"
    assert page.find("rows").accessible_name.startswith("The last 60 seconds: Anger")


def test_the_card_says_what_the_file_says(page, shipped):
    page.open()
    about = Classifier(shipped / "ser_int8.tflite").metadata
    shown = page.text("card")
    for value in (about.name, about.description, about.license, about.front_end, *about.labels):
        assert " ".join(value.split()) in " ".join(shown.split())


def test_nothing_leaves_the_page(page):
    page.driver.get_log("browser")
    page.open()
    loaded = page.driver.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert loaded and all(name.startswith(page.address) for name in loaded)
    # Not even if it wanted to.
    script = (
        "const [done] = arguments;"
        "fetch('http://127.0.0.2:9/').then(() => done('sent'), (error) => done(String(error)))"
    )
    assert page.driver.execute_async_script(script) != "sent"
    said = [entry["message"] for entry in page.driver.get_log("browser")]
    violations = [message for message in said if "Policy" in message]
    assert violations and all("127.0.0.2" in message for message in violations), violations
