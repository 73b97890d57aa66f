"""Runs the function of examples/function-compute with `cargo xtask invoke`, against stand-ins of OSS and Table Store.

Both verify signatures with code of Alibaba's own SDKs (aliyun.py); neither knows policies.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import xml.etree.ElementTree as xml
from pathlib import Path

import yaml
from alibabacloud_fc20230330 import models
from common import EXAMPLES, FIXTURES, KEYS, SECRETS, TOKEN, Example, tone

FOLDER = EXAMPLES / "function-compute/mediainfo-to-tablestore"


class MediainfoToTablestore(Example):
    example = "function-compute/mediainfo-to-tablestore"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        content = (FIXTURES / "tone.wav").read_bytes()
        for key, body in [*((key, content) for key in KEYS), ("cut.wav", content[:1000])]:
            Path(folder.name, hashlib.sha256(key.encode()).hexdigest()).write_bytes(body)
        command = [sys.executable, Path(__file__).with_name("aliyun.py"), "STS.id", "secret", TOKEN, folder.name]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.address = server.stdout.readline().strip()
        os.environ.update(
            ALIBABA_CLOUD_ACCESS_KEY_ID="STS.id",
            ALIBABA_CLOUD_ACCESS_KEY_SECRET="secret",
            ALIBABA_CLOUD_SECURITY_TOKEN=TOKEN,
            OSS_ENDPOINT=self.address,
            TABLESTORE_ENDPOINT=self.address,
            TABLESTORE_INSTANCE="instance",
            TABLE_NAME="TechnicalMetadata",
        )

    def rows(self):
        with urllib.request.urlopen(self.address + "/rows") as answer:
            text = answer.read().decode()
        self.assertNotRegex(text, SECRETS)
        return {key: row["technicalMetadata"] for key, row in json.loads(text).items()}

    def event(self, *keys):
        [record] = self.sample("upload.json")["events"]
        return {"events": [{**record, "oss": {**record["oss"], "object": {"key": key}}} for key in keys]}

    def test_the_sample_event_twice(self):
        event = self.sample("upload.json")
        self.assertEqual(self.invoke(event, event)[0], [{"stored": ["tone.wav"]}] * 2)
        [report] = self.rows().values()
        spaces = {"m": "https://mediaarea.net/mediainfo"}
        report = xml.fromstring(report)
        audio = report.find("m:media/m:track[@type='Audio']", spaces)
        self.assertEqual(int(audio.findtext("m:SamplingRate", namespaces=spaces)), tone()[0])
        self.assertEqual(report.find("m:media", spaces).get("ref"), "tone.wav")

    def test_any_key(self):
        self.assertEqual(self.invoke(self.event(*KEYS))[0], [{"stored": KEYS}])
        self.assertEqual(sorted(self.rows()), sorted(KEYS))

    def test_one_of_two_objects_is_missing(self):
        [result], _ = self.invoke(self.event("missing.wav", "tone.wav"))
        self.assertEqual(result["errorMessage"], "oss://media/missing.wav: OSS answers 404")
        self.assertEqual(list(self.rows()), ["tone.wav"])

    def test_a_truncated_file_has_a_report(self):
        self.assertEqual(self.invoke(self.event("cut.wav"))[0], [{"stored": ["cut.wav"]}])

    def test_wrong_credentials_are_refused(self):
        [result], _ = self.invoke(self.event("tone.wav"), ALIBABA_CLOUD_ACCESS_KEY_SECRET="wrong")
        self.assertEqual(result["errorMessage"], "oss://media/tone.wav: OSS answers 403")
        self.assertEqual(self.rows(), {})


class Settings(unittest.TestCase):
    """s.yaml has no schema that can be had; most of its keys are those of the SDK's requests."""

    def test_the_keys_are_those_of_the_sdk(self):
        props = yaml.safe_load((FOLDER / "s.yaml").read_text())["resources"]["function"]["props"]
        # What Serverless Devs adds to the request.
        own = {"region", "code", "triggers", "asyncInvokeConfig"}
        self.assertLessEqual(set(props) - own, names(models.CreateFunctionInput))
        self.assertLessEqual(set(props["asyncInvokeConfig"]), names(models.PutAsyncInvokeConfigInput))
        for trigger in props["triggers"]:
            self.assertLessEqual(set(trigger), names(models.CreateTriggerInput))
            self.assertLessEqual(set(trigger["triggerConfig"]), names(models.OSSTriggerConfig))

    def test_a_misspelt_key_is_seen(self):
        self.assertNotIn("memorysize", names(models.CreateFunctionInput))


def names(model):
    """The keys of a request, as the SDK writes them."""
    attributes = [name for name in vars(model()) if not name.startswith("_")]
    parts = [name.split("_") for name in attributes]
    return {first + "".join(word.capitalize() for word in rest) for first, *rest in parts}
