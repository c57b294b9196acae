"""LiteRT.js, the runtime of the page, as it comes with the package: see `runtime/NOTICE`.

    python -m keras_reparam.demo.litert_js

makes the archive anew from its npm packages, for which npm is needed; whoever runs the page does
not need it.
"""

import hashlib
import subprocess
import tarfile
import tempfile
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from keras_reparam._utils.files import written_beside

VERSION = "2.5.3"

# What of each package the page loads, below the SHA-256 of its archive.
# Of the builds it is the one that every browser with WebAssembly SIMD runs. The others need
# relaxed SIMD (0.5 ms of 2.5 ms a window less), or threads, for which the page would have to be
# isolated from all others.
_PACKAGES = {
    "core": (
        "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
        "dist/index.js",
        "wasm/litert_wasm_compat_internal.js",
        "wasm/litert_wasm_compat_internal.wasm",
    ),
    "wasm-utils": (
        "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
        "dist/index.js",
    ),
}


def litert_js() -> dict[str, bytes]:
    """The content of each file, by its package and name: `core/dist/index.js`."""
    with _archive().open("rb") as file, zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def make(path: Path) -> None:
    """Writes the archive, of what npm fetches.

    Raises:
        ValueError: If that is not the pinned version.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        written_beside(path) as beside,
        zipfile.ZipFile(beside, "w") as archive,
    ):
        for package, (expected, *files) in _PACKAGES.items():
            name = f"@litertjs/{package}@{VERSION}"
            subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True)
            (packed,) = Path(folder).glob(f"litertjs-{package}-*.tgz")
            found = hashlib.sha256(packed.read_bytes()).hexdigest()
            if found != expected:
                raise ValueError(f"{name} must have the SHA-256 {expected}. Received: {found}")
            with tarfile.open(packed) as tar:
                for file in files:
                    source = tar.extractfile(f"package/{file}")
                    assert source is not None, file
                    # Without a date, so that the same files make the same archive.
                    archive.writestr(
                        zipfile.ZipInfo(f"{package}/{file}"), source.read(), zipfile.ZIP_LZMA
                    )


def _archive() -> Traversable:
    return resources.files("keras_reparam.demo") / "runtime" / "litert_js.zip"


if __name__ == "__main__":
    make(Path(str(_archive())))
