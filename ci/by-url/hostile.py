"""Asks mediainfo, pymediainfo and ffprobe for files of servers that answer wrongly.

usage: hostile.py MEDIAINFO PYTHON_FOLDER FFPROBE FILM     FILM is an MP4 file with its index at the end

None may crash, wait for ever, take much memory, or report what is a mix of two files.
"""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import compare
import web

SECONDS, MEGABYTES = 20, 120
# Larger than what is read at once, so that there is a second request.
MIDDLE = 40_000


class Hostile(http.server.BaseHTTPRequestHandler):
    """The first part of the path says what is wrong."""

    protocol_version = "HTTP/1.1"
    film: bytes

    def do_GET(self):
        way = self.path.split("/")[1]
        wanted = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin = int(wanted[0])
        end = min(int(wanted[2] or len(self.film)) + 1, len(self.film))
        self.server.count()
        getattr(self, way.replace("-", "_"))(begin, end, self.headers.get("Range"))

    def answer(
        self, begin, end, *, status=206, content=None, shown=None, total=None, length=None, etag='"1"', **headers
    ):
        body = (content or self.film)[begin:end]
        first, last = shown or (begin, end)
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{total or len(self.film)}")
        self.send_header("Content-Length", str(length or len(body)))
        if etag:
            self.send_header("ETag", etag)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.write(body)

    def write(self, data):
        try:
            self.wfile.write(data)
            return True
        except OSError:
            self.close_connection = True
            return False

    def another_range(self, begin, end, _):
        self.answer(begin, end, shown=(begin + 1, end + 1))

    def later_another_range(self, begin, end, _):
        self.answer(begin, end, shown=(begin + 1, end + 1) if begin else None)

    def another_total_each_time(self, begin, end, _):
        self.answer(begin, end, total=len(self.film) + self.server.requests)

    def range_behind_the_end(self, begin, end, _):
        self.answer(begin, end, shown=(begin, len(self.film) + 5))

    def no_number(self, begin, end, _):
        self.answer(begin, end, total="99999999999999999999999999")

    def endless(self, begin, end, _):
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(self.film)}")
        self.end_headers()
        self.close_connection = True
        while self.write(bytes(65_536)):
            pass

    def endless_without_ranges(self, *_):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while self.write(bytes(65_536)):
            pass

    def endless_headers(self, *_):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.close_connection = True
        while self.write(b"X-More: " + b"x" * 8_000 + b"\r\n"):
            pass

    def short(self, begin, end, _):
        self.answer(begin, begin + (end - begin) // 2, shown=(begin, end), length=end - begin)
        self.close_connection = True

    def unasked_206(self, begin, end, _):
        self.answer(MIDDLE, end, shown=(MIDDLE, end))

    def range_without_its_header(self, begin, end, _):
        self.answer(begin, end, status=200)

    def always_416(self, *_):
        self.answer(0, 0, status=416, Content_Range=f"bytes */{len(self.film)}")

    def around(self, *_):
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.1:{self.server.other_port}/around/film.mp4")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def elsewhere(self, begin, end, _):
        """A redirect to another host, which is fine."""
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.other_port}/good/film.mp4")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def good(self, begin, end, wanted):
        self.answer(begin, end, status=206 if wanted else 200)

    def replaced(self, begin, end, _):
        """By a file of the same size, after the first answer."""
        changed = bytes(len(self.film))
        self.answer(begin, end, content=changed if begin else None, etag='"2"' if begin else '"1"')

    def grown(self, begin, end, _):
        self.answer(begin, end, total=len(self.film) + (100 if begin else 0), etag=None)

    def cut(self, begin, end, _):
        self.answer(begin, end, total=len(self.film) - (100 if begin else 0), etag=None)

    def gzip(self, begin, end, _):
        self.answer(begin, end, Content_Encoding="gzip")

    def busy_later(self, begin, end, _):
        if begin:
            self.answer(0, 0, status=503)
        else:
            self.answer(begin, end)

    def log_message(self, *_):
        pass


# A clear error, and no report of what is inside.
WRONG = """another-range later-another-range another-total-each-time range-behind-the-end unasked-206 short
    replaced grown cut busy-later around endless-headers always-416 gzip""".split()
# Whatever can be made of it, but an end.
BOUNDED = """no-number endless endless-without-ranges range-without-its-header""".split()


class HostileServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        handler = type("HostileFilm", (Hostile,), {"film": FILM.read_bytes()})
        cls.server, other = web.Server(handler), web.Server(handler)
        cls.server.other_port, other.other_port = other.server_port, cls.server.server_port

    def ask(self, kind, way):
        """Exit code, report and stderr; time and memory are checked."""
        url = f"http://127.0.0.1:{self.server.server_port}/{way}/film.mp4?X-Amz-Signature=secret"
        started = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen(PROGRAMS.argv(kind, url), env=PROGRAMS.env, stdout=out, stderr=err)
            while True:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() - started > SECONDS:
                    child.kill()
                    os.wait4(child.pid, 0)
                    self.fail(f"no end after {SECONDS} s")
                time.sleep(0.01)
            out.seek(0), err.seek(0)
            report, said = out.read().decode(errors="replace"), err.read().decode(errors="replace")
        code = os.waitstatus_to_exitcode(status)
        self.assertGreaterEqual(code, 0, f"ended by signal {-code}")
        self.assertLess(usage.ru_maxrss, MEGABYTES * 1000, "memory in KB")
        self.assertNotIn("secret", said)
        return code, report, said

    def tracks(self, report):
        try:
            known = json.loads(report)
        except ValueError:
            return 0
        if isinstance(known, str):
            return 0
        media = known.get("media") or known
        return len([track for track in media.get("track", known.get("streams", known.get("tracks", []))) if track])

    def test_what_is_wrong_is_an_error(self):
        for way in WRONG:
            for kind in ["mediainfo", "ffprobe"]:
                with self.subTest(way=way, kind=kind):
                    code, report, said = self.ask(kind, way)
                    self.assertNotEqual(code, 0, report)
                    self.assertNotEqual(said, "")
                    # What was read before may be shown.
                    self.assertLessEqual(self.tracks(report), 1, report)
            with self.subTest(way=way, kind="pymediainfo"):
                self.assertEqual(json.loads(self.ask("pymediainfo", way)[1]), "RuntimeError")

    def test_all_comes_to_an_end(self):
        for way in BOUNDED:
            for kind in ["mediainfo", "pymediainfo", "ffprobe"]:
                # Nothing tells this from a live stream, which ffprobe reads as long as its demuxer wants more.
                if (way, kind) == ("endless-without-ranges", "ffprobe"):
                    continue
                with self.subTest(way=way, kind=kind):
                    self.ask(kind, way)

    def test_a_redirect_to_another_host_is_followed(self):
        for kind in ["mediainfo", "pymediainfo", "ffprobe"]:
            with self.subTest(kind=kind):
                code, report, said = self.ask(kind, "elsewhere")
                self.assertEqual((code, said), (0, ""))
                self.assertGreater(self.tracks(report), 1, report)

    def test_a_compressed_answer_is_named(self):
        code, _, said = self.ask("mediainfo", "gzip")
        self.assertEqual(code, 1)
        self.assertIn("gzip", said)


if __name__ == "__main__":
    words = type("Words", (), dict(zip(["mediainfo", "python", "ffprobe"], sys.argv[1:4])))
    PROGRAMS = compare.Programs(words, "/nonexistent")
    FILM = Path(sys.argv[4])
    unittest.main(argv=sys.argv[:1], verbosity=2)
