"""What MediaInfo says of a file."""

import json
import subprocess


def report(media):
    command = ["/opt/bin/mediainfo", "--Output=JSON", f"--File_FileName={media.key}", media.url()]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"mediainfo ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def track(report, kind):
    """The first track of a kind; nothing where there is none. A picture in a sound file is no video track."""
    return next((track for track in report["media"]["track"] if track["@type"] == kind), None)


def is_upright(video):
    """Whether a film is taller than wide when it is shown."""
    width, height = int(video["Width"]), int(video["Height"])
    on_its_side = round(float(video.get("Rotation", 0))) % 180 == 90
    return (width > height) if on_its_side else (height > width)


def short_side(video):
    """Pixels: the number in 1080p, however the film is held."""
    return min(int(video["Width"]), int(video["Height"]))
