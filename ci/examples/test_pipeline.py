"""Deploys examples/lambda/media-pipeline to an emulator, and uploads what people upload."""

import json
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from common import EXAMPLES, FIXTURES, SECRETS, read, without, zip_of
from deployed import Emulator, wait_for
from mediaconvert import MediaConvert

EXAMPLE = "lambda/media-pipeline"


class Pipeline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.convert = MediaConvert()
        cls.addClassCleanup(cls.convert.stop)
        cls.emulator = Emulator(AWS_ENDPOINT_URL_MEDIACONVERT=cls.convert.url)
        cls.addClassCleanup(cls.emulator.stop)
        cls.s3 = cls.emulator.client("s3")
        template = read(EXAMPLE)
        # Nobody but AWS may send events whose source begins with `aws.`, and the emulator has no MediaConvert.
        template["Resources"]["EndedRule"]["Properties"]["EventPattern"]["source"].append("test.mediaconvert")
        cls.outputs = cls.emulator.deploy(EXAMPLE, template)
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)
        # The layer's own ffmpeg makes films that the fixtures lack.
        with zipfile.ZipFile(zip_of("ffmpeg")) as archive:
            cls.ffmpeg = Path(archive.extract("bin/ffmpeg", cls.work.name))
        cls.ffmpeg.chmod(0o755)

    def tearDown(self):
        self.assertNotRegex(self.emulator.log.read_text(), SECRETS)
        self.assertEqual(self.convert.problems, [])

    def film(self, *words):
        """The film of the fixtures, copied with other words."""
        result = Path(self.work.name, "made.mp4")
        source = FIXTURES / "moov-front.mp4"
        command = [self.ffmpeg, "-v", "error", "-y", *words, "-i", source, "-c", "copy", result]
        subprocess.run(command, check=True)
        return result.read_bytes()

    def upload(self, name, content):
        self.s3.put_object(Bucket=self.outputs["BucketName"], Key=f"inputs/{name}", Body=content)

    def delivered(self, key):
        """Waits for what is delivered under a key."""
        bucket, missing = self.outputs["DeliveryBucketName"], self.s3.exceptions.NoSuchKey
        get = lambda: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()  # noqa: E731
        return wait_for(key, get, ignoring=missing)

    def job(self, name):
        jobs = lambda: [job for job in self.convert.jobs.values() if job["userMetadata"]["key"] == f"inputs/{name}"]  # noqa: E731
        [job] = wait_for("the job", jobs)
        return job["settings"]

    def kept(self, name):
        keys = lambda: self.s3.list_objects_v2(Bucket=self.outputs["BucketName"], Prefix="original/").get("Contents", [])  # noqa: E731
        return wait_for("the original", lambda: [entry for entry in keys() if entry["Key"] == f"original/{name}"])

    def test_a_film(self):
        name = "a folder/Film & 电影 +1.mp4"
        content = self.film("-stream_loop", "4")
        self.upload(name, content)
        settings = self.job(name)
        self.assertTrue(settings["inputs"][0]["fileInput"].endswith(f"/original/{name}"))
        [output] = settings["outputGroups"][0]["outputs"]
        # The film has 160 x 120 pixels: nothing is made larger.
        self.assertEqual((output["nameModifier"], output["videoDescription"]["height"]), ("_120p", 120))
        report = json.loads(self.delivered("json/a folder/Film & 电影 +1.json"))
        self.assertNotRegex(json.dumps(report), SECRETS)
        self.assertEqual(report["media"]["@ref"], f"inputs/{name}")
        self.assertEqual(size_of(self.delivered("thumbnail/a folder/Film & 电影 +1.jpg")), (160, 120))
        self.kept(name)
        before = len(self.convert.jobs)
        self.upload(name, content)
        self.upload("after.mp4", content)
        self.job("after.mp4")
        self.assertEqual(len(self.convert.jobs), before + 1, "the same upload twice makes one job")

    def test_a_short_film_that_was_held_upright(self):
        self.upload("upright.mp4", self.film("-display_rotation", "90"))
        [output] = self.job("upright.mp4")["outputGroups"][0]["outputs"]
        self.assertEqual(output["videoDescription"]["width"], 120)
        self.assertNotIn("height", output["videoDescription"])
        self.assertEqual(size_of(self.delivered("thumbnail/upright.jpg")), (120, 160))

    def test_sound(self):
        mp3 = (FIXTURES / "tone.mp3").read_bytes()
        self.upload("tone.mp3", mp3)
        self.assertEqual(self.delivered("audiovideo/tone.mp3"), mp3)
        self.upload("tone.wav", (FIXTURES / "tone.wav").read_bytes())
        [output] = self.job("tone.wav")["outputGroups"][0]["outputs"]
        self.assertNotIn("videoDescription", output)

    def test_captions(self):
        text = "1\n00:00:01,000 --> 00:00:02,000\nGrüße 电影\n"
        for encoding in ["utf-8", "utf-8-sig", "utf-16"]:
            self.upload(f"{encoding}.srt", text.encode(encoding))
        self.upload("cp1252.srt", text.replace(" 电影", "").encode("cp1252"))
        for encoding in ["utf-8", "utf-8-sig", "utf-16", "cp1252"]:
            result = self.delivered(f"closed-caption/{encoding}.vtt").decode()
            self.assertIn("00:01.000 --> 00:02.000\nGrüße", result, encoding)
            self.kept(f"{encoding}.srt")

    def test_what_is_no_media_fails_and_chunks_are_left_alone(self):
        self.upload("film.mp4.CHUNK3", b"part of a film")
        self.upload("text.bin", b"no media at all\n" * 100)
        wait_for("the failure", lambda: "inputs/text.bin: MediaInfo finds neither" in self.emulator.log.read_text())
        self.assertNotIn("CHUNK3:", self.emulator.log.read_text())

    def test_when_a_job_ends_the_topic_tells(self):
        queues = self.emulator.client("sqs")
        queue = queues.create_queue(QueueName="told")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        queues.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        topic = self.outputs["TopicArn"]
        self.emulator.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        for status in ["PROGRESSING", "COMPLETE"]:
            event = {"Source": "test.mediaconvert", "DetailType": "MediaConvert Job State Change"}
            detail = json.dumps({"status": status})
            answer = self.emulator.client("events").put_events(Entries=[{**event, "Detail": detail}])
            self.assertEqual(answer["FailedEntryCount"], 0, answer)
        messages = wait_for("the message", lambda: queues.receive_message(QueueUrl=queue).get("Messages"))
        self.assertEqual(len(messages), 1)
        self.assertIn("COMPLETE", messages[0]["Body"])


