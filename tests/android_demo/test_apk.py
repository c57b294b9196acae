"""What `mvn package` makes of the demo: the APK, the library, the screens."""

import io
import re
import struct
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.android_demo.conftest import DEMO, run

pytestmark = pytest.mark.android

# ELF's numbers of the processors.
MACHINES = {"arm64-v8a": 183, "armeabi-v7a": 40, "x86_64": 62}
MODELS = ("ser_int8.tflite", "ser_float32.tflite")
LIMIT, LIMIT_ARM64 = 6_500_000, 3_300_000
# Each is a state that the issue of the app names; the tests on the JVM draw them.
SCREENS = (
    *("ready", "listening", "conversation", "silence", "unsure", "muted", "refused"),
    *("refused-for-ever", "microphone-busy", "microphone-lost", "rotated", "back-again"),
    *("after-process-death", "float32", "file", "file-bad", "too-slow", "large-text", "dark"),
    *("large-text-german-small", "landscape", "landscape-large-text-dark", "german"),
    *("speech-anger", "speech-happiness", "speech-neutral", "speech-sadness", "about", "notices"),
    *("value", "values-large-text-german-small"),
)


@pytest.fixture(scope="module")
def apk(built):
    with zipfile.ZipFile(built.apk) as file:
        yield file


@pytest.fixture(scope="module")
def badging(built):
    return run(built.aapt2, "dump", "badging", built.apk).splitlines()


def of(badging, key):
    """What follows `key:` in the badging, line by line."""
    return [line.split(":", 1)[1].strip() for line in badging if line.strip().startswith(f"{key}:")]


def test_signature(built):
    said = run("apksigner", "verify", "--verbose", "--min-sdk-version", "24", built.apk)
    assert said.startswith("Verifies\n")
    assert "v2 scheme (APK Signature Scheme v2): true" in said
    assert "v3 scheme (APK Signature Scheme v3): true" in said
    assert "Number of signers: 1" in said


def test_alignment(built):
    run("zipalign", "-c", "4", built.apk)


def test_badging(badging):
    assert of(badging, "minSdkVersion") == ["'24'"]
    assert of(badging, "targetSdkVersion") == ["'36'"]
    assert of(badging, "native-code") == ["'arm64-v8a' 'armeabi-v7a' 'x86_64'"]
    (package,) = of(badging, "package")
    assert package.startswith("name='kerasreparam.emotion.app' versionCode='1' versionName='1.0.0'")
    (start,) = of(badging, "launchable-activity")
    assert start.startswith("name='kerasreparam.emotion.app.MainActivity'")
    names = of(badging, "application-label") + of(badging, "application-label-de")
    assert len(set(names)) == 2


def test_the_microphone_is_the_only_permission(badging):
    asked = [line for line in badging if "permission" in line.split(":", 1)[0]]
    assert asked == ["uses-permission: name='android.permission.RECORD_AUDIO'"]
    # A tablet without a microphone can open files.
    assert of(badging, "uses-feature-not-required") == ["name='android.hardware.microphone'"]


def test_nothing_that_was_heard_is_backed_up(built):
    manifest = run(built.aapt2, "dump", "xmltree", "--file", "AndroidManifest.xml", built.apk)
    assert re.search(r"allowBackup\(0x[0-9a-f]+\)=false", manifest)


@pytest.mark.parametrize("model", MODELS)
def test_models_are_the_shipped_ones_and_stored_as_they_are(apk, pretrained, model):
    entry = apk.getinfo(f"assets/models/{model}")
    assert entry.compress_type == zipfile.ZIP_STORED
    assert apk.read(entry) == (pretrained / model).read_bytes()


def test_there_are_no_other_models(apk):
    found = [name for name in apk.namelist() if name.endswith(".tflite")]
    assert sorted(found) == sorted(f"assets/models/{model}" for model in MODELS)


