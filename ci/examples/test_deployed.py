"""Deploys the templates of examples/lambda to an emulator, and lets its events start the functions.

It enforces IAM and signatures, so the roles and policies of the templates must be sufficient. That each of their
statements is needed is shown by taking it away.
"""

import json
import unittest
import xml.etree.ElementTree as xml

from common import FIXTURES, SECRETS, read, tone, without
from deployed import Emulator, wait_for


READ_REFUSED = "(403) when calling the HeadObject operation"


def refused(action):
    """How the SDK says that DynamoDB has refused an action."""
    return f"(AccessDeniedException) when calling the {action} operation"


class Deployed(unittest.TestCase):
    def setUp(self):
        self.emulator = Emulator()
        self.addCleanup(self.emulator.stop)
        self.s3 = self.emulator.client("s3")
        self.tables = self.emulator.client("dynamodb")

    def tearDown(self):
        self.assertNotRegex(self.emulator.log.read_text(), SECRETS)

    def upload(self, bucket):
        self.s3.put_object(Bucket=bucket, Key="tone.wav", Body=(FIXTURES / "tone.wav").read_bytes())


class MediainfoToDynamodb(Deployed):
    example = "lambda/mediainfo-to-dynamodb"

    def item(self):
        key = {"keyName": {"S": "tone.wav"}}
        return self.tables.get_item(TableName="TechnicalMetadata", Key=key).get("Item")

    def test_an_upload_gives_an_item(self):
        outputs = self.emulator.deploy(self.example, read(self.example))
        self.upload(outputs["BucketName"])
        text = wait_for("the item", self.item)["technicalMetadata"]["S"]
        self.assertNotRegex(text, SECRETS)
        spaces = {"m": "https://mediaarea.net/mediainfo"}
        audio = xml.fromstring(text).find("m:media/m:track[@type='Audio']", spaces)
        self.assertEqual(int(audio.findtext("m:SamplingRate", namespaces=spaces)), tone()[0])

    def test_without_the_right_to_read_nothing_is_written(self):
        outputs = self.emulator.deploy(self.example, without(self.example, "s3:GetObject"))
        self.upload(outputs["BucketName"])
        message = self.emulator.failed("mediainfo-to-dynamodb")
        self.assertNotRegex(message, SECRETS)
        self.assertIn(READ_REFUSED, json.loads(message)["responsePayload"]["errorMessage"])
        self.assertIsNone(self.item())

    def test_without_the_right_to_write_nothing_is_written(self):
        outputs = self.emulator.deploy(self.example, without(self.example, "dynamodb:PutItem"))
        self.upload(outputs["BucketName"])
        wait_for("the failure", lambda: refused("PutItem") in self.emulator.log.read_text())
        self.assertIsNone(self.item())


class FfprobeFromStream(Deployed):
    example = "lambda/ffprobe-from-stream"

    def insert(self, outputs):
        self.upload(outputs["BucketName"])
        self.key = {"bucket": {"S": outputs["BucketName"]}, "key": {"S": "tone.wav"}}
        self.tables.put_item(TableName=outputs["TableName"], Item=self.key)
        self.table = outputs["TableName"]

    def output(self):
        return self.tables.get_item(TableName=self.table, Key=self.key)["Item"].get("ffprobe_output")

    def test_an_item_gets_its_streams(self):
        self.insert(self.emulator.deploy(self.example, read(self.example)))
        output = wait_for("the output", self.output)
        self.assertNotRegex(json.dumps(output), SECRETS)
        [stream] = output["M"]["streams"]["L"]
        self.assertEqual(stream["M"]["sample_rate"]["S"], str(tone()[0]))

    def test_without_a_right_nothing_is_written(self):
        for number, (action, sign) in enumerate([
            ("s3:GetObject", READ_REFUSED),
            ("dynamodb:UpdateItem", refused("UpdateItem")),
        ]):
            with self.subTest(action):
                if number:
                    self.emulator.stop()
                    self.setUp()
                self.insert(self.emulator.deploy(self.example, without(self.example, action)))
                wait_for("the failure", lambda: sign in self.emulator.log.read_text())
                self.assertIsNone(self.output())


class Pymediainfo(Deployed):
    example = "lambda/pymediainfo"

    def call(self, template):
        self.s3.create_bucket(Bucket="films")
        self.upload("films")
        outputs = self.emulator.deploy(self.example, template, {"BucketName": "films", "S3Key": "tone.wav"})
        answer = self.emulator.client("lambda").invoke(FunctionName=outputs["FunctionName"], Payload=b"{}")
        text = answer["Payload"].read().decode()
        self.assertNotRegex(text, SECRETS)
        return json.loads(text)

    def test_a_call_returns_the_tracks(self):
        self.assertEqual(self.call(read(self.example))["tracks"][1]["sampling_rate"], tone()[0])

    def test_without_the_right_to_read_it_fails(self):
        self.assertIn(READ_REFUSED, self.call(without(self.example, "s3:GetObject"))["errorMessage"])
