"""Compares what mediainfo, pymediainfo and ffprobe say of files by path and by URL.

usage: compare.py [--sample] --mediainfo PROGRAM --python FOLDER --ffprobe PROGRAM FOLDER

FOLDER is taken with all that is in it. Of every file the report by path must equal the one by http and by https from
servers that send in different ways (web.py), names and dates aside, exit code and kind of error too. From a server
without ranges a report may lack what only a seek can find: mediainfo must then say so, and the others only end by
themselves, which is counted apart.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree
import zlib
from pathlib import Path

import web

MEDIAINFO = ["--Output=JSON"]
MEDIAINFO_FULL = ["-f", "--Output=XML"]
FFPROBE = ["-v", "error", "-of", "json", "-show_streams", "-show_format", "-show_chapters"]
FFPROBE_FRAMES = ["-v", "error", "-of", "json", "-show_frames", "-read_intervals", "%+1"]
# In a process of its own, as a crash is a result.
PYMEDIAINFO = """
import json, sys
from pymediainfo import MediaInfo
try:
    print(json.dumps(MediaInfo.parse(sys.argv[1]).to_data()))
except Exception as error:
    print(json.dumps(type(error).__name__))
"""
# What a report says of the name and the dates of a file, in lower case and without "_".
NAMES = re.compile(
    r"@?ref|other(file|folder|complete).*|completename|foldername|filename(extension)?|filecreat\w*date\w*"
    r"|file(modified|lastmodification)date\w*"
)
TIMEOUT = 120
SCHEMES = ["http", "https"]
# With servers without ranges the reports of these are compared.
SAYS_WHAT_IS_MISSING = ("mediainfo", "full")


class Programs:
    def __init__(self, words, pem):
        self.mediainfo, self.ffprobe, self.python = words.mediainfo, words.ffprobe, words.python
        self.env = {**os.environ, "SSL_CERT_FILE": str(pem), "PYTHONPATH": str(words.python)}

    def argv(self, kind, name):
        if kind == "pymediainfo":
            return [sys.executable, "-c", PYMEDIAINFO, name]
        words = {"mediainfo": MEDIAINFO, "full": MEDIAINFO_FULL, "ffprobe": FFPROBE, "frames": FFPROBE_FRAMES}[kind]
        return [self.mediainfo if kind in ("mediainfo", "full") else self.ffprobe, *words, name]

    def say(self, kind, name):
        """Exit code, report, and what is on stderr."""
        argv = self.argv(kind, name)
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, errors="replace", timeout=TIMEOUT)
        return done.returncode, done.stdout, done.stderr


# And how many ways of sending are tried of each with a sample.
KINDS = {"mediainfo": 6, "full": 2, "pymediainfo": 2, "ffprobe": 4, "frames": 2}


def is_name(key):
    return NAMES.fullmatch(key.lower().replace("_", ""))


def without_names(report):
    """A report as lines, without names and dates; text that is neither JSON nor XML as it is."""

    def of_json(value):
        if isinstance(value, dict):
            return {key: of_json(inner) for key, inner in value.items() if not is_name(key)}
        return [of_json(inner) for inner in value] if isinstance(value, list) else value

    if report.startswith("<"):
        try:
            tree = xml.etree.ElementTree.fromstring(report)
        except xml.etree.ElementTree.ParseError:
            return report
        for parent in tree.iter():
            parent.attrib.pop("ref", None)
            for child in [child for child in parent if is_name(child.tag.rpartition("}")[2])]:
                parent.remove(child)
        xml.etree.ElementTree.indent(tree)
        return xml.etree.ElementTree.tostring(tree, "unicode")
    try:
        return json.dumps(of_json(json.loads(report)), indent=1)
    except ValueError:
        return report


def differences(programs, kind, url, expected):
    """Says how the report of a URL differs from that of the path, or nothing."""
    try:
        code, out, err = programs.say(kind, url)
    except subprocess.TimeoutExpired:
        return f"no end after {TIMEOUT} s"
    code_by_path, out_by_path, err_by_path = expected
    ours, theirs = without_names(out), without_names(out_by_path)
    if "/no-ranges/" in url:
        if code < 0:
            return f"ended with signal {-code}"
        if code == 0 and not err and ours != theirs and kind in SAYS_WHAT_IS_MISSING:
            return f"another report, and nothing says why:\n{first_difference(theirs, ours)}"
        return None
    if code != code_by_path:
        return f"exit code {code}, by path {code_by_path}; on stderr: {err.strip()}"
    if ours != theirs:
        return first_difference(theirs, ours)
    if bool(err) != bool(err_by_path):
        return f"on stderr: {err.strip()!r}; by path: {err_by_path.strip()!r}"
    return None


def first_difference(by_path, by_url):
    for left, right in zip(by_path.splitlines() + [""], by_url.splitlines() + [""]):
        if left != right:
            at = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
            begin = max(0, at - 60)
            return f"by path: {left[begin : at + 80].strip()}\n    by URL: {right[begin : at + 80].strip()}"
    return "one of both is longer"


def ways(name, sample):
    """(kind, scheme, way) of the comparisons of a file: all, or some that are others for each file."""
    combinations = [(scheme, way) for scheme in SCHEMES for way in [*map(str, web.BLOCKS), *web.WAYS]]
    if not sample:
        return [(kind, *combination) for kind in KINDS for combination in combinations]
    start = zlib.crc32(name.encode())
    if name.startswith("cut/"):
        return [(list(KINDS)[start % len(KINDS)], *combinations[start % len(combinations)])]
    return [
        (kind, *combinations[(start + i * 5 + j * 3) % len(combinations)])
        for i, (kind, count) in enumerate(KINDS.items())
        for j in range(count)
    ]


def compare(programs, servers, folder, file, sample):
    """Lines about a file, and how many reports were compared, and how many only had to end."""
    expected, lines, counts = {}, [], [0, 0]
    shown = str(file.relative_to(folder))
    for kind, scheme, way in ways(shown, sample):
        if kind not in expected:
            expected[kind] = programs.say(kind, str(file))
        # A query, as presigned URLs have one.
        name = urllib.parse.quote(shown)
        url = f"{scheme}://127.0.0.1:{servers[scheme].server_port}/{way}/{name}?X-Amz-Expires=60"
        counts[way == "no-ranges" and kind not in SAYS_WHAT_IS_MISSING] += 1
        if said := differences(programs, kind, url, expected[kind]):
            lines.append(f"{shown}: {kind} by {scheme}, {way}: {said}")
    return lines, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mediainfo", required=True, help="the program")
    parser.add_argument("--python", required=True, type=Path, help="the folder with pymediainfo and its library")
    parser.add_argument("--ffprobe", required=True, help="the program")
    parser.add_argument("--sample", action="store_true", help="not every way of sending for every file")
    parser.add_argument("folder", type=Path)
    words = parser.parse_args()
    folder = words.folder.resolve()
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    if not files:
        sys.exit(f"{folder}: no files")
    with tempfile.TemporaryDirectory() as temporary:
        pem = web.certificate(temporary, "media.invalid")
        servers = web.serve_files(folder, pem)
        programs = Programs(words, pem)
        totals, different = [0, 0], 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            work = [pool.submit(compare, programs, servers, folder, file, words.sample) for file in files]
            for i, one in enumerate(concurrent.futures.as_completed(work), 1):
                lines, counts = one.result()
                totals = [total + count for total, count in zip(totals, counts)]
                different += len(lines)
                for line in lines:
                    print(line, flush=True)
                if i % 50 == 0:
                    print(f"{i} of {len(files)} files", file=sys.stderr)
    compared, ended = totals
    print(
        f"{compared} comparisons of {len(files)} files, and {ended} runs that only had to end: "
        f"{different} are not as they should be"
    )
    if different:
        sys.exit(1)


if __name__ == "__main__":
    main()
