"""Verifies chains with bundles of which all certificates are parsed, and only those that are asked for: same verdicts?

usage: test_bundle.py PROGRAM     PROGRAM: bundle.c as ci/test-mbedtls compiles it

It compares by itself; here are chains and bundles, what must come out of some, and bundles that are damaged at random.
"""

import base64
import datetime
import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
GOOD = "load 0 verify 0 flags 0"
NOT_TRUSTED = "load 0 verify -9984 flags 8"
EXPIRED = "load 0 verify -9984 flags 1"


def name(common, organization="Test", kind=_ASN1Type.UTF8String):
    attribute = x509.NameAttribute
    return x509.Name(
        [attribute(NameOID.ORGANIZATION_NAME, organization, kind), attribute(NameOID.COMMON_NAME, common, kind)]
    )


def made(subject, key, issuer=None, issuer_key=None, *, authority=True, days=(-1, 10), path_length=None, more=()):
    """A certificate, signed by itself unless an issuer is named."""
    builder = (
        x509.CertificateBuilder(issuer or subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=days[0]))
        .not_valid_after(NOW + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(authority, path_length), True)
    )
    for extension in more:
        builder = builder.add_extension(extension, False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def pem(*certificates):
    return b"".join(c.public_bytes(Encoding.PEM) for c in certificates)


class Verdicts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.keys = [rsa.generate_private_key(65_537, 2_048), ec.generate_private_key(ec.SECP256R1())]
        cls.keys += [ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())]
        cls.others = [made(name(f"Other {i}"), cls.keys[i % 4]) for i in range(40)]
        root, middle, leaf, _ = cls.keys
        cls.root = made(name("Root"), root)
        cls.middle = made(name("Middle"), middle, name("Root"), root)
        cls.leaf = cls.made_leaf(leaf, name("Middle"), middle)
        cls.chain = cls.file(pem(cls.leaf, cls.middle))

    @classmethod
    def made_leaf(cls, key, issuer=None, issuer_key=None, **more):
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        return made(name("Leaf"), key, issuer, issuer_key, authority=False, more=[names], **more)

    @classmethod
    def file(cls, content):
        with tempfile.NamedTemporaryFile(dir=cls.folder.name, delete=False) as made_file:
            made_file.write(content)
        return Path(made_file.name)

    def verdicts(self, chain, *bundles):
        files = [self.file(bundle) for bundle in bundles]
        done = subprocess.run([PROGRAM, chain, *files], stdout=subprocess.PIPE, text=True)
        found = done.stdout.splitlines()
        self.assertEqual(done.returncode, 0, [line for line in found if "but" in line][:3])
        for file in files:
            file.unlink()
        return found

    def verdict(self, bundle, chain=None):
        return self.verdicts(chain or self.chain, bundle)[0]

    def test_chains(self):
        around = [self.others[:20], [self.root], self.others[20:]]
        self.assertEqual(self.verdict(pem(*sum(around, []))), GOOD)
        self.assertEqual(self.verdict(pem(self.root)), GOOD)
        self.assertEqual(self.verdict(pem(*self.others)), NOT_TRUSTED)
        # The authority in the middle is trusted, and what is above it does not matter.
        self.assertEqual(self.verdict(pem(self.middle)), GOOD)
        self.assertEqual(self.verdict(self.root.public_bytes(Encoding.DER)), GOOD)

    def test_self_signed_servers(self):
        alone = self.made_leaf(self.keys[0])
        chain = self.file(pem(alone))
        self.assertEqual(self.verdict(pem(*self.others, alone), chain), GOOD)
        self.assertEqual(self.verdict(pem(*self.others), chain), NOT_TRUSTED)
        # Of the same name, but another.
        self.assertEqual(self.verdict(pem(self.made_leaf(self.keys[1])), chain), NOT_TRUSTED)

    def test_cross_signed(self):
        old = made(name("Old root"), self.keys[3])
        crossed = made(name("Root"), self.keys[0], name("Old root"), self.keys[3])
        chain = self.file(pem(self.leaf, self.middle, crossed))
        for bundle in [pem(self.root), pem(old), pem(self.root, old), pem(old, self.root)]:
            self.assertEqual(self.verdict(bundle, chain), GOOD)
        self.assertEqual(self.verdict(pem(*self.others), chain), NOT_TRUSTED)

    def test_several_of_one_name(self):
        wrong_key = made(name("Root"), self.keys[3])
        expired = made(name("Root"), self.keys[0], days=(-10, -1))
        no_authority = made(name("Root"), self.keys[0], authority=False)
        self.assertEqual(self.verdict(pem(wrong_key, no_authority, expired, self.root)), GOOD)
        self.assertEqual(self.verdict(pem(self.root, expired)), GOOD)
        self.assertEqual(self.verdict(pem(wrong_key, expired)), EXPIRED)
        self.assertEqual(self.verdict(pem(wrong_key, no_authority)), NOT_TRUSTED)

    def test_names_are_compared_as_mbedtls_does(self):
        for common, kind in [("ROOT", _ASN1Type.UTF8String), ("Root", _ASN1Type.PrintableString)]:
            self.assertEqual(self.verdict(pem(made(name(common, "TEST", kind), self.keys[0]))), GOOD)
        for other in [name("Root", kind=_ASN1Type.T61String), name("Root "), x509.Name(list(name("Root"))[::-1])]:
            self.assertEqual(self.verdict(pem(made(other, self.keys[0]))), NOT_TRUSTED)
        # Longer than what is decoded at first.
        long = name("Root" * 16, "x" * 64)
        long = x509.Name(
            list(long) + [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"{i} " * 20) for i in range(30)]
        )
        chain = self.file(pem(self.made_leaf(self.keys[1], long, self.keys[0])))
        self.assertEqual(self.verdict(pem(*self.others, made(long, self.keys[0])), chain), GOOD)

    def test_limits_of_authorities(self):
        short = made(name("Root"), self.keys[0], path_length=0)
        self.assertNotEqual(self.verdict(pem(short)), GOOD)
        expired = self.file(pem(self.made_leaf(self.keys[2], name("Middle"), self.keys[1], days=(-9, -2)), self.middle))
        self.assertEqual(self.verdict(pem(self.root), expired), EXPIRED)

    def test_files_as_they_are_found(self):
        text = pem(*self.others[:3], self.root, *self.others[3:6])
        one = pem(self.root).decode().splitlines()
        body = base64.b64decode("".join(one[1:-1]))
        wide = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(body) + b"\n-----END CERTIFICATE-----\n"
        uneven = "\n".join([one[0], one[1][:-3], one[1][-3:], *one[2:], ""]).encode()
        truncated = pem(self.others[0])[:400] + b"\n-----END CERTIFICATE-----\n"
        empty = b"-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n"
        encrypted = text.replace(b"CERTIFICATE-----\n", b"CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n", 1)
        bundles = {
            "with carriage returns": text.replace(b"\n", b"\r\n"),
            "with comments": b"# Root - of all\n=======\n" + text.replace(b"-----END", b"-----END", 1) + b"# end",
            "without a last newline": text.rstrip(),
            "in one line": wide,
            "in uneven lines": uneven,
            "spaces at the ends of lines": text.replace(b"\n", b" \n"),
            "one is damaged": truncated + text,
            "one is damaged, after": text + truncated,
            "all are damaged": truncated * 3,
            "one is empty": text + empty,
            "one is empty, before": empty + text,
            "one is encrypted": encrypted,
            "an end before a beginning": b"-----END CERTIFICATE-----\n" + text,
            "no end": text + b"-----BEGIN CERTIFICATE-----\nMII",
            "a beginning in a beginning": pem(self.others[0])[:200] + text,
            "a key among them": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + text,
            "trusted certificates of OpenSSL": text.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE"),
            "a zero among them": text[:5_000] + b"\0" + text[5_000:],
            "nothing": b"",
            "no certificates": b"hello\n",
            "a DER that is damaged": body[:-5],
            "a DER and more": body + b"more",
        }
        found = dict(zip(bundles, self.verdicts(self.chain, *bundles.values()), strict=True))
        good = list(bundles)[:8] + ["one is encrypted", "no end", "a key among them"]
        self.assertEqual({what: found[what] for what in good}, dict.fromkeys(good, GOOD))
        for what in ["all are damaged", "one is empty", "an end before a beginning", "nothing", "no certificates"]:
            self.assertRegex(found[what], "^load -")

    def test_ten_thousand(self):
        der = self.others[0].public_bytes(Encoding.DER)
        many = []
        for i in range(10_000):
            # Their signatures are wrong, which nobody looks at.
            changed = der.replace(b"Other 0", f"{i:07}".encode())
            text = base64.encodebytes(changed).decode()
            many.append(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n".encode())
        many.insert(5_000, pem(self.root))
        self.assertEqual(self.verdict(b"".join(many)), GOOD)
        self.assertEqual(self.verdict(b"".join(many[5_001:])), NOT_TRUSTED)

    def test_damage_at_random(self):
        text = pem(*self.others[:2], made(name("Root"), self.keys[3]), self.root, self.others[2])
        snippets = [
            b"\n",
            b"\r\n",
            b" ",
            b"=",
            b"-",
            b"\0",
            b"-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\n",
        ]
        bundles = []
        for _ in range(ROUNDS):
            changed = bytearray(text)
            for _ in range(RANDOM.choice([1, 1, 2, 5])):
                at = RANDOM.randrange(len(changed))
                match RANDOM.randrange(4):
                    case 0:
                        changed[at] = RANDOM.randrange(256)
                    case 1:
                        del changed[at : at + RANDOM.choice([1, 4, 65, 500])]
                    case 2:
                        changed[at:at] = RANDOM.choice(snippets)
                    case 3:
                        changed[at] = ord(RANDOM.choice("ABCDwxyz0189+/"))
            bundles.append(bytes(changed))
        found = []
        for first in range(0, ROUNDS, 500):
            found += self.verdicts(self.chain, *bundles[first : first + 500])
        # Not all of one kind, or this compares nothing.
        self.assertGreater(len(set(found)), 3)


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    RANDOM = random.Random(os.environ.get("SEED", "1"))
    ROUNDS = int(os.environ.get("ROUNDS", "5000"))
    unittest.main(argv=sys.argv[:1], verbosity=2)
