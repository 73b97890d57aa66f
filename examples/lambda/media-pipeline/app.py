"""Turns what is uploaded to a watch folder into what a player needs.

inputs/     a new film, sound or caption: it is described, converted and kept
original/   the kept file: a film gets a thumbnail
"""

import hashlib
import re
from urllib.parse import unquote_plus

import captions
import probe
import thumbnail
import transcode
from storage import Media

# Parts of an upload that is still under way; the whole file follows under its own name.
CHUNK = re.compile(r"\.CHUNK\d+$")


def handler(event, context):
    """Handles an S3 event. Every record is tried; if one fails, the function fails, and Lambda tries the event again."""
    failures = []
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        media = Media(record["s3"]["bucket"]["name"], key)
        try:
            folder = key.partition("/")[0]
            if folder == "inputs" and media.name and not CHUNK.search(key):
                take_in(media, record["s3"]["object"].get("eTag", ""))
            elif folder == "original":
                thumbnail.make(media)
        except Exception as error:  # noqa: BLE001 - the other records must not suffer
            failures.append(f"{key}: {media.without_url(str(error))}")
    if failures:
        raise RuntimeError("; ".join(failures))


def take_in(media, etag):
    """Everything that is done here can be done twice: an event may come again."""
    if media.extension in captions.EXTENSIONS:
        captions.convert(media)
        media.keep()
        return
    report = probe.report(media)
    video, audio = probe.track(report, "Video"), probe.track(report, "Audio")
    if video is None and audio is None:
        raise ValueError("MediaInfo finds neither picture nor sound")
    media.put_json("json", report)
    # Before the job, which reads it from there: the watch folder is emptied after a day.
    media.keep()
    if video is None and probe.track(report, "General")["Format"] == "MPEG Audio":
        media.deliver("audiovideo", "mp3")
    else:
        # The same token for the same upload: MediaConvert makes no second job of it.
        token = hashlib.sha256(f"{media.bucket}/{media.key}/{etag}".encode()).hexdigest()
        transcode.submit(media, video, audio is not None, token)
