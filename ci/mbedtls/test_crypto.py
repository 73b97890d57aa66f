"""Compares what the patched mbedTLS computes with its code without acceleration, with OpenSSL and with vectors of NIST.

usage: test_crypto.py FOLDER     FOLDER: as ci/test-mbedtls makes it
"""

import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LONGEST = 4_096
MOST_PER_BYTE = 5
# Points of small order, which are refused, and the first vector of RFC 7748, section 5.2.
SMALL_ORDER = ["00" * 32, "01" + "00" * 31, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"]
VECTOR = [
    "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
]


def command(build, *words):
    """How to run the program of a build on this machine."""
    program = [FOLDER / build / "crypto", *words]
    foreign = {"x86_64": "arm64", "aarch64": "x86_64"}[platform.machine()]
    emulator = {"arm64": "qemu-aarch64-static", "x86_64": "qemu-x86_64-static"}[foreign]
    return [emulator, *program] if build == foreign else program


def answers(build, questions):
    text = "".join(" ".join(question) + "\n" for question in questions)
    done = subprocess.run(command(build), input=text, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise AssertionError(f"{build}: {done.stdout[-300:]}")
    return done.stdout.splitlines()


def shown(data):
    return data.hex() or "-"


def nist_vectors():
    """Questions and answers of NIST's validation suite that mbedTLS has among its tests."""
    found = []
    for file in sorted((FOLDER / "plain/tests/suites").glob("test_suite_gcm.aes*_en.data")):
        for line in re.findall("^gcm_encrypt_and_tag:.*", file.read_text(), re.M):
            _, _, key, text, iv, more, cipher, bits, tag, *_ = line.replace('"', "").split(":")
            found.append((["gcm", key, iv or "-", more or "-", text or "-"], cipher, tag[: int(bits) // 4]))
    return found


class Computation(unittest.TestCase):
    def test_published_vectors(self):
        for build in BUILDS:
            with self.subTest(build=build):
                self.assertEqual(subprocess.run(command(build, "self-test")).returncode, 0)
                vectors = nist_vectors()
                self.assertGreater(len(vectors), 400)
                for got, (question, cipher, tag) in zip(answers(build, [v[0] for v in vectors]), vectors, strict=True):
                    got_cipher, got_tag = got.split(" ")
                    self.assertEqual((got_cipher, got_tag[: len(tag)]), (cipher, tag), question)

    def test_gcm_of_every_length(self):
        questions, expected = [], []
        for length in range(LONGEST + 1):
            key = RANDOM.randbytes(RANDOM.choice([16, 24, 32]))
            iv = RANDOM.randbytes(RANDOM.choice([12, 12, 12, 8, 16, 61]))
            more = RANDOM.randbytes(RANDOM.choice([0, 5, 13, 16, 100]))
            text = RANDOM.randbytes(length)
            questions.append(["gcm", *map(shown, [key, iv, more, text])])
            sealed = AESGCM(key).encrypt(iv, text, more)
            expected.append(f"{sealed[:-16].hex()} {sealed[-16:].hex()}")
        for build in BUILDS:
            with self.subTest(build=build):
                self.assertEqual(answers(build, questions), expected)

    def test_gcm_where_the_counter_overflows(self):
        # Unless an IV has 12 bytes, the first counter is its hash. To get one near 2^32, the IV is computed from the
        # counter: with an IV of one block the hash is (IV * H + length) * H.
        questions = []
        for near in [1, 2, 5, 8, 9, 17]:
            key, text = RANDOM.randbytes(16), RANDOM.randbytes(1_000)
            wanted = RANDOM.randbytes(12) + (2**32 - near).to_bytes(4, "big")
            questions.append(["gcm", key.hex(), iv_for(key, wanted).hex(), "-", text.hex()])
        expected = []
        for _, key, iv, _, text in questions:
            sealed = AESGCM(bytes.fromhex(key)).encrypt(bytes.fromhex(iv), bytes.fromhex(text), b"")
            expected.append(f"{sealed[:-16].hex()} {sealed[-16:].hex()}")
        for build in BUILDS:
            with self.subTest(build=build):
                self.assertEqual(answers(build, questions), expected)

    def test_x25519(self):
        pairs = [(RANDOM.randbytes(32), RANDOM.randbytes(32)) for _ in range(150)]
        # Points that are not reduced: from the modulus on, and with the bit that does not count.
        pairs += [(RANDOM.randbytes(32), (2**255 - 19 + more).to_bytes(32, "little")) for more in [2, 9, 18]]
        pairs += [(RANDOM.randbytes(32), bytes(31) + b"\xff"), (RANDOM.randbytes(32), bytes([9]) + bytes(30) + b"\x80")]
        questions = [["x25519", scalar.hex(), point.hex()] for scalar, point in pairs]
        expected = []
        for scalar, point in pairs:
            public = X25519PublicKey.from_public_bytes(point)
            expected.append(X25519PrivateKey.from_private_bytes(scalar).exchange(public).hex())
        questions.append(["x25519", *VECTOR[:2]])
        expected.append(VECTOR[2])
        refused = [["x25519", VECTOR[0], point] for point in SMALL_ORDER]
        for build in BUILDS:
            with self.subTest(build=build):
                self.assertEqual(answers(build, questions), expected)
                for answer in answers(build, refused):
                    self.assertRegex(answer, "^-0x")

    def test_powers_with_public_exponents(self):
        questions, expected = [], []
        exponents = [1, 2, 3, 17, 65_537, 2**64 - 1, 2**64, 2**64 + 1, 2**80 + 2**40, RANDOM.getrandbits(300) | 1]
        for bits in [64, 127, 1_024, 2_048, 4_096]:
            for exponent in exponents:
                modulus = RANDOM.getrandbits(bits) | 1 | 1 << bits - 1
                base = RANDOM.randrange(modulus)
                questions.append(["power", f"{modulus:x}", f"{exponent:x}", f"{base:x}"])
                expected.append(pow(base, exponent, modulus))
        for build in BUILDS:
            with self.subTest(build=build):
                self.assertEqual([int(answer, 16) for answer in answers(build, questions)], expected)

    @unittest.skipUnless(platform.machine() == "x86_64" and shutil.which("valgrind"), "counts with valgrind and qemu")
    def test_instructions_per_byte(self):
        for build, count in [("x86_64", count_with_valgrind), ("arm64", count_with_qemu)]:
            with self.subTest(build=build):
                small, large = 16_384, 2 * 16_384
                per_byte = (count(build, large) - count(build, small)) / (large - small)
                print(f"{build}: {per_byte:.2f} instructions per byte of AES-128-GCM")
                self.assertLessEqual(per_byte, MOST_PER_BYTE)


def iv_for(key, counter):
    """The IV of 16 bytes from which GCM makes a first counter block."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    h = int.from_bytes(encryptor.update(bytes(16)), "big")
    inverse = power_in_field(h, 2**128 - 2)
    value = multiply_in_field(int.from_bytes(counter, "big"), inverse) ^ 128
    return multiply_in_field(value, inverse).to_bytes(16, "big")


def multiply_in_field(a, b):
    product = 0
    for bit in range(127, -1, -1):
        if b >> bit & 1:
            product ^= a
        a = a >> 1 ^ (0xE1 << 120 if a & 1 else 0)
    return product


def power_in_field(base, exponent):
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = multiply_in_field(result, base)
        base = multiply_in_field(base, base)
        exponent >>= 1
    return result


def count_with_valgrind(build, size):
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command(build, "count", str(size))]
    done = subprocess.run(words, check=True, stderr=subprocess.PIPE, text=True)
    return int(re.search("Collected : ([0-9]+)", done.stderr)[1])


def count_with_qemu(build, size):
    """QEMU in a mode in which each instruction is a block of its own, and a line of its log."""
    with tempfile.NamedTemporaryFile() as log:
        emulator, *program = command(build, "count", str(size))
        subprocess.run([emulator, "-singlestep", "-d", "exec,nochain", "-D", log.name, *program], check=True)
        with open(log.name, "rb") as lines:
            return sum(line.startswith(b"Trace") for line in lines)


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    RANDOM = random.Random(os.environ.get("SEED", "1"))
    BUILDS = ["plain", "x86_64", "arm64"]
    unittest.main(argv=sys.argv[:1], verbosity=2)
