"""Damages media files as an attacker would, the same way for the same seed.

Numbers are set to their limits, parts are cut, doubled, moved and taken from other files, and fields that look like a size or
a count get another value.
"""

import itertools
import random
import re
import struct

LIMITS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
LIMITS_64 = (*LIMITS, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
# Names of boxes and chunks: their size is in front of them (MP4) or behind them (RIFF).
NAME = re.compile(rb"[A-Za-z\xa9][A-Za-z0-9 ]{3}")
# Identifiers of elements of Matroska that hold others, and of some that hold numbers. The size is behind them.
EBML = re.compile(
    rb"\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\x11\x4d\x9b\x74|\x15\x49\xa9\x66|\x16\x54\xae\x6b|\x1f\x43\xb6\x75|\x1c\x53\xbb\x6b"
    rb"|\x19\x41\xa4\x69|\x10\x43\xa7\x70|\x12\x54\xc3\x67|\xae|\xe0|\xe1|\x63\xa2|\xa3|\xa0|\xa1"
)


def number(rng, size, little):
    value = rng.choice(LIMITS_64 if size == 8 else LIMITS) + rng.choice((0, 0, 0, 1, -1, rng.randrange(256)))
    return (value % (1 << (8 * size))).to_bytes(size, "little" if little else "big")


def at(rng, data):
    """Most of what matters is in front or at the end."""
    place = rng.random()
    if place < 0.4:
        return rng.randrange(min(len(data), 2048))
    if place < 0.6:
        return len(data) - 1 - rng.randrange(min(len(data), 2048))
    return rng.randrange(len(data))


def change_byte(rng, data, _others):
    for _ in range(rng.choice((1, 1, 2, 4, 10, 40))):
        data[at(rng, data)] = rng.choice((rng.randrange(256), 0, 0xFF, 0x80, 0x7F))


def set_number(rng, data, _others):
    size = rng.choice((1, 2, 3, 4, 4, 8))
    place = at(rng, data)
    data[place : place + size] = number(rng, size, rng.random() < 0.3)[: max(0, len(data) - place)]


def set_size(rng, data, _others):
    """Of a box, a chunk or an element; or what is in its first bytes, often a count."""
    kind = EBML if data[:4] == b"\x1a\x45\xdf\xa3" else NAME
    found = list(itertools.islice(kind.finditer(bytes(data)), 400))
    if not found:
        return set_number(rng, data, _others)
    match = rng.choice(found)
    place = rng.choice((match.start() - 4, match.end(), match.end() + rng.randrange(24)))
    if 0 <= place < len(data) - 8:
        size = rng.choice((4, 4, 4, 8, 2, 1))
        if rng.random() < 0.3:
            here = struct.unpack_from(">I", data, place)[0]
            data[place : place + 4] = struct.pack(">I", (here + rng.choice((-8, -1, 1, 4, 8, 256, len(data)))) % (1 << 32))
        else:
            data[place : place + size] = number(rng, size, data[:4] == b"RIFF")
    return None


def rename(rng, data, _others):
    found = [match.start() for match in itertools.islice(NAME.finditer(bytes(data)), 400)]
    if len(found) >= 2:
        place, other = rng.choice(found), rng.choice(found)
        data[place : place + 4] = data[other : other + 4]


def part(rng, data):
    length = rng.choice((1, 4, 16, 100, 1000, len(data) // 4 + 1))
    begin = at(rng, data)
    return begin, min(len(data), begin + 1 + rng.randrange(length))


def cut(rng, data, _others):
    if rng.random() < 0.3:
        del data[max(1, at(rng, data)) :]
    else:
        begin, end = part(rng, data)
        del data[begin:end]


def double(rng, data, _others):
    begin, end = part(rng, data)
    data[end:end] = data[begin:end] * rng.choice((1, 1, 2, 20))


def move(rng, data, _others):
    begin, end = part(rng, data)
    piece = data[begin:end]
    del data[begin:end]
    place = at(rng, data) if data else 0
    data[place:place] = piece


def borrow(rng, data, others):
    other = rng.choice(others)
    begin, end = part(rng, bytearray(other))
    place = at(rng, data)
    data[place : place if rng.random() < 0.5 else place + end - begin] = other[begin:end]


WAYS = (change_byte, change_byte, set_number, set_number, set_size, set_size, set_size, rename, cut, double, move, borrow)


def mutated(data, others, seed):
    """A damaged copy of data. Parts may come from others."""
    rng = random.Random(seed)
    data = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5, 8, 13))):
        if len(data) < 16:
            break
        rng.choice(WAYS)(rng, data, others)
    return bytes(data)
