"""Measures what a probe by URL costs, beside the same version without our patches, and writes a table.

usage: measure.py RUNS NAME=OURS=STOCK ... -- FILE...     NAME is mediainfo or ffprobe, OURS and STOCK are programs

Needs GNU time. Every file is asked for RUNS times by http on the loopback, with nothing and with 30 ms before each answer,
both programs in turn. Of each figure the median counts. How many answers were waited for follows from the two times.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare
import web

DELAY = 0.03
COLUMNS = [
    "answers waited for",
    "requests",
    "MB served",
    "ms",
    "ms with 30 before each answer",
    "CPU ms",
    "MB of memory",
]
# Times of few milliseconds and sizes of few kilobytes are no difference.
NO_DIFFERENCE = [0.5, 0.5, 0.05, 5, 5, 5, 0.5]


class Delayed(web.Files):
    """Files by their number: the way is the delay in milliseconds."""

    files: list

    def do_GET(self):
        _, delay, number, _ = self.path.split("/")
        time.sleep(int(delay) / 1000)
        self.send_file(self.files[int(number)], 65_536)


def run(program, words, url, server):
    """Seconds, seconds of CPU, megabytes of memory, requests and megabytes of one probe."""
    server.requests = server.bytes = 0
    started = time.monotonic()
    # The peak that wait4 knows is that of this process, if it was larger when it started the other one.
    argv = ["time", "--format=%M", "--output=/dev/fd/3", program, *words, url]
    with tempfile.TemporaryFile() as peak:
        child = subprocess.Popen(
            ["sh", "-c", 'exec "$@" 3<&0 </dev/null', "sh", *argv],
            stdin=peak,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        peak.seek(0)
        kilobytes = int(peak.read().split()[-1])
    # A server notices a little later that nobody reads on.
    time.sleep(0.02)
    return (
        seconds,
        usage.ru_utime + usage.ru_stime,
        kilobytes / 1000,
        server.requests,
        server.bytes / 1e6,
        os.waitstatus_to_exitcode(status),
    )


def medians(runs):
    return [statistics.median(column) for column in zip(*runs)]


def measure(programs, words, server, number, name, count):
    """For both programs: answers waited for, requests, MB, ms without and with delay, CPU ms, memory MB, exit code."""
    made = []
    results = {(program, delay): [] for program in programs for delay in (0, 30)}
    for _ in range(count):
        for program, delay in results:
            url = f"http://127.0.0.1:{server.server_port}/{delay}/{number}/{name}"
            results[program, delay].append(run(program, words, url, server))
    for program in programs:
        fast, slow = medians(results[program, 0]), medians(results[program, 30])
        waits = max(round((slow[0] - fast[0]) / DELAY), 1)
        made.append((waits, fast[3], fast[4], fast[0] * 1000, slow[0] * 1000, fast[1] * 1000, fast[2], fast[5]))
    return made


def main():
    if "--" not in sys.argv:
        sys.exit(__doc__)
    count, *subjects = sys.argv[1 : sys.argv.index("--")]
    files = [Path(file) for file in sys.argv[sys.argv.index("--") + 1 :]]
    server = web.Server(type("DelayedFiles", (Delayed,), {"files": files}))
    for subject in subjects:
        name, ours, stock = subject.split("=")
        words = compare.MEDIAINFO if name == "mediainfo" else compare.FFPROBE
        print(f"\n## {name}\n")
        print(f"| file | {' | '.join(COLUMNS)} |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        worse = {column: [] for column in COLUMNS}
        for number, file in enumerate(files):
            our, their = measure([ours, stock], words, server, number, file.name, int(count))
            cells = [f"{a:.{d}f} / {b:.{d}f}" for a, b, d in zip(our, their, [0, 0, 2, 0, 0, 0, 1])]
            failed = "" if their[-1] == 0 else " (stock fails)" if our[-1] == 0 else " (both fail)"
            print(f"| {file.name}{failed} | {' | '.join(cells)} |", flush=True)
            print(f"{name}: {number + 1} of {len(files)} files", file=sys.stderr)
            if their[-1] == 0:
                for column, least, a, b in zip(COLUMNS, NO_DIFFERENCE, our, their):
                    worse[column] += [file.name] if a > b * 1.05 and a - b > least else []
        print("\nWorse than stock by more than 5 %:\n")
        for column, names in worse.items():
            print(f"- {column}: {len(names)} of {len(files)} files{': ' if names else ''}{', '.join(names)}")


if __name__ == "__main__":
    main()
