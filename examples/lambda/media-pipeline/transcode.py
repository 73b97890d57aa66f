"""Jobs of MediaConvert: job.json, filled in."""

import copy
import json
import os
from pathlib import Path

import boto3

import probe

JOB = json.loads(Path(__file__).with_name("job.json").read_text())
client = boto3.client("mediaconvert")


def submit(media, video, has_sound, token):
    """Orders the film in all sizes that are not above its own, or the sound alone."""
    client.create_job(
        ClientRequestToken=token,
        Role=os.environ["MEDIACONVERT_ROLE"],
        Settings=settings(media, video, has_sound),
        UserMetadata={"key": media.key[:256]},
    )


def settings(media, video, has_sound):
    settings = copy.deepcopy(JOB)
    settings["Inputs"][0]["FileInput"] = f"s3://{media.bucket}/original/{media.path}"
    [group] = settings["OutputGroups"]
    # MediaConvert adds what tells the outputs apart, and the extension.
    destination = f"s3://{os.environ['DELIVERY_BUCKET']}/audiovideo/{media.name}"
    group["OutputGroupSettings"]["FileGroupSettings"]["Destination"] = destination
    if video is None:
        output = group["Outputs"][0]
        del output["VideoDescription"], output["NameModifier"]
        group["Outputs"] = [output]
    else:
        group["Outputs"] = sized(group["Outputs"], video)
    if not has_sound:
        del settings["Inputs"][0]["AudioSelectors"]
        for output in group["Outputs"]:
            del output["AudioDescriptions"]
    return settings


def sized(outputs, video):
    """The outputs that are not above the film; one of its own size where all are. `Height` is that of the short side."""
    own = probe.short_side(video)
    fitting = [output for output in outputs if output["VideoDescription"]["Height"] <= own]
    if not fitting:
        fitting = outputs[:1]
        # H.264 with 4:2:0 has even sides only.
        fitting[0]["VideoDescription"]["Height"] = own - own % 2
        fitting[0]["NameModifier"] = f"_{own - own % 2}p"
    if probe.is_upright(video):
        for output in fitting:
            output["VideoDescription"]["Width"] = output["VideoDescription"].pop("Height")
    return fitting
