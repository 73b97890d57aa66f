"""Runs the functions of examples/lambda with `cargo xtask invoke`, against moto as S3 and DynamoDB.

moto checks neither signatures nor policies; test_deployed.py has an emulator that does.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
import xml.etree.ElementTree as xml
import zipfile
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote_plus

import boto3
from common import EXAMPLES, FIXTURES, KEYS, SECRETS, TOKEN, Example, read, tone, zip_of

os.environ.update(
    AWS_ACCESS_KEY_ID="AKIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY="secret",
    AWS_SESSION_TOKEN=TOKEN,
    AWS_DEFAULT_REGION="us-east-1",
    TABLE_NAME="table",
)


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
    s3.put_object(Bucket="media", Key="cut.mp4", Body=(FIXTURES / "moov-end.mp4").read_bytes()[:5000])
    s3.put_object(Bucket="media", Key="long.mp3", Body=with_a_long_comment((FIXTURES / "tone.mp3").read_bytes()))
    # To ffprobe a .txt is text art, and so a picture.
    for key in ["text.txt", "text.md"]:
        s3.put_object(Bucket="media", Key=key, Body=b"no media at all\n" * 100)


def with_a_long_comment(mp3):
    """The file behind an ID3v2.3 tag of half a megabyte, all of which is in MediaInfo's report."""
    text = b"\0eng\0" + b"a" * 500_000
    frame = b"COMM" + len(text).to_bytes(4, "big") + b"\0\0" + text
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame + mp3


class Function(Example):
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


