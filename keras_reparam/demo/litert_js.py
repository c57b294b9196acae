"""LiteRT.js, the runtime of the page: fetched once from the npm registry, checked by its hash.

It does not come with the package: its WebAssembly is 9 MB a build, for two builds, which whoever
never opens the page need not carry. License: Apache-2.0.
"""

import base64
import dataclasses
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from keras_reparam._utils.user_cache import user_cache

_SETTING = "npm_config_registry"
_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class NpmPackage:
    """A package at one version.

    Attributes:
        name: With its scope.
        version: Exactly this one.
        integrity: The SHA-512 of its archive, in base64, as npm says it.
        files: What of it the page needs; the rest is not kept.
    """

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Its name without the scope."""
        return self.name.split("/")[-1]

    @property
    def address(self) -> str:
        """Of the archive, below a registry's."""
        return f"{self.name}/-/{self.folder}-{self.version}.tgz"


# The builds for browsers with relaxed SIMD and for those without; neither needs threads, which
# would ask for a page isolated from all others.
PACKAGES = (
    NpmPackage(
        "@litertjs/core",
        "2.5.3",
        "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
        (
            "dist/index.js",
            "wasm/litert_wasm_internal.js",
            "wasm/litert_wasm_internal.wasm",
            "wasm/litert_wasm_compat_internal.js",
            "wasm/litert_wasm_compat_internal.wasm",
        ),
    ),
    NpmPackage(
        "@litertjs/wasm-utils",
        "2.5.3",
        "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
        ("dist/index.js",),
    ),
)
VERSION = PACKAGES[0].version
# What the archives weigh.
DOWNLOAD_MEGABYTES = 12


def litert_js(cache: Path | None = None) -> Path:
    """The folder of LiteRT.js, with a folder for each package; fetched if it is not there yet.

    From the registry that `npm_config_registry` names, as for npm, else from npm's own, which an
    installed npm tells. Whatever it is, other bytes than those of the pinned version are refused.
    A folder is there whole or not at all.

    Args:
        cache: Where it is kept; `None`: in the user's cache.

    Raises:
        OSError: If no registry is known, it can't be fetched, or written.
        ValueError: If the registry gives something else.
    """
    cache = user_cache() if cache is None else cache
    folder = _folder(cache)
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".litert-js-", dir=cache) as beside:
        whole = Path(beside) / "whole"
        for package in PACKAGES:
            _unpack(package, _fetched(package), whole / package.folder)
        try:
            whole.rename(folder)
        except OSError:
            # Another process was faster: what it has is the same.
            if not folder.is_dir():
                raise
    return folder


def is_fetched() -> bool:
    """Whether `litert_js` will need no network."""
    return _folder(user_cache()).is_dir()


def _folder(cache: Path) -> Path:
    return cache / f"litert-js-{VERSION}"


def _fetched(package: NpmPackage) -> bytes:
    registry = _registry()
    address = f"{registry.rstrip('/')}/{package.address}"
    if not address.startswith(("https://", "http://")):
        raise ValueError(
            f"The npm registry's address must begin with https://. Received: '{registry}' "
            "(environment variable npm_config_registry)"
        )
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
            content = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        if isinstance(error, urllib.error.HTTPError):
            # It is an answer, too, and holds its connection.
            error.close()
        reason = getattr(error, "reason", error)
        raise ConnectionError(
            f"The demo fetches its runtime, {package.name} {package.version}, once, and could not: "
            f"{reason} ({address}). Connect to the network, or name a registry that you reach in "
            "the environment variable npm_config_registry"
        ) from error
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != package.integrity:
        raise ValueError(
            f"{address} is not {package.name} {package.version}. Expected: SHA-512 "
            f"{package.integrity}. Received: {len(content)} bytes, SHA-512 {found}"
        )
    return content


def _registry() -> str:
    # npm takes either spelling.
    if found := os.environ.get("NPM_CONFIG_REGISTRY") or os.environ.get(_SETTING):
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(
            "The demo fetches its runtime once, from the npm registry. Install Node.js, whose npm "
            f"knows where that is, or name its address in the environment variable {_SETTING}"
        )
    return subprocess.run(
        [npm, "config", "get", "registry"], capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL,
    ).stdout.strip()  # fmt: skip


def _unpack(package: NpmPackage, archive: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in package.files:
            # By name, so that nothing else of the archive lands anywhere.
            source = tar.extractfile(f"package/{name}")
            assert source is not None, name
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
