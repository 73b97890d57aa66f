"""Unpacks the source of a recipe with its patches.

usage: sources.py NAME@VERSION NEW_FOLDER < `cargo xtask fetch LAYER`      lines of a digest and the path of the archive
"""

import subprocess
import sys
import tomllib
from pathlib import Path

RECIPES = Path(__file__).resolve().parent.parent.parent / "recipes"


def main(recipe, folder):
    name, _, wanted = recipe.partition("@")
    described = tomllib.loads((RECIPES / name / "recipe.toml").read_text())
    version = next(version for version in described["versions"] if version["version"] == wanted)
    archives = dict(line.split() for line in sys.stdin)
    known = [archive["sha256"] for source in version["sources"] for archive in source["archives"]]
    digest = next((digest for digest in known if digest in archives), None)
    if digest is None:
        sys.exit(f"sources.py: no archive of {recipe} was fetched")
    Path(folder).mkdir(parents=True)
    command = ["tar", "--extract", "--strip-components=1", "--file", archives[digest], "--directory", folder]
    subprocess.run(command, check=True)
    # ffprobe is built from the recipe of ffmpeg.
    patches = RECIPES / described.get("files-of", name) / "patches"
    for patch in version.get("patches", []):
        with open(patches / patch, "rb") as text:
            subprocess.run(["patch", "--strip=1", "--fuzz=0", "--binary", "--quiet", "--directory", folder], stdin=text, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    main(*sys.argv[1:])
