#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run fuzzers: replay the committed corpus, go on from there, say what came.

  fuzz.py run FOLDER SECONDS PROGRAM...   each so long, two at a time
  fuzz.py long FOLDER PROGRAM...          in turns of ten minutes, until it is
                                          stopped; a line of progress
  fuzz.py keep FOLDER PROGRAM...          best of what was found -> fuzz/corpus
  fuzz.py lines FOLDER PROGRAM...         lines and branches by target

A program is FOLDER/BUILD/fuzz_NAME; its committed inputs are fuzz/corpus/NAME,
what is found goes to FOLDER/corpus/NAME, an input that fails to
FOLDER/findings. Ends with "N rows, M ok".
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from run import steady
from start import Trouble, start as start_tool

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = max(os.cpu_count() or 1, 1)
TURN = 600  # seconds of a target in `long`
LONGEST = 1024  # bytes of an input
KEPT = 48  # committed inputs of a target, at most
KEPT_BYTES = 6144  # and all of them together


def name_of(program):
    return pathlib.Path(program).name.removeprefix("fuzz_")


def build_of(program):
    return pathlib.Path(program).parent.name


def folders(folder, program):
    """(what was found before, the committed corpus), both there."""
    found = folder / "corpus" / name_of(program)
    found.mkdir(parents=True, exist_ok=True)
    (folder / "findings").mkdir(exist_ok=True)
    committed = ROOT / "fuzz" / "corpus" / name_of(program)
    return [found] + ([committed] if committed.is_dir() else [])


def start(folder, program, seconds, more=()):
    # 0 seconds: only replay. A run of libFuzzer without a limit never ends.
    limit = f"-max_total_time={seconds}" if seconds else "-runs=0"
    findings = folder / "findings" / f"{build_of(program)}-{name_of(program)}-"
    command = steady() + [
        str(pathlib.Path(program).resolve()), limit, f"-max_len={LONGEST}",
        "-print_final_stats=1", "-timeout=25", "-rss_limit_mb=2048",
        f"-artifact_prefix={findings}", *more]
    command += map(str, folders(folder, program))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.STDOUT, errors="replace")


class Row:
    """What a fuzzer said, as it says it."""

    def __init__(self, program):
        self.program = program
        self.runs = self.edges = self.features = 0
        self.lines = []

    def take(self, line):
        self.lines = self.lines[-200:] + [line]
        found = re.match(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+)", line)
        if found:
            self.runs, self.edges, self.features = map(int, found.groups())
        found = re.match(r"stat::number_of_executed_units:\s+(\d+)", line)
        if found:
            self.runs = int(found.group(1))

    def text(self, seconds):
        return (f"{name_of(self.program):12} {build_of(self.program):5} "
                f"{self.runs:10} runs {self.edges:6} edges "
                f"{self.features:7} features {seconds:5.0f} s")


def one(folder, program, seconds):
    """Run one; returns its row and whether it passed."""
    began = time.time()
    row = Row(program)
    process = start(folder, program, seconds)
    for line in process.stdout:
        row.take(line)
    good = process.wait() == 0
    print(row.text(time.time() - began), "" if good else "FAILED", flush=True)
    if not good:
        print("".join(row.lines[-40:]), end="")
        print(f"{program}: the input is in {folder}/findings; run it with the "
              "program to see it again", flush=True)
    return good


def run(folder, seconds, programs):
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(lambda p: one(folder, p, seconds), programs))
    print(f"{len(results)} rows, {sum(results)} ok")
    return 0 if results and all(results) else 1


