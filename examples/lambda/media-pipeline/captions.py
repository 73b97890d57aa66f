"""Captions in any format that ffmpeg reads, as WebVTT."""

import codecs
import subprocess
import tempfile
from pathlib import Path

EXTENSIONS = {"ass", "sbv", "scc", "srt", "ssa", "sub", "vtt"}

# Bytes. A film of three hours has some 200 KB.
LIMIT = 10_000_000


def convert(media):
    """Puts the captions into closed-caption/."""
    text = decoded(media.read(LIMIT))
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, f"source.{media.extension}"), Path(folder, "result.vtt")
        source.write_text(text, encoding="utf-8")
        command = ["/opt/bin/ffmpeg", "-loglevel", "error", "-i", str(source), str(result)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0 or "-->" not in result.read_text(encoding="utf-8"):
            raise ValueError(f"ffmpeg reads no captions in it: {done.stderr.strip()}")
        media.put("closed-caption", "vtt", result.read_bytes(), "text/vtt; charset=utf-8")


def decoded(content):
    """The text, from UTF-8 or UTF-16, or else from what Windows writes in western Europe."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
