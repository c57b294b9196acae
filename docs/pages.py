"""What the site shows: the pages of the repository, each under its own path."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
# Pages, and what they show or link to.
SHOWN = (
    *("*.md", "LICENSE", "CITATION.cff", "docs/**/*.md", "docs/**/*.png", "docs/guides/*.py"),
    *("recipes/README.md", "recipes/*/README.md", "recipes/compare/*.yaml"),
    *("recipes/data/emodb4/LICENSE.txt", "keras_reparam/**/*.md"),
    *("android_demo/README.md", "android_demo/pictures/*.png", "tests/README.md"),
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages: a link from one to another is the same here and on a code host."""
    for pattern in SHOWN:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files