class Pymediainfo(Function):
    example = "lambda/pymediainfo"

    def test_the_sample_event(self):
        [result], _ = self.invoke(self.sample("object.json"))
        general, audio = result["tracks"]
        self.assertEqual(general["complete_name"], "tone.wav")
        self.assertEqual((audio["sampling_rate"], audio["channel_s"], audio["duration"] / 1000), tone())

    def test_the_object_of_the_environment(self):
        [result], _ = self.invoke({}, BUCKET_NAME="media", S3_KEY="tone.wav")
        self.assertEqual(result["key"], "tone.wav")

    def test_any_key(self):
        results, _ = self.invoke(*({"bucket": "media", "key": key} for key in KEYS))
        self.assertEqual([result["key"] for result in results], KEYS)
        for result in results:
            self.assertEqual(result["tracks"][1]["sampling_rate"], tone()[0])

    def test_without_a_layer_as_the_page_says(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        copy = Path(folder.name, "function")
        shutil.copytree(EXAMPLES / self.example, copy)
        settings = copy / "function.toml"
        settings.write_text(settings.read_text().replace('layers = ["mediainfo"]', "layers = []"))
        with zipfile.ZipFile(zip_of("mediainfo")) as layer:
            for name in layer.namelist():
                if name.startswith("python/pymediainfo/"):
                    layer.extract(name, folder.name)
        Path(folder.name, "python/pymediainfo").rename(copy / "pymediainfo")
        self.example = copy
        [result], _ = self.invoke({"bucket": "media", "key": "tone.wav"})
        self.assertEqual(result["tracks"][1]["sampling_rate"], tone()[0])

    def test_objects_that_are_no_whole_films(self):
        keys = ["text.txt", "cut.mp4"]
        for result, key in zip(self.invoke(*({"bucket": "media", "key": key} for key in keys))[0], keys):
            self.assertEqual(result["tracks"][0]["complete_name"], key)

    def test_objects_that_cannot_be_read(self):
        events = [{"bucket": "media", "key": "missing.wav"}, {"bucket": "nobucket", "key": "tone.wav"}]
        for result in self.invoke(*events)[0]:
            self.assertRegex(result["errorMessage"], "404")


class MediainfoToDynamodb(Function):
    example = "lambda/mediainfo-to-dynamodb"
    table_key = ["keyName"]

    def record(self, key):
        return {"s3": {"bucket": {"name": "media"}, "object": {"key": quote_plus(key, safe="/")}}}

    def items(self):
        items = self.table.scan()["Items"]
        self.assertNotRegex(str(items), SECRETS)
        return {item["keyName"]: item["technicalMetadata"] for item in items}

    def test_the_sample_event_twice(self):
        event = self.sample("upload.json")
        self.invoke(event, event)
        self.assertEqual(list(self.items()), ["tone.wav"])
        report = xml.fromstring(self.items()["tone.wav"])
        spaces = {"m": "https://mediaarea.net/mediainfo"}
        audio = report.find("m:media/m:track[@type='Audio']", spaces)
        self.assertEqual(int(audio.findtext("m:SamplingRate", namespaces=spaces)), tone()[0])
        self.assertEqual(report.find("m:media", spaces).get("ref"), "tone.wav")

    def test_any_key(self):
        self.invoke({"Records": [self.record(key) for key in KEYS]})
        self.assertEqual(sorted(self.items()), sorted(KEYS))

    def test_one_of_two_records_fails(self):
        [result], _ = self.invoke({"Records": [self.record("missing.wav"), self.record("tone.wav")]})
        self.assertRegex(result["errorMessage"], "s3://media/missing.wav: .*404")
        self.assertEqual(list(self.items()), ["tone.wav"])

    def test_objects_that_are_no_whole_films(self):
        keys = ["text.txt", "cut.mp4", "empty.mp3"]
        self.invoke({"Records": [self.record(key) for key in keys]})
        self.assertEqual(sorted(self.items()), sorted(keys))

    def test_a_report_that_no_item_holds(self):
        [result], _ = self.invoke({"Records": [self.record("long.mp3"), self.record("tone.wav")]})
        self.assertRegex(result["errorMessage"], "s3://media/long.mp3: .* more than an item of DynamoDB holds")
        self.assertEqual(list(self.items()), ["tone.wav"])


class FfprobeFromStream(Function):
    example = "lambda/ffprobe-from-stream"
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

    def test_the_sample_event(self):
        self.insert("tone.wav", "111")
        self.assertEqual(self.invoke(self.sample("insert.json"))[0], [{"batchItemFailures": []}])
        self.assertIsNotNone(self.output("tone.wav"))

    def test_any_key(self):
        records = [self.insert(key, str(number)) for number, key in enumerate(KEYS)]
        self.assertEqual(self.invoke({"Records": records})[0], [{"batchItemFailures": []}])
        rate, channels, duration = tone()
        for key in KEYS:
            [stream] = self.output(key)["streams"]
            self.assertEqual((stream["sample_rate"], stream["channels"]), (str(rate), channels))
            self.assertAlmostEqual(Decimal(stream["duration"]), Decimal(duration), 3)

    def test_the_first_failure_is_reported(self):
        for key in ["missing.wav", "empty.mp3", "text.md", "cut.mp4"]:
            with self.subTest(key):
                records = [self.insert("tone.wav", "1"), self.insert(key, "2"), self.insert(KEYS[1], "3")]
                [result], log = self.invoke({"Records": records})
                self.assertEqual(result, {"batchItemFailures": [{"itemIdentifier": "2"}]})
                self.assertIn(f"s3://media/{key}", log)
                self.assertIsNotNone(self.output("tone.wav"))
                self.assertIsNone(self.output(KEYS[1]))

    def test_an_item_that_was_deleted_stays_deleted(self):
        [result], _ = self.invoke({"Records": [self.insert("tone.wav", "1", put=False)]})
        self.assertEqual(result, {"batchItemFailures": []})
        self.assertIsNone(self.output("tone.wav"))

    def test_changes_are_not_new_items(self):
        record = self.insert("tone.wav", "1")
        self.invoke({"Records": [{**record, "eventName": "MODIFY"}]})
        self.assertIsNone(self.output("tone.wav"))


class Templates(unittest.TestCase):
    def test_they_say_the_same_as_the_settings(self):
        for settings in (EXAMPLES / "lambda").glob("*/function.toml"):
            with self.subTest(settings.parent.name):
                function = tomllib.loads(settings.read_text())
                template = read(settings.parent.relative_to(EXAMPLES))
                own = template["Resources"]["Function"]["Properties"]
                shared = template["Globals"]["Function"]
                self.assertEqual(own["Handler"], function["handler"])
                self.assertEqual(list(own["Environment"]["Variables"]), function["environment"])
                wanted = (function["runtime"], function["memory"], function["timeout"])
                self.assertEqual((shared["Runtime"], shared["MemorySize"], shared["Timeout"]), wanted)
