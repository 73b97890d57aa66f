"""Returns the tracks of a media file in S3. MediaInfo reads the file by URL, without downloading it."""

import os

import boto3
from botocore.config import Config
from pymediainfo import MediaInfo

# SigV4 everywhere: in us-east-1, boto3 would presign with the old SigV2, which fails for objects under KMS.
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


def handler(event, context):
    """The event names the object: {"bucket": …, "key": …}. What it leaves out comes from the environment."""
    bucket = event.get("bucket") or os.environ["BUCKET_NAME"]
    key = event.get("key") or os.environ["S3_KEY"]
    # A missing or forbidden object fails here, with its status and without a URL in the message.
    s3.head_object(Bucket=bucket, Key=key)
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=300)
    try:
        # The report shows the key in place of the URL, which holds a signature.
        report = MediaInfo.parse(url, mediainfo_options={"File_FileName": key})
    except (OSError, RuntimeError):
        # The original message holds the whole URL.
        raise RuntimeError(f"MediaInfo cannot read s3://{bucket}/{key}") from None
    return {"bucket": bucket, "key": key, "tracks": report.to_data()["tracks"]}
