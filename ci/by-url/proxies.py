"""Asks mediainfo, ffprobe and ffmpeg for a file through a proxy that each variable of the environment names.

usage: proxies.py MEDIAINFO FFPROBE FFMPEG
"""

import base64
import http.server
import os
import select
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import web

MEDIA = (Path(__file__).resolve().parents[2] / "xtask/fixtures/tone.wav").read_bytes()
# A name that only the proxy knows.
HOST = "media.invalid"
# With characters that must be escaped in a URL, and longer than some buffers.
PASSWORD = "p@ss:word/" + "x" * 200
QUERY = "X-Amz-Signature=0123456789abcdef"


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body, status = MEDIA, 200
        if self.path.startswith("/missing"):
            body, status = b"", 404
        if wanted := self.headers.get("Range"):
            first, last = wanted.removeprefix("bytes=").split("-")
            end = min(int(last or len(MEDIA)) + 1, len(MEDIA))
            status = 206 if status == 200 else status
            body = MEDIA[int(first) : end] if status == 206 else body
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{len(MEDIA)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Proxy(http.server.BaseHTTPRequestHandler):
    """Forwards plain requests and tunnels, if the credentials are right."""

    protocol_version = "HTTP/1.1"
    seen = []

    def refused(self):
        self.seen.append(self.command)
        wanted = "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        if self.headers.get("Proxy-Authorization") == wanted:
            return False
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def do_GET(self):
        prefix = f"http://{HOST}:80"
        self.path = self.path.removeprefix(prefix).removeprefix(f"http://{HOST}")
        if not self.refused():
            Origin.do_GET(self)

    def do_CONNECT(self):
        if self.refused():
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.tls_port)) as other:
            while True:
                for ready in select.select([self.connection, other], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    (other if ready is self.connection else self.connection).sendall(data)

    def log_message(self, *_):
        pass


class Proxies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.bundle = web.certificate(cls.folder.name, HOST)
        cls.proxy = web.Server(Proxy)
        cls.proxy.tls_port = web.Server(Origin, web.context(cls.bundle)).server_port
        escaped = PASSWORD.replace("@", "%40").replace(":", "%3A").replace("/", "%2F")
        cls.url = f"http://user:{escaped}@127.0.0.1:{cls.proxy.server_port}"

    def ask(self, program, url, env):
        """What a program says of a URL, with nothing in its environment but this and the authority."""
        words = {
            "mediainfo": ["--Output=General;%Format%", url],
            "ffprobe": ["-v", "error", "-of", "csv=p=0", "-show_entries", "format=format_name", url],
            "ffmpeg": ["-v", "error", "-i", url, "-f", "md5", "-"],
        }[program]
        env = {"SSL_CERT_FILE": str(self.bundle), "PATH": os.environ["PATH"], **env}
        Proxy.seen.clear()
        done = subprocess.run([PROGRAMS[program], *words], env=env, capture_output=True, text=True, timeout=60)
        self.assertNotIn("X-Amz-Signature", done.stdout + done.stderr)
        self.assertNotIn("ss:word", done.stdout + done.stderr)
        self.assertNotIn("p%40ss", done.stdout + done.stderr)
        return done

    def each(self, url, variables, env):
        for program in PROGRAMS:
            for variable in variables:
                with self.subTest(program=program, variable=variable):
                    yield self.ask(program, url, {variable: self.url, **env})

    def test_each_variable_is_followed(self):
        known = ["all_proxy", "ALL_PROXY"]
        for scheme, command in [("http", "GET"), ("https", "CONNECT")]:
            variables = [f"{scheme}_proxy", f"{scheme.upper()}_PROXY", *known]
            for done in self.each(f"{scheme}://{HOST}/tone.wav?{QUERY}", variables, {}):
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, r"^(Wave|wav|MD5=\w{32})\s*$")
                self.assertIn(command, Proxy.seen)

    def test_a_proxy_without_a_scheme_is_one_of_http(self):
        for done in self.each(
            f"http://{HOST}/tone.wav", ["http_proxy"], {"http_proxy": self.url.removeprefix("http://")}
        ):
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_other_scheme_is_not_followed(self):
        for done in self.each(f"https://{HOST}/tone.wav?{QUERY}", ["http_proxy", "HTTP_PROXY"], {}):
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(Proxy.seen, [])

    def test_hosts_of_no_proxy_are_asked_directly(self):
        for scheme in ["http", "https"]:
            for variable in ["no_proxy", "NO_PROXY"]:
                for names in ["*", HOST, ".invalid", f"other, {HOST}"]:
                    env = {variable: names}
                    for done in self.each(f"{scheme}://{HOST}/tone.wav?{QUERY}", ["ALL_PROXY"], env):
                        self.assertNotEqual(done.returncode, 0)
                        self.assertEqual(Proxy.seen, [], names)

    def test_in_a_cgi_program_the_variable_that_a_client_sets_is_not_followed(self):
        for done in self.each(f"http://{HOST}/tone.wav?{QUERY}", ["HTTP_PROXY"], {"REQUEST_METHOD": "GET"}):
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(Proxy.seen, [])

    def test_errors_behind_a_proxy_show_no_secret(self):
        for scheme in ["http", "https"]:
            for done in self.each(f"{scheme}://{HOST}/missing.wav?{QUERY}", ["ALL_PROXY"], {}):
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("404", done.stderr)
        wrong = self.url.replace("user:", "nobody:")
        for done in self.each(f"https://{HOST}/tone.wav?{QUERY}", ["HTTPS_PROXY"], {"HTTPS_PROXY": wrong}):
            self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    PROGRAMS = dict(zip(["mediainfo", "ffprobe", "ffmpeg"], sys.argv[1:4]))
    unittest.main(argv=sys.argv[:1])
