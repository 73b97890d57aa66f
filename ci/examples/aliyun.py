"""Stand-ins of OSS and Table Store for one set of credentials. Both verify signatures with code of Alibaba's own SDKs.

usage: aliyun.py KEY_ID SECRET TOKEN FOLDER     serves the files in FOLDER as the bucket `media`, and one table

Prints its address once it listens. A GET of /rows answers with the rows of the table, as JSON.
"""

import base64
import datetime
import hashlib
import http.server
import json
import sys
import types
import urllib.parse
import uuid
from pathlib import Path

import oss2
from tablestore.auth import RequestContext, SignV2
from tablestore.credentials import Credentials
from tablestore.plainbuffer.plain_buffer_coded_stream import PlainBufferCodedInputStream
from tablestore.plainbuffer.plain_buffer_stream import PlainBufferInputStream
from tablestore.protobuf import table_store_pb2

KEY_ID, SECRET, TOKEN, FOLDER = sys.argv[1:]
REGION = "cn-hangzhou"
ROWS = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/rows":
            return self.answer(200, json.dumps(ROWS).encode())
        url = urllib.parse.urlsplit(self.path)
        bucket, _, key = urllib.parse.unquote(url.path).removeprefix("/").partition("/")
        params = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        if not self.is_signed(bucket, key, params):
            return self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        file = Path(FOLDER, hashlib.sha256(key.encode()).hexdigest())
        if bucket != "media" or not file.is_file():
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        content, wanted = file.read_bytes(), self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or not content:
            return self.answer(200, content)
        start, _, end = wanted.removeprefix("bytes=").partition("-")
        start, end = int(start), min(int(end or len(content)), len(content) - 1)
        if start > end:
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        self.answer(206, content[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(content)}"})

    do_HEAD = do_GET

    def is_signed(self, bucket, key, params):
        """Whether a request has the signature, version 4, that the SDK makes of it with our secret."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "x-oss-signature" in params:
            given, date = params.pop("x-oss-signature"), params["x-oss-date"]
            began = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
            if datetime.datetime.utcnow() > began + datetime.timedelta(seconds=int(params["x-oss-expires"])):
                return False
            token, headers = params.get("x-oss-security-token"), {}
        else:
            date, token = headers.get("x-oss-date", ""), headers.get("x-oss-security-token")
            given = headers.pop("authorization", "").rpartition("Signature=")[2]
        provider = oss2.credentials.StaticCredentialsProvider(KEY_ID, SECRET, TOKEN)
        request = types.SimpleNamespace(
            method=self.command, params=params, headers=headers, region=REGION, product="oss", cloudbox_id=None
        )
        make = oss2.ProviderAuthV4(provider)._ProviderAuthV4__make_signature
        return token == TOKEN and given == make(request, bucket, key, None, provider.get_credentials(), date)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        signer, context = SignV2("utf-8"), RequestContext(Credentials(KEY_ID, SECRET, TOKEN))
        given = headers.pop("x-ots-signature", "")
        signer.make_request_signature_and_add_headers(self.path, headers, context)
        if given != headers["x-ots-signature"] or headers.get("x-ots-ststoken") != TOKEN:
            error = table_store_pb2.Error(code="OTSAuthFailed", message="Signature mismatch.")
            return self.answer(403, error.SerializeToString())
        answer = self.put_row(body) if self.path == "/PutRow" else self.get_row(body)
        answer.consumed.capacity_unit.read = 1
        text = answer.SerializeToString()
        signed = {
            "x-ots-contentmd5": base64.b64encode(hashlib.md5(text).digest()).decode(),
            "x-ots-contenttype": "protocol buffer",
            "x-ots-date": datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "x-ots-requestid": str(uuid.uuid4()),
        }
        signature = signer.make_response_signature(self.path, signed, signer.get_signing_key(context))
        self.answer(200, text, {**signed, "Authorization": f"OTS {KEY_ID}:{signature}"})

    def put_row(self, body):
        request = table_store_pb2.PutRowRequest.FromString(body)
        primary_key, attributes = PlainBufferCodedInputStream(PlainBufferInputStream(request.row)).read_row()
        ROWS[primary_key[0][1]] = {name: value for name, value, *_ in attributes}
        self.server.raw[primary_key[0][1]] = request.row
        return table_store_pb2.PutRowResponse()

    def get_row(self, body):
        request = table_store_pb2.GetRowRequest.FromString(body)
        primary_key, _ = PlainBufferCodedInputStream(PlainBufferInputStream(request.primary_key)).read_row()
        return table_store_pb2.GetRowResponse(row=self.server.raw.get(primary_key[0][1], b""))

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.raw = {}
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
