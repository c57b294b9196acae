"""What `mvn package` leaves for Maven Central: four files, and a POM with what it asks for."""

import zipfile
from xml.etree import ElementTree

import pytest

from tests.android_demo.conftest import DEMO

pytestmark = pytest.mark.android
MAVEN = "{http://maven.apache.org/POM/4.0.0}"
ASKED_FOR = (
    *("groupId", "artifactId", "version", "packaging", "name", "description", "url"),
    *("licenses/license/name", "licenses/license/url", "developers/developer/name"),
    *("scm/connection", "scm/developerConnection", "scm/url"),
)


def text_of(project, path):
    return project.findtext("/".join(MAVEN + part for part in path.split("/")))


def test_the_bundle(built):
    folder = built.library / "publish"
    project = ElementTree.parse(next(folder.glob("*.pom"))).getroot()
    told = {path: text_of(project, path) for path in ASKED_FOR}
    assert all(told.values()) and "$" not in "".join(told.values())
    assert (told["packaging"], told["licenses/license/name"]) == ("aar", "Apache-2.0")
    parent = ElementTree.parse(DEMO / "pom.xml").getroot()
    assert told["version"] == text_of(parent, "version")
    assert text_of(project, "dependencies/dependency/version") == text_of(
        parent, "properties/kotlin.version"
    )
    name = f"emotion-{told['version']}"
    endings = (".aar", ".pom", "-sources.jar", "-javadoc.jar")
    assert {path.name for path in folder.iterdir()} == {name + ending for ending in endings}
    assert (folder / f"{name}.aar").read_bytes() == built.aar.read_bytes()
    main = DEMO / "library" / "src" / "main" / "kotlin"
    with zipfile.ZipFile(folder / f"{name}-sources.jar") as file:
        found = {entry for entry in file.namelist() if not entry.endswith("/")}
    assert found == {p.relative_to(main).as_posix() for p in main.rglob("*") if p.is_file()}
