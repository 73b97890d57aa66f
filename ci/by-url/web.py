"""Servers on the loopback that send the files of a folder in different ways, over http and https.

The first part of the path names the way: a size of blocks, or one of WAYS.
"""

import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
import time
import urllib.parse
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BLOCKS = [1, 188, 1_000, 16_384, 1_000_000]
# After that many bytes of an answer, small blocks show nothing new.
SMALL_BLOCKS_END = 20_000
DELAY = 0.01
WAYS = ["slow", "close", "no-ranges"]


class Files(http.server.BaseHTTPRequestHandler):
    """Answers GET with a range or the whole file, as S3 does: 416 for any range of an empty one."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Overridden by serve_files().
    folder: Path

    def do_GET(self):
        way, _, name = urllib.parse.unquote(self.path.partition("?")[0])[1:].partition("/")
        if way == "slow":
            time.sleep(DELAY)
        block = int(way) if way.isdecimal() else 65_536
        self.send_file(self.folder / name, block, ranges=way != "no-ranges", close=way == "close")

    def send_file(self, file, block, *, ranges=True, close=False):
        try:
            size = file.stat().st_size
        except OSError:
            self.send_error(404)
            return
        status, begin, end = 200, 0, size
        wanted = self.headers.get("Range")
        if wanted and ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            begin, end = int(first), min(int(last or end) + 1, end)
            status = 206 if begin < size else 416
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        elif status == 416:
            begin = end = 0
        if ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - begin))
        self.send_header("ETag", '"1"')
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.server.count()
        try:
            with file.open("rb") as content:
                content.seek(begin)
                self.send_in_blocks(content, end - begin, block)
        except OSError:
            # The client has what it needs.
            self.close_connection = True

    def send_in_blocks(self, content, size, block):
        sent = 0
        while sent < size:
            small = block < 1_000 and sent < SMALL_BLOCKS_END
            data = content.read(min(block if small else max(block, 1_000), size - sent))
            self.wfile.write(data)
            sent += len(data)
            self.server.bytes += len(data)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Counts what it is asked for; a client that hangs up is no event."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler, context=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.context = context
        self.requests = self.bytes = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def count(self):
        self.requests += 1

    def finish_request(self, request, client_address):
        if self.context:
            request.settimeout(20)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        super().finish_request(request, client_address)
        try:
            request.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if self.context:
            request.close()

    def handle_error(self, request, client_address):
        pass


def certificate(folder, host):
    """A certificate for a host and for the loopback, its own authority; returns the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    text = made.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = Path(folder, "both.pem")
    file.write_bytes(text)
    return file


def context(pem):
    """What a server needs to answer over https with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made


def serve_files(folder, pem):
    """Servers of a folder, by scheme."""
    handler = type("FilesOf", (Files,), {"folder": Path(folder)})
    return {"http": Server(handler), "https": Server(handler, context(pem))}
