"""What the tests of all examples share: `cargo xtask invoke`, and the truth about a fixture."""

import json
import os
import platform
import re
import subprocess
import tempfile
import unittest
import wave
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "xtask/fixtures"
EXAMPLES = ROOT / "examples"
TOKEN = "Token" + "x" * 1995
# What only a presigned URL or a signed request holds.
SECRETS = re.compile(
    r"x-(amz|oss)-(signature|credential|security-token)|[?&]Signature=|Authorization|" + TOKEN, re.IGNORECASE
)
KEYS = [
    "tone.wav",
    "a folder/with  spaces.wav",
    "1+1=2.wav",
    "100%25 %41.wav",
    "rock & roll.wav",
    "it's a \"quoted\" name.wav",
    "Tür mit Umlauten äöüß.wav",
    "电影/声音.wav",
    "/a leading slash.wav",
    "k" * 1020 + ".wav",
]
for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]:
    os.environ.pop(name, None)


def zip_of(layer):
    """The zip of a layer in dist/ for this machine, of its newest version."""
    arch = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    files = list((ROOT / "dist").glob(f"{layer}-*-{arch}.zip"))
    if not files:
        raise FileNotFoundError(f"dist/ has no zip of {layer}: run `cargo xtask build-layer {layer}`")
    return max(files, key=lambda file: [int(number) for number in file.name.split("-")[1].split(".")])


def tone():
    """Samples per second, channels and seconds of tone.wav."""
    with wave.open(str(FIXTURES / "tone.wav")) as file:
        return file.getframerate(), file.getnchannels(), file.getnframes() / file.getframerate()


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as what they stand for."""


def short_form(loader, name, node):
    value = loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else loader.construct_scalar(node)
    if name == "GetAtt":
        value = value.split(".", 1)
    return {name if name == "Ref" else f"Fn::{name}": value}


Loader.add_multi_constructor("!", short_form)


def read(example):
    """The template of an example of Lambda."""
    return yaml.load((EXAMPLES / example / "template.yaml").read_text(), Loader)


def without(example, action):
    """The template without the statement that allows an action."""
    template = read(example)
    [policy] = template["Resources"]["Function"]["Properties"]["Policies"]
    kept = [statement for statement in policy["Statement"] if statement["Action"] != action]
    assert len(kept) == len(policy["Statement"]) - 1, f"{example} has no statement for {action}"
    policy["Statement"] = kept
    return template


class Example(unittest.TestCase):
    """A function; `example` is its folder."""

    def invoke(self, *events, **environment):
        """What the function returns for each event, and its log, after a look for secrets in both."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        command = [ROOT / "target/debug/xtask", "invoke", EXAMPLES / self.example]
        for number, event in enumerate(events):
            file = Path(folder.name, f"{number}.json")
            file.write_text(json.dumps(event))
            command += ["--event", file]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
        self.assertNotRegex(done.stdout + done.stderr, SECRETS)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(results), len(events), done.stderr)
        failed = any("errorType" in result for result in results if isinstance(result, dict))
        self.assertEqual(done.returncode, int(failed), done.stderr)
        return results, done.stderr

    def sample(self, name):
        return json.loads((EXAMPLES / self.example / "events" / name).read_text())
