"""Deploys a template of examples/lambda to ministack, an emulator that enforces IAM and signatures.

The template stays as it is but for what the emulator runs: functions become custom runtimes whose `bootstrap` is
`cargo xtask invoke --runtime-api`, so that they run as in the other tests.
"""

import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

import boto3
from common import EXAMPLES, ROOT, zip_of

class Emulator:
    """A server. Its clients are those of the account's root; functions have the credentials of their roles."""

    def __init__(self, **variables):
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name, "log")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        names = ["AWS_SESSION_TOKEN", "AWS_PROFILE"]
        env = {name: value for name, value in os.environ.items() if name not in names}
        env.update(
            AUTH="true",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_ENDPOINT_URL=self.url,
            BIND_HOST="127.0.0.1",
            EDGE_PORT=str(port),
            GATEWAY_PORT=str(port),
            LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.1",
            LAMBDA_EXECUTOR="local",
            TMPDIR=self.folder.name,
            **variables,
        )
        with open(self.log, "w") as log:
            # It ends with the tests, however they end.
            command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "ministack"]
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        wait_for("the emulator's answer", lambda: self.client("sts").get_caller_identity(), ignoring=Exception)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def client(self, service, **own):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **own}
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", **keys)

    def publish(self, layer):
        """Publishes a layer of dist/; returns its ARN."""
        content = {"ZipFile": zip_of(layer).read_bytes()}
        return self.client("lambda").publish_layer_version(LayerName=layer, Content=content)["LayerVersionArn"]

    def deploy(self, example, template, parameters=None):
        """Deploys a template; returns the stack's outputs."""
        s3, folder = self.client("s3"), EXAMPLES / example
        example = folder.name
        s3.create_bucket(Bucket=f"{example}-code")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            tool = ROOT / "target/debug/xtask"
            archive.writestr(
                entry, f'#!/bin/sh\nexec {tool} invoke {folder} --runtime-api "$AWS_LAMBDA_RUNTIME_API"\n'
            )
        s3.put_object(Bucket=f"{example}-code", Key="code.zip", Body=code.getvalue())
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = {"Bucket": f"{example}-code", "Key": "code.zip"}
        template["Globals"]["Function"]["Runtime"] = "provided.al2023"
        layers = tomllib.loads((folder / "function.toml").read_text())["layers"]
        names = ["LayerArn"] if len(layers) == 1 else [f"{layer.capitalize()}LayerArn" for layer in layers]
        parameters = {**dict(zip(names, map(self.publish, layers))), **(parameters or {})}
        stacks = self.client("cloudformation")
        stacks.create_stack(
            StackName=example,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

        def stack():
            found = stacks.describe_stacks(StackName=example)["Stacks"][0]
            if "FAILED" in found["StackStatus"] or "ROLLBACK" in found["StackStatus"]:
                events = stacks.describe_stack_events(StackName=example)["StackEvents"]
                raise RuntimeError([event["ResourceStatusReason"] for event in events])
            return found["StackStatus"] == "CREATE_COMPLETE" and found

        outputs = wait_for("the stack", stack).get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def failed(self, stack):
        """Waits for a message in the dead-letter queue of a stack; returns its text."""
        queues = self.client("sqs")
        [url] = queues.list_queues(QueueNamePrefix=f"{stack}-Failed")["QueueUrls"]
        messages = wait_for("the message", lambda: queues.receive_message(QueueUrl=url).get("Messages"))
        return messages[0]["Body"]


def wait_for(what, ask, seconds=60, ignoring=()):
    """Asks until there is an answer that is not false."""
    end = time.monotonic() + seconds
    while True:
        try:
            if answer := ask():
                return answer
        except ignoring:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"{what} has not come within {seconds} s")
        time.sleep(0.1)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