class Rights(unittest.TestCase):
    def test_each_is_needed(self):
        refusals = {
            "s3:GetObject": r"inputs/tone.mp3: .*\(403\) when calling the HeadObject operation",
            "s3:PutObject": r"inputs/tone.mp3: .*\(AccessDenied\) when calling the PutObject operation",
        }
        for action, refusal in refusals.items():
            with self.subTest(action):
                emulator = Emulator()
                self.addCleanup(emulator.stop)
                outputs = emulator.deploy(EXAMPLE, without(EXAMPLE, action))
                body = (FIXTURES / "tone.mp3").read_bytes()
                emulator.client("s3").put_object(Bucket=outputs["BucketName"], Key="inputs/tone.mp3", Body=body)
                wait_for("the refusal", lambda: re.search(refusal, emulator.log.read_text()))


    def test_jobs_may_be_ordered(self):
        """MediaConvert's stand-in knows no roles, so the emulator is asked what the function's role allows."""
        emulator = Emulator()
        self.addCleanup(emulator.stop)
        emulator.deploy(EXAMPLE, read(EXAMPLE))
        client = emulator.client("iam")
        [role] = [role["Arn"] for role in client.list_roles()["Roles"] if "FunctionRole" in role["RoleName"]]
        for action, wanted in [("CreateJob", "allowed"), ("DeleteQueue", "implicitDeny")]:
            answer = client.simulate_principal_policy(
                PolicySourceArn=role,
                ActionNames=[f"mediaconvert:{action}"],
                ResourceArns=[f"arn:aws:mediaconvert:us-east-1:{role.split(':')[4]}:queues/Default"],
            )
            self.assertEqual(answer["EvaluationResults"][0]["EvalDecision"], wanted)


class Sizes(unittest.TestCase):
    """What is ordered for films that are too large to be fixtures."""

    @classmethod
    def setUpClass(cls):
        variables = {"DELIVERY_BUCKET": "delivery", "AWS_DEFAULT_REGION": "us-east-1"}
        patch = mock.patch.dict("os.environ", variables)
        patch.start()
        cls.addClassCleanup(patch.stop)
        sys.path.insert(0, str(EXAMPLES / EXAMPLE))
        cls.addClassCleanup(sys.path.remove, str(EXAMPLES / EXAMPLE))
        import storage
        import transcode

        cls.media, cls.transcode = storage.Media("media", "inputs/film.mov"), transcode

    def ordered(self, width, height, rotation="0"):
        video = {"Width": str(width), "Height": str(height), "Rotation": rotation}
        [group] = self.transcode.settings(self.media, video, True)["OutputGroups"]
        sizes = [(output["NameModifier"], output["VideoDescription"]) for output in group["Outputs"]]
        return {name: (video.get("Width"), video.get("Height")) for name, video in sizes}

    def test_none_is_above_the_source(self):
        self.assertEqual(list(self.ordered(3840, 2160)), ["_360p", "_480p", "_720p", "_1080p"])
        self.assertEqual(self.ordered(1920, 1080)["_1080p"], (None, 1080))
        self.assertEqual(list(self.ordered(1280, 720)), ["_360p", "_480p", "_720p"])
        self.assertEqual(self.ordered(321, 241), {"_240p": (None, 240)})

    def test_upright_films_have_their_number_as_their_width(self):
        self.assertEqual(self.ordered(1080, 1920)["_1080p"], (1080, None))
        self.assertEqual(self.ordered(1920, 1080, "90.000")["_1080p"], (1080, None))
        self.assertEqual(self.ordered(1080, 1920, "270.000")["_1080p"], (None, 1080))
        self.assertEqual(self.ordered(1920, 1080, "180.000")["_1080p"], (None, 1080))

    def test_names(self):
        names = {"inputs/a.b/c.MP4": ("a.b/c", "mp4"), "inputs/a.b/c": ("a.b/c", ""), "inputs/.mp4": (".mp4", "")}
        for key, wanted in names.items():
            media = type(self.media)("media", key)
            self.assertEqual((media.name, media.extension), wanted)


def size_of(jpg):
    """Width and height of a JPG, from its frame header."""
    at = 2
    while jpg[at + 1] not in (0xC0, 0xC2):
        at += 2 + struct.unpack(">H", jpg[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", jpg[at + 5 : at + 9])
    return width, height


if __name__ == "__main__":
    unittest.main()
