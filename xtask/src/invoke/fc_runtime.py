"""Calls a function as Function Compute does: handler(event as bytes, context). Events come from `cargo xtask invoke`."""

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback


class Credentials:
    """The STS credentials of the function's role."""

    def __init__(self):
        self.access_key_id = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
        self.access_key_secret = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
        self.security_token = os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", "")


class FunctionMeta:
    """What the function is configured with: memory in MB, timeout in seconds."""

    def __init__(self):
        self.name = os.environ["FC_FUNCTION_NAME"]
        self.handler = os.environ["FC_FUNCTION_HANDLER"]
        self.memory = int(os.environ["FC_FUNCTION_MEMORY_SIZE"])
        self.timeout = int(os.environ["FC_FUNCTION_TIMEOUT"])


class Context:
    """What a handler is told beside its event."""

    def __init__(self, request_id):
        self.request_id = self.requestId = request_id
        self.credentials = Credentials()
        self.function = FunctionMeta()
        self.region = os.environ["FC_REGION"]
        self.account_id = os.environ["FC_ACCOUNT_ID"]

    def get_logger(self):
        return logging.getLogger()


class Formatter(logging.Formatter):
    converter = time.gmtime
    request_id = ""

    def format(self, record):
        return f"{self.formatTime(record)} {self.request_id} [{record.levelname}] {record.getMessage()}"


def main(handler):
    formatter = Formatter()
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(formatter)
    logging.getLogger().addHandler(output)
    logging.getLogger().setLevel(logging.INFO)
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    # No variable that Function Compute does not have.
    del os.environ["AWS_LAMBDA_RUNTIME_API"]
    sys.path.insert(0, os.getcwd())
    module, name = handler.rsplit(".", 1)
    try:
        function = getattr(importlib.import_module(module.replace("/", ".")), name)
    except Exception as error:  # noqa: BLE001 - it is reported
        ask(api, "POST", "init/error", failure(error))
        sys.exit(1)
    while True:
        request_id, event = ask(api, "GET", "invocation/next")
        formatter.request_id = request_id
        try:
            result = function(event, Context(request_id))
            if isinstance(result, str):
                result = result.encode()
            elif not isinstance(result, bytes):
                result = json.dumps(result).encode()
        except Exception as error:  # noqa: BLE001 - it is reported
            sys.stdout.flush()
            traceback.print_exc()
            ask(api, "POST", f"invocation/{request_id}/error", failure(error))
            continue
        sys.stdout.flush()
        ask(api, "POST", f"invocation/{request_id}/response", result)


def ask(api, method, path, body=None):
    api.request(method, f"/2018-06-01/runtime/{path}", body)
    answer = api.getresponse()
    return answer.getheader("Lambda-Runtime-Aws-Request-Id"), answer.read()


def failure(error):
    stack = traceback.format_tb(error.__traceback__)
    text = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": stack}
    return json.dumps(text).encode()


if __name__ == "__main__":
    main(sys.argv[1])
