"""Android Studio's build files describe what the Maven build builds."""

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "android_demo"
POM = "{http://maven.apache.org/POM/4.0.0}"
MODULES = {"library": "kerasreparam.emotion", "app": "kerasreparam.emotion.app"}


def pom(module=""):
    return ElementTree.parse(DEMO / module / "pom.xml").getroot()


def maven(name, module=""):
    """A property of the parent or of a module."""
    value = pom(module).findtext(f"{POM}properties/{POM}{name}")
    assert value, f"{name} is not a property of android_demo/{module}/pom.xml"
    return value


def script(module):
    return (DEMO / module / "build.gradle.kts").read_text()


@pytest.fixture(scope="module")
def versions():
    return tomllib.loads((DEMO / "gradle" / "libs.versions.toml").read_text())["versions"]


def test_sdk_levels(versions):
    assert versions["minSdk"] == maven("minSdk") == "24"
    assert versions["targetSdk"] == maven("targetSdk") == versions["compileSdk"] == "36"
    # The framework that resources are linked with.
    assert maven("android.resources.version").split("-")[0] == "16"


@pytest.mark.parametrize("module", MODULES)
def test_levels_come_from_the_catalogue(module):
    text = script(module)
    assert "compileSdk = libs.versions.compileSdk.get().toInt()" in text
    assert "minSdk = libs.versions.minSdk.get().toInt()" in text
    assert ("targetSdk = libs.versions.targetSdk.get().toInt()" in text) == (module == "app")


def test_modules():
    included = re.search(r"^include\((.*)\)$", (DEMO / "settings.gradle.kts").read_text(), re.M)
    gradle = {name.strip('": ') for name in included[1].split(",")}
    assert gradle == set(MODULES)
    # Gradle takes the runtime from Google's repository; Maven needs a module that opens it.
    assert {module.text for module in pom().iter(f"{POM}module")} == gradle | {"tflite"}


@pytest.mark.parametrize("module", MODULES)
def test_source_folders(module):
    # Gradle's default, which its scripts leave alone.
    assert pom(module).findtext(f"{POM}build/{POM}sourceDirectory") == "src/main/kotlin"
    changed = r"\b(java|kotlin|res|manifest)\.(srcDir|srcFile|directories)"
    assert not re.search(changed, script(module))
    sources = list((DEMO / module / "src/main/kotlin").rglob("*.kt"))
    package = MODULES[module].replace(".", "/")
    assert sources
    assert all(f"/{package}/" in source.as_posix() for source in sources)


@pytest.mark.parametrize("module", MODULES)
def test_packages(module):
    assert f'namespace = "{MODULES[module]}"' in script(module)
    if module == "app":
        assert f'applicationId = "{MODULES[module]}"' in script(module)
        assert maven("application.id", "app") == MODULES[module]
        assert "package=" not in (DEMO / "app/src/main/AndroidManifest.xml").read_text()


def test_version_of_the_app():
    assert f'versionName = "{pom().findtext(f"{POM}version")}"' in script("app")
    assert f"versionCode = {maven('version.code', 'app')}\n" in script("app")


def test_the_model_is_stored_as_it_is_by_both():
    assert 'noCompress += "tflite"' in script("app")
    assert "-0 .tflite" in (DEMO / "app/pom.xml").read_text()


def test_runtime(versions):
    assert versions["litert"] == "1.4.2"
    catalogue = (DEMO / "gradle" / "libs.versions.toml").read_text()
    assert '"com.google.ai.edge.litert:litert"' in catalogue
    assert "api(libs.litert)" in script("library")


def test_it_says_that_ci_does_not_build_it():
    first = (DEMO / "settings.gradle.kts").read_text().splitlines()[0]
    assert "Continuous integration does not build this" in first