def turn(folder, programs, totals, began):
    """One turn of as many programs as there are CPUs; False: a finding."""
    running = [(Row(p), start(folder, p, TURN)) for p in programs]
    with concurrent.futures.ThreadPoolExecutor(len(running)) as pool:
        done = [pool.submit(lambda r=row, q=process: [
            r.take(line) for line in q.stdout]) for row, process in running]
        while not all(future.done() for future in done):
            time.sleep(10)
            runs = sum(totals.values()) + sum(r.runs for r, _ in running)
            print(f"{(time.time() - began) / 3600:7.2f} h {runs:12} runs; "
                  + ", ".join(f"{name_of(r.program)} {r.edges} edges"
                              for r, _ in running), flush=True)
    good = True
    for row, process in running:
        totals[row.program] = totals.get(row.program, 0) + row.runs
        if process.wait() != 0:
            print("".join(row.lines[-40:]), end="")
            print(f"{row.program}: FAILED, see {folder}/findings", flush=True)
            good = False
    return good


def for_hours(folder, programs):
    totals, began = {}, time.time()
    while True:
        for first in range(0, len(programs), JOBS):
            if not turn(folder, programs[first:first + JOBS], totals, began):
                return 1


def keep(folder, programs):
    """The smallest inputs that reach all that is reached, within bounds."""
    for program in programs:
        sources = folders(folder, program)
        best = folder / "best" / name_of(program)
        shutil.rmtree(best, ignore_errors=True)
        best.mkdir(parents=True)
        subprocess.run(steady() + [str(pathlib.Path(program).resolve()),
                                   "-merge=1", str(best),
                                   *map(str, reversed(sources))],
                       stderr=subprocess.DEVNULL, check=True)
        target = ROOT / "fuzz" / "corpus" / name_of(program)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        inputs = sorted(best.iterdir(), key=lambda path: path.stat().st_size)
        # Evenly from small to large: all sizes have something to say.
        step = max(len(inputs) / KEPT, 1)
        total = 0
        for path in [inputs[int(i * step)]
                     for i in range(min(KEPT, len(inputs)))]:
            total += path.stat().st_size
            if total > KEPT_BYTES:
                break
            shutil.copy(path, target / path.name[:16])
        print(f"{name_of(program)}: {len(list(target.iterdir()))} of "
              f"{len(inputs)} inputs kept")
    return 0


def counted(program, profile):
    """(lines %, branches %) of lib/ and arch/ by llvm-cov, and by file."""
    text = subprocess.run(
        ["llvm-cov", "export", "-summary-only", program,
         f"-instr-profile={profile}"],
        capture_output=True, text=True, check=True).stdout
    sums = {"lines": [0, 0], "branches": [0, 0]}
    for entry in json.loads(text)["data"][0]["files"]:
        path = pathlib.Path(entry["filename"])
        path = path.relative_to(ROOT) if path.is_absolute() else path
        if path.parts[0] not in ("lib", "arch") or path.parts[1] == "fake":
            continue
        for kind, both in sums.items():
            both[0] += entry["summary"][kind]["covered"]
            both[1] += entry["summary"][kind]["count"]
    return sums


def lines(folder, programs):
    for program in programs:
        raw = folder / f"{name_of(program)}.profraw"
        profile = raw.with_suffix(".profdata")
        os.environ["LLVM_PROFILE_FILE"] = str(raw)
        process = start(folder, program, 0)
        process.communicate()
        subprocess.run(["llvm-profdata", "merge", "-sparse", str(raw), "-o",
                        str(profile)], check=True)
        sums = counted(program, profile)
        print(f"{name_of(program):12} " + ", ".join(
            f"{both[0]} of {both[1]} {kind}" for kind, both in sums.items()),
            flush=True)
    print(f"{len(programs)} rows, {len(programs)} ok")
    return 0


def main():
    what, folder, rest = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    work = {"long": for_hours, "keep": keep, "lines": lines}
    if what == "run" and rest[0].isdigit():
        what, work["run"] = "run", lambda f, r: run(f, int(r[0]), r[1:])
    if what not in work:
        raise Trouble("run FOLDER SECONDS, long, keep or lines FOLDER comes "
                      "first")
    for program in rest[1:] if what == "run" else rest:
        if not pathlib.Path(program).is_file():
            raise Trouble(f"{program}: is missing: ninja fuzz builds it")
    return work[what](folder, rest)


if __name__ == "__main__":
    sys.exit(start_tool(main, __doc__, 3, None))
