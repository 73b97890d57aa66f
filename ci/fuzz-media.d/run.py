"""Runs the layers' own programs on damaged files and counts what goes beyond the bounds.

usage: run.py N OUT MEDIAINFO FFPROBE FILE...     N mutations per program; - in the place of a program leaves it out

Each must end within 10 s of CPU time, 200 MB and a minute, without a signal, with a report or an error. What does not is
written to OUT, with the program's name in front. The same N and files give the same mutations. Only files up to 200 KB are
taken: with larger ones most of the time goes to reading and to changing what no parser looks at.
"""

import concurrent.futures
import functools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import mutations

CPU, MEGABYTES = 10, 200
# mediainfo reports many files at a time, so its start is not what most of the time goes to.
BATCH = {"mediainfo": 25, "ffprobe": 1}
OPTIONS = {
    "mediainfo": ["--Output=JSON"],
    "ffprobe": ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", "-show_programs"],
}
# What the programs say at a limit. (FFmpeg's decoders speak of limits of their own.)
STOPPED = (b"ParsingStopped", b"The limit can be raised", b"the limit of CPU time is reached")
LARGEST = 10_000_000
LARGEST_SEED = 200_000
# Where temporary files cost no disk.
MEMORY = "/dev/shm"


class Seeds(Sequence):
    """Files, read when they are asked for.

    The kernel counts for a child what its parent had in memory when it started it. With all files in memory here, each
    program would seem to take as much.
    """

    def __init__(self, names):
        self.files = [Path(name) for name in sorted(names)]
        self.files = [file for file in self.files if 16 <= file.stat().st_size <= LARGEST_SEED]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, at):
        return self.files[at].read_bytes()


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def probe(kind, program, files):
    """Exit code, seconds of CPU time, megabytes, stdout and stderr."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = [program, *OPTIONS[kind], *map(str, files)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        # Some seconds more than what is asked for: what needs them is counted, not ended by this.
        resource.prlimit(child.pid, resource.RLIMIT_CPU, (CPU + 5, CPU + 6))
        timer = threading.Timer(60, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read(), err.read()


def verdict(kind, code, cpu, megabytes, out, err):
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    if code not in (0, 1):
        return f"exit code {code}"
    if cpu > CPU:
        return "too long"
    if megabytes > MEGABYTES:
        return "too much memory"
    try:
        json.loads(out.decode("utf-8", "replace"), strict=False)
    except ValueError:
        if not err.strip():
            return "neither a report nor an error"
    return "stopped at a limit" if any(said in err + out for said in STOPPED) else None


def judge(kind, program, files):
    """What is wrong, for each file that something is wrong with."""
    code, cpu, megabytes, out, err = probe(kind, program, files)
    bad = verdict(kind, code, cpu, megabytes, out, err)
    if len(files) == 1:
        return [(files[0], bad, cpu, megabytes)] if bad else []
    if bad is None:
        return []
    half = len(files) // 2
    return judge(kind, program, files[:half]) + judge(kind, program, files[half:])


def batch(kind, program, seeds, numbers, out):
    with tempfile.TemporaryDirectory(prefix="mutations-", dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
        files = []
        for number in numbers:
            name = seeds.files[number % len(seeds)].name
            file = Path(folder, f"{number}-{name}")
            file.write_bytes(mutations.mutated(seeds[number % len(seeds)], seeds, f"{name}:{number}")[:LARGEST])
            files.append(file)
        found = []
        for file, bad, cpu, megabytes in judge(kind, program, files):
            found.append((bad, file.name, cpu, megabytes))
            target = out / f"{kind}-{bad.replace(' ', '-')}"
            target.mkdir(parents=True, exist_ok=True)
            if len(list(target.iterdir())) < 20:
                (target / file.name).write_bytes(file.read_bytes())
        return found


def main(arguments):
    total, out = int(arguments[0]), Path(arguments[1])
    programs = {kind: path for kind, path in zip(("mediainfo", "ffprobe"), arguments[2:4]) if path != "-"}
    seeds = Seeds(arguments[4:])
    failed = False
    for kind, program in programs.items():
        found, done, began, shown = [], 0, time.monotonic(), 0.0
        numbers = range(total)
        batches = [numbers[begin : begin + BATCH[kind]] for begin in range(0, total, BATCH[kind])]
        with concurrent.futures.ProcessPoolExecutor(initializer=limit_memory) as pool:
            run = functools.partial(batch, kind, program, seeds, out=out)
            for some, result in zip(batches, pool.map(run, batches)):
                done += len(some)
                found += result
                if time.monotonic() - shown > 2:
                    shown = time.monotonic()
                    print(f"\r{kind}: {done} of {total}, {len(found)} found", end="", file=sys.stderr, flush=True)
        print("\r", end="", file=sys.stderr)
        counts = Counter(bad for bad, *_ in found)
        allowed = counts.pop("stopped at a limit", 0)
        failed |= bool(counts)
        print(f"{kind}: {total} mutations of {len(seeds)} files in {time.monotonic() - began:.0f} s: {allowed} stopped at a limit", end="")
        print("".join(f", {count} {bad}" for bad, count in sorted(counts.items())) or ", nothing beyond the bounds")
        for bad, name, cpu, megabytes in found:
            if bad != "stopped at a limit":
                print(f"  {bad}: {name}, {cpu:.1f} s, {megabytes:.0f} MB")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__.split("\n\n")[1])
    sys.exit(main(sys.argv[1:]))
