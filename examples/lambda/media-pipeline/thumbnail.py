"""A picture of a film."""

import subprocess
import tempfile
from pathlib import Path

import probe

# Where a film is past its first fade.
SECONDS = 7


def make(media):
    """Puts a JPG of the film at seven seconds into thumbnail/; of a shorter one, the best of its first 100 frames."""
    if probe.track(probe.report(media), "Video") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.jpg")
        # ffmpeg turns a rotated film the right way up by itself.
        if not run(["-ss", str(SECONDS), "-i", media.url()], picture) and not run(
            ["-i", media.url(), "-vf", "thumbnail"], picture
        ):
            raise RuntimeError("ffmpeg finds no picture in the film")
        media.put("thumbnail", "jpg", picture.read_bytes(), "image/jpeg")


def run(words, picture):
    """Whether ffmpeg wrote the picture. Beyond a film's end it writes none."""
    command = ["/opt/bin/ffmpeg", "-loglevel", "error", "-y", *words, "-frames:v", "1", "-update", "1"]
    subprocess.run([*command, "-strict", "unofficial", str(picture)], capture_output=True)
    return picture.is_file() and picture.stat().st_size > 0
