"""A stand-in of MediaConvert, of which there is no emulator: it takes jobs and checks them against botocore's model.

The SDK checks names and types before it sends a request, but no enumerations, and nothing that it did not make itself.
"""

import http.server
import json
import threading

import botocore.session


class MediaConvert:
    """A server. `jobs` holds one job for each token, `problems` what the model does not know."""

    def __init__(self):
        self.jobs, self.problems = {}, []
        model = botocore.session.get_session().get_service_model("mediaconvert")
        shape, owner = model.operation_model("CreateJob").input_shape, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.problems += [] if self.path == "/2017-08-29/jobs" else [self.path]
                owner.problems += differences(shape, job, "")
                known = owner.jobs.setdefault(job["clientRequestToken"], job)
                owner.problems += [] if known == job else ["another job with the same token"]
                body = json.dumps({"job": {**known, "id": "1", "status": "SUBMITTED"}}).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def differences(shape, value, where):
    """What a value has that its shape does not."""
    kinds = {"string": str, "integer": int, "long": int, "double": (int, float), "boolean": bool}
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        missing = {shape.members[name].serialization.get("name", name) for name in shape.required_members} - set(value)
        found = [f"{where}: {name} is missing" for name in missing]
        for name, part in value.items():
            known = name in members
            found += differences(members[name], part, f"{where}.{name}") if known else [f"{where}.{name} is unknown"]
        return found
    if shape.type_name == "list":
        return [found for part in value for found in differences(shape.member, part, f"{where}[]")]
    if shape.type_name == "map":
        return [found for name, part in value.items() for found in differences(shape.value, part, f"{where}.{name}")]
    if not isinstance(value, kinds[shape.type_name]):
        return [f"{where}: {value!r} is no {shape.type_name}"]
    if value not in (getattr(shape, "enum", None) or [value]):
        return [f"{where}: {value!r} is none of {shape.enum}"]
    return []
