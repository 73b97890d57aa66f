"""Asks mediainfo and ffprobe for a file of servers with all kinds of certificates, and bundles that fit or do not.

usage: certificates.py MEDIAINFO FFPROBE

What is expected held before our patch of mbedTLS too, which parses only the authorities that a chain asks for.
`ci/mbedtls/test_bundle.py` compares the two for many more bundles.
"""

import datetime
import os
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

NOW = datetime.datetime.now(datetime.timezone.utc)
OTHERS = 20


def name(common):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def signed(subject, key, issuer, issuer_key, *, authority=True, days=(-1, 10)):
    """A certificate for localhost or, with `authority`, one that signs others."""
    builder = (
        x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=days[0]))
        .not_valid_after(NOW + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(authority, None), True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        (cls.folder / "tone.wav").write_bytes(WAV)
        cls.handler = type("FilesOf", (web.Files,), {"folder": cls.folder})
        cls.rsa = rsa.generate_private_key(65_537, 2_048)
        cls.ec = ec.generate_private_key(ec.SECP256R1())
        cls.ec_other = ec.generate_private_key(ec.SECP384R1())
        cls.root = signed("Root", cls.rsa, "Root", cls.rsa)
        cls.middle = signed("Middle", cls.ec, "Root", cls.rsa)
        cls.leaf = signed("Leaf", cls.rsa, "Middle", cls.ec, authority=False)
        cls.others = [signed(f"Other {i}", cls.ec, f"Other {i}", cls.ec) for i in range(OTHERS)]

    def serve(self, chain, key, *, newest=ssl.TLSVersion.TLSv1_3):
        """The port of a server with this chain."""
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        both = self.folder / "both.pem"
        both.write_bytes(pem(*chain) + text)
        context = web.context(both)
        context.maximum_version = newest
        server = web.Server(self.handler, context)
        self.addCleanup(server.shutdown)
        return server.server_port

    def check(self, port, bundle, accepted):
        """Whether both programs accept a server with this bundle."""
        file = self.folder / "bundle.pem"
        file.write_bytes(bundle)
        for program in [[MEDIAINFO, "--Output=JSON"], [FFPROBE, "-v", "error", "-show_format"]]:
            with self.subTest(program=Path(program[0]).name):
                done = subprocess.run(
                    [*program, f"https://localhost:{port}/65536/tone.wav"],
                    env={"SSL_CERT_FILE": str(file), "PATH": os.environ["PATH"]},
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                self.assertEqual(done.returncode == 0, accepted, done.stdout + done.stderr)
                self.assertEqual("8000" in done.stdout or "1.000000" in done.stdout, accepted, done.stdout)

    def test_a_chain(self):
        for newest in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
            port = self.serve([self.leaf, self.middle], self.rsa, newest=newest)
            self.check(port, pem(*self.others, self.root, *self.others), True)
            self.check(port, pem(self.root), True)
            self.check(port, pem(self.middle), True)
            self.check(port, pem(*self.others), False)
            self.check(port, self.root.public_bytes(serialization.Encoding.DER), True)

    def test_elliptic_curves(self):
        leaf = signed("Leaf", self.ec_other, "Root EC", self.ec, authority=False)
        port = self.serve([leaf], self.ec_other)
        self.check(port, pem(*self.others, signed("Root EC", self.ec, "Root EC", self.ec)), True)
        self.check(port, pem(*self.others, signed("Root EC", self.ec_other, "Root EC", self.ec_other)), False)

    def test_a_server_that_signed_itself(self):
        alone = signed("Leaf", self.rsa, "Leaf", self.rsa, authority=False)
        port = self.serve([alone], self.rsa)
        self.check(port, pem(*self.others, alone), True)
        self.check(port, pem(*self.others, signed("Leaf", self.rsa, "Leaf", self.rsa, authority=False)), False)

    def test_cross_signed_and_of_one_name(self):
        old = signed("Old", self.ec_other, "Old", self.ec_other)
        crossed = signed("Root", self.rsa, "Old", self.ec_other)
        port = self.serve([self.leaf, self.middle, crossed], self.rsa)
        self.check(port, pem(*self.others, old), True)
        self.check(port, pem(*self.others, self.root), True)
        wrong_key = signed("Root", self.ec, "Root", self.ec)
        expired = signed("Root", self.rsa, "Root", self.rsa, days=(-10, -1))
        port = self.serve([self.leaf, self.middle], self.rsa)
        self.check(port, pem(wrong_key, expired, self.root), True)
        self.check(port, pem(wrong_key, expired), False)

    def test_what_is_not_valid(self):
        for leaf in [
            signed("Leaf", self.rsa, "Middle", self.ec, authority=False, days=(-10, -1)),
            signed("Leaf", self.rsa, "Middle", self.ec, authority=False, days=(1, 10)),
            signed("Leaf", self.rsa, "Middle", self.ec_other, authority=False),
        ]:
            self.check(self.serve([leaf, self.middle], self.rsa), pem(self.root), False)

    def test_damaged_bundles(self):
        port = self.serve([self.leaf, self.middle], self.rsa)
        damaged = pem(self.others[0]).replace(b"M", b"!", 3)
        self.check(port, damaged + pem(self.root) + damaged, True)
        self.check(port, damaged, False)
        self.check(port, pem(self.root)[:200], False)
        self.check(port, b"", False)
        # mbedTLS refuses a file for this one.
        self.check(port, pem(self.root) + b"-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n", False)


# A second of silence.
WAV = b"RIFF" + struct.pack("<L8sLHHLLHH", 36 + 8_000, b"WAVEfmt ", 16, 1, 1, 8_000, 8_000, 1, 8)
WAV += b"data" + struct.pack("<L", 8_000) + b"\x80" * 8_000

if __name__ == "__main__":
    MEDIAINFO, FFPROBE = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