@pytest.mark.parametrize("processor", MACHINES)
def test_native_libraries(apk, processor):
    folder = f"lib/{processor}/"
    (name,) = [name for name in apk.namelist() if name.startswith(folder)]
    assert name == folder + "libtensorflowlite_jni.so"
    content = apk.read(name)
    assert content[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", content, 18) == (MACHINES[processor],)


def test_dex(built, apk):
    dexes = [name for name in apk.namelist() if name.endswith(".dex")]
    assert dexes == ["classes.dex"]
    # API 24 knows this version of the format and no later one.
    assert apk.read("classes.dex")[:8] == b"dex\n037\x00"
    said = run("dexdump", "-f", built.apk)
    classes = set(re.findall(r"Class descriptor +: +'L([^;]+);'", said))
    assert "kerasreparam/emotion/app/MainActivity" in classes
    assert "org/tensorflow/lite/NativeInterpreterWrapper" in classes
    # No library but the runtime and what R8 leaves of Kotlin's.
    parts = Counter("/".join(name.split("/")[:2]) for name in classes)
    assert set(parts) <= {"kerasreparam/emotion", "org/tensorflow"} | {
        part for part in parts if part.startswith("kotlin/")
    }


def test_nothing_leaves_the_phone(built):
    code = run("dexdump", "-d", built.apk)
    assert "Landroid/media/AudioRecord;" in code
    for network in ("Ljava/net/", "Landroid/net/http", "Landroid/webkit/", "Ljavax/net/"):
        assert network not in code
    assert "Ljava/io/FileOutputStream;" not in code


def test_size(built, apk):
    whole = built.apk.stat().st_size
    others = sum(
        entry.compress_size
        for entry in apk.infolist()
        if entry.filename.startswith("lib/") and "arm64" not in entry.filename
    )
    assert whole <= LIMIT
    assert whole - others <= LIMIT_ARM64
    # And the build says so.
    assert f"{whole:,}  bytes in all; {whole - others:,} with arm64 alone" in built.output


def test_notices(apk):
    text = apk.read("assets/notices.txt").decode()
    for work in (
        *("TensorFlow", "XNNPACK", "FlatBuffers", "Eigen", "gemmlowp", "ruy", "FarmHash"),
        *(
            "Kotlin",
            "Apache License",
            "EmoDB",
            "CREMA-D",
            "Open Database License",
            "cpuinfo",
            "pthreadpool",
            "FP16",
            "FXdiv",
        ),
    ):
        assert work in text, work


def test_library(built):
    with zipfile.ZipFile(built.aar) as aar:
        assert {"AndroidManifest.xml", "classes.jar", "R.txt", "proguard.txt"} == set(
            aar.namelist()
        )
        manifest = ElementTree.fromstring(aar.read("AndroidManifest.xml"))
        classes = zipfile.ZipFile(io.BytesIO(aar.read("classes.jar"))).namelist()
    assert manifest.get("package") == "kerasreparam.emotion"
    for name in ("EmotionRecognizer", "EmotionListener", "EmotionResult", "TfliteClassifier"):
        assert f"kerasreparam/emotion/{name}.class" in classes


@pytest.mark.parametrize("module", ["library", "app"])
def test_every_test_on_the_jvm_passed(built, module):
    reports = list((getattr(built, module) / "surefire-reports").glob("TEST-*.xml"))
    suites = [ElementTree.parse(report).getroot() for report in reports]
    sources = (DEMO / module / "src" / "test").rglob("*Test.kt")
    tests = {path.stem for path in sources if "@Test" in path.read_text(encoding="utf-8")}
    assert {suite.get("name").split(".")[-1] for suite in suites} == tests
    for suite in suites:
        found = {name: int(suite.get(name)) for name in ("failures", "errors", "skipped")}
        assert not any(found.values()), (suite.get("name"), found)


@pytest.mark.parametrize("screen", SCREENS)
def test_screens_show_something(built, screen):
    with Image.open(built.app / "screens" / f"{screen}.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert min(pixels.shape[:2]) >= 320
    # Words on a background: some pixels differ, most do not.
    values, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    assert len(values) > 50
    assert 0.2 < counts.max() / counts.sum() < 0.99


def test_own_model(built, pretrained, tmp_path):
    own = tmp_path / "mine.tflite"
    own.write_bytes((pretrained / "ser_float32.tflite").read_bytes())
    apk = tmp_path / "mine.apk"
    before = built.apk.read_bytes()
    run(sys.executable, DEMO / "build_app.py", own, "--apk", apk)
    run("apksigner", "verify", "--min-sdk-version", "24", apk)
    with zipfile.ZipFile(apk) as file:
        models = [name for name in file.namelist() if name.endswith(".tflite")]
        assert models == ["assets/models/mine.tflite"]
        assert file.read(models[0]) == own.read_bytes()
    assert built.apk.read_bytes() == before
