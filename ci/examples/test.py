"""Runs the handlers of examples/lambda with the layers at /opt, against moto as S3 and DynamoDB.

moto checks neither signatures nor policies, so this shows nothing about either.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
import unittest
import wave
import xml.etree.ElementTree as xml
from decimal import Decimal
from pathlib import Path
from unittest import mock
from urllib.parse import quote_plus

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "xtask/fixtures"
TOKEN = "Token" + "x" * 1995
# What only a presigned URL holds.
SECRETS = re.compile(r"X-Amz-(Signature|Credential|Security-Token)|[?&]Signature=|" + TOKEN, re.IGNORECASE)
KEYS = [
    "tone.wav",
    "a folder/with  spaces.wav",
    "1+1=2.wav",
    "100%25 %41.wav",
    "rock & roll.wav",
    "it's a \"quoted\" name.wav",
    "Tür mit Umlauten äöüß.wav",
    "电影/声音.wav",
    "k" * 1020 + ".wav",
]
os.environ.update(
    AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY="secret",
    AWS_SESSION_TOKEN=TOKEN,
    AWS_DEFAULT_REGION="us-east-1",
    TABLE_NAME="table",
)
for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]:
    os.environ.pop(name, None)
sys.dont_write_bytecode = True
sys.path.insert(0, "/opt/python")

import boto3  # noqa: E402 - the environment comes first


def setUpModule():
    log = tempfile.NamedTemporaryFile("w", suffix=".log")
    unittest.addModuleCleanup(log.close)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    unittest.addModuleCleanup(server.wait)
    unittest.addModuleCleanup(server.kill)
    # The server prints its address once it listens.
    end = time.monotonic() + 30
    while not (found := re.search(r"http://127\.0\.0\.1:\d+", Path(log.name).read_text())):
        if time.monotonic() > end:
            raise RuntimeError("moto does not start: " + Path(log.name).read_text())
        time.sleep(0.05)
    os.environ["AWS_ENDPOINT_URL"] = found.group()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="media")
    for key in KEYS:
        s3.upload_file(FIXTURES / "tone.wav", "media", key)
    s3.put_object(Bucket="media", Key="empty.mp3", Body=b"")
    s3.put_object(Bucket="media", Key="text.txt", Body=b"no media at all\n" * 100)


def load(example):
    """The module of an example, loaded anew: its clients are made for the server that runs now."""
    spec = importlib.util.spec_from_file_location(example, ROOT / "examples/lambda" / example / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tone():
    with wave.open(str(FIXTURES / "tone.wav")) as file:
        return file.getframerate(), file.getnchannels(), file.getnframes() / file.getframerate()


class Example(unittest.TestCase):
    table_key = None

    def setUp(self):
        if self.table_key:
            database = boto3.resource("dynamodb")
            self.table = database.create_table(
                TableName="table",
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in self.table_key],
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind} for name, kind in zip(self.table_key, ["HASH", "RANGE"])
                ],
            )
            self.addCleanup(self.table.delete)
        self.app = load(self.example)

    def run_handler(self, event):
        """What the handler returns, after a look for secrets in that and in its log."""
        log = io.StringIO()
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            result = self.app.handler(event, None)
        self.assertNotRegex(json.dumps(result, default=str) + log.getvalue(), SECRETS)
        return result, log.getvalue()

    def fails(self, event, message):
        """The handler fails with such a message, without a secret anywhere in what Lambda would log."""
        with self.assertRaisesRegex(Exception, message) as caught:
            self.app.handler(event, None)
        self.assertNotRegex("".join(traceback.format_exception(caught.exception)), SECRETS)


class Pymediainfo(Example):
    example = "pymediainfo"

    def test_the_sample_event(self):
        result, _ = self.run_handler(json.loads((ROOT / "examples/lambda/pymediainfo/events/object.json").read_text()))
        general, audio = result["tracks"]
        self.assertEqual(general["complete_name"], "tone.wav")
        self.assertEqual((audio["sampling_rate"], audio["channel_s"], audio["duration"] / 1000), tone())

    def test_the_object_of_the_environment(self):
        with mock.patch.dict(os.environ, BUCKET_NAME="media", S3_KEY="tone.wav"):
            self.assertEqual(self.run_handler({})[0]["key"], "tone.wav")

    def test_any_key(self):
        for key in KEYS:
            with self.subTest(key):
                result, _ = self.run_handler({"bucket": "media", "key": key})
                self.assertEqual(result["tracks"][1]["sampling_rate"], tone()[0])

    def test_objects_that_cannot_be_read(self):
        self.fails({"bucket": "media", "key": "missing.wav"}, "404")
        self.fails({"bucket": "nobucket", "key": "tone.wav"}, "404")


class MediainfoToDynamodb(Example):
    example = "mediainfo-to-dynamodb"
    table_key = ["keyName"]

    def record(self, key):
        return {"s3": {"bucket": {"name": "media"}, "object": {"key": quote_plus(key, safe="/")}}}

    def items(self):
        items = self.table.scan()["Items"]
        self.assertNotRegex(str(items), SECRETS)
        return {item["keyName"]: item["technicalMetadata"] for item in items}

    def test_the_sample_event_twice(self):
        event = json.loads((ROOT / "examples/lambda/mediainfo-to-dynamodb/events/upload.json").read_text())
        for _ in range(2):
            self.run_handler(event)
        self.assertEqual(list(self.items()), ["tone.wav"])
        report = xml.fromstring(self.items()["tone.wav"])
        spaces = {"m": "https://mediaarea.net/mediainfo"}
        audio = report.find("m:media/m:track[@type='Audio']", spaces)
        self.assertEqual(int(audio.findtext("m:SamplingRate", namespaces=spaces)), tone()[0])
        self.assertEqual(report.find("m:media", spaces).get("ref"), "tone.wav")

    def test_any_key(self):
        self.run_handler({"Records": [self.record(key) for key in KEYS]})
        self.assertEqual(sorted(self.items()), sorted(KEYS))

    def test_one_of_two_records_fails(self):
        records = [self.record("missing.wav"), self.record("tone.wav")]
        self.fails({"Records": records}, "s3://media/missing.wav: .*404")
        self.assertEqual(list(self.items()), ["tone.wav"])

    def test_a_report_that_no_item_holds(self):
        self.app.ITEM_LIMIT = 1000
        self.fails({"Records": [self.record("tone.wav")]}, "more than an item of DynamoDB holds")
        self.assertEqual(self.items(), {})


class FfprobeFromStream(Example):
    example = "ffprobe-from-stream"
    table_key = ["bucket", "key"]

    def insert(self, key, number, put=True):
        if put:
            self.table.put_item(Item={"bucket": "media", "key": key})
        keys = {"bucket": {"S": "media"}, "key": {"S": key}}
        return {"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": number}}

    def output(self, key):
        item = self.table.get_item(Key={"bucket": "media", "key": key}).get("Item", {})
        self.assertNotRegex(str(item), SECRETS)
        return item.get("ffprobe_output")

    def test_any_key(self):
        records = [self.insert(key, str(number)) for number, key in enumerate(KEYS)]
        self.assertEqual(self.run_handler({"Records": records})[0], {"batchItemFailures": []})
        rate, channels, duration = tone()
        for key in KEYS:
            [stream] = self.output(key)["streams"]
            self.assertEqual((stream["sample_rate"], stream["channels"]), (str(rate), channels))
            self.assertAlmostEqual(Decimal(stream["duration"]), Decimal(duration), 3)

    def test_the_first_failure_is_reported(self):
        for key in ["missing.wav", "empty.mp3", "text.txt"]:
            with self.subTest(key):
                records = [self.insert("tone.wav", "1"), self.insert(key, "2"), self.insert(KEYS[1], "3")]
                result, log = self.run_handler({"Records": records})
                self.assertEqual(result, {"batchItemFailures": [{"itemIdentifier": "2"}]})
                self.assertIn(f"s3://media/{key}", log)
                self.assertIsNotNone(self.output("tone.wav"))
                self.assertIsNone(self.output(KEYS[1]))

    def test_an_item_that_was_deleted_stays_deleted(self):
        result, _ = self.run_handler({"Records": [self.insert("tone.wav", "1", put=False)]})
        self.assertEqual(result, {"batchItemFailures": []})
        self.assertIsNone(self.output("tone.wav"))

    def test_changes_are_not_new_items(self):
        record = self.insert("tone.wav", "1")
        self.run_handler({"Records": [{**record, "eventName": "MODIFY"}]})
        self.assertIsNone(self.output("tone.wav"))


if __name__ == "__main__":
    unittest.main()
