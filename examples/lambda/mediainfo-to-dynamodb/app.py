"""Stores MediaInfo's report of every object that is uploaded to a bucket."""

import os
import subprocess
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config

# An item of DynamoDB has at most 400 KB, names of attributes and key included.
ITEM_LIMIT = 400 * 1024 - 2048

s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def handler(event, context):
    """Handles an S3 event. Every record is tried; if one fails, the function fails, and Lambda tries the event again."""
    failures = []
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        try:
            # Writing the same report twice does no harm, so an event may come twice.
            table.put_item(Item={"keyName": key, "technicalMetadata": report(bucket, key)})
        except Exception as error:  # noqa: BLE001 - the other records must not suffer
            failures.append(f"s3://{bucket}/{key}: {error}")
    if failures:
        raise RuntimeError("; ".join(failures))


def report(bucket, key):
    """MediaInfo's full report of an object, as XML."""
    s3.head_object(Bucket=bucket, Key=key)
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=300)
    # The report shows the key in place of the URL, which holds a signature.
    command = ["/opt/bin/mediainfo", "--full", "--output=XML", f"--File_FileName={key}", url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"mediainfo ended with {done.returncode}: {done.stderr.replace(url, key).strip()}")
    if len(done.stdout.encode()) > ITEM_LIMIT:
        raise RuntimeError(f"the report has {len(done.stdout.encode())} bytes, more than an item of DynamoDB holds")
    return done.stdout
