"""Adds ffprobe's description of the streams to every new item of a table that names an object in S3."""

import json
import os
import subprocess
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
from_wire = TypeDeserializer().deserialize


def handler(event, context):
    """Handles records of a stream in their order. The first that fails is reported; Lambda goes on from there."""
    for record in event["Records"]:
        if record["eventName"] != "INSERT":
            continue
        item = {name: from_wire(value) for name, value in record["dynamodb"]["Keys"].items()}
        bucket, key = item["bucket"], item["key"]
        try:
            store(item, streams(bucket, key))
        except Exception as error:  # noqa: BLE001 - what fails is for Lambda to try again
            print(f"s3://{bucket}/{key}: {error}")
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def streams(bucket, key):
    """What ffprobe says of an object's streams. DynamoDB knows no floats, so numbers are decimals."""
    s3.head_object(Bucket=bucket, Key=key)
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=300)
    command = ["/opt/bin/ffprobe", "-loglevel", "error", "-show_streams", "-print_format", "json", url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        # ffprobe's messages hold the URL and so its signature.
        raise RuntimeError(f"ffprobe ended with {done.returncode}: {done.stderr.replace(url, key).strip()}")
    return json.loads(done.stdout, parse_float=Decimal)


def store(item, output):
    """Adds the output to the item, unless the item has been deleted in the meantime."""
    try:
        table.update_item(
            Key=item,
            UpdateExpression="SET ffprobe_output = :output",
            ExpressionAttributeValues={":output": output},
            ConditionExpression=Attr("key").exists(),
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        pass
