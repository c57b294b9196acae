"""The Maven build of the app, run once, where the tools for it are installed."""

import fcntl
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

DEMO = Path(__file__).resolve().parents[2] / "android_demo"
TOOLS = ("mvn", "apksigner", "zipalign", "dexdump", "gcc", "python3", "readelf")


def run(*command):
    """The output of a command that succeeds."""
    child = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert child.returncode == 0, f"{child.args}\n{child.stdout[-12000:]}"
    return child.stdout


def what_is_missing():
    """Why the app can't be built here; empty if it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not installed (android_demo/README.md says how)"
    java = re.search(r"^Java version: (\d+)", run("mvn", "--version"), re.M)
    return "" if java and java[1] == "17" else "Maven runs on another Java than 17: set JAVA_HOME"


@pytest.fixture(scope="session")
def maven():
    """Runs Maven on the demo, `maven("package")`; gives its output."""
    reason = what_is_missing()
    if reason:
        pytest.skip(reason)
    return lambda *arguments: run("mvn", "-B", "-f", DEMO / "pom.xml", *arguments)


@pytest.fixture(scope="session")
def built(maven, tmp_path_factory, testrun_uid):
    """What `mvn package` makes: the APK, the AAR, and the folders of the modules."""
    # Test processes side by side share one build.
    done = Path(tmp_path_factory.getbasetemp()).parent / f"android-{testrun_uid}"
    with done.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.is_file():
            done.write_text(maven("clean", "package"), encoding="utf-8")
    app, library = DEMO / "app" / "target", DEMO / "library" / "target"
    return SimpleNamespace(
        output=done.read_text(encoding="utf-8"),
        app=app,
        library=library,
        apk=app / "app-debug.apk",
        aar=library / "emotion.aar",
        aapt2=app / "tools" / "prebuilt" / "linux" / "aapt2_64",
    )


@pytest.fixture(scope="session")
def pretrained():
    """Folder of the models that come with the package."""
    return DEMO.parent / "keras_reparam" / "pretrained"
