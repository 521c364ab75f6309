#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Who touches shared memory, of the shipped archive: copy.c alone (S3, S7).

  lackey.py PROGRAM ARCHIVE FOLDER

Runs PROGRAM (tests/step/loads.c, linked with ARCHIVE) under valgrind's lackey,
which tells each instruction and each access to memory. An access of a library
function, or of what it calls in the C library, to `shared_pages` or
`shared_ring` must be one of the functions of copy.c, whose object is in FOLDER;
and the ring's index is loaded once by each bounce_virtio_used().
"""
import bisect
import pathlib
import subprocess
import sys

from common import Report
from start import Trouble, start

RING_INDEX = 2  # VIRTIO 1.2 section 2.7.8: offset of idx in the used ring


def symbols(path):
    """[(address, size, name)] of what a file defines, by nm."""
    done = subprocess.run(["nm", "-S", "--defined-only", path], check=True,
                          capture_output=True, text=True)
    found = []
    for line in done.stdout.splitlines():
        fields = line.split()
        if len(fields) == 4:
            found.append((int(fields[0], 16), int(fields[1], 16), fields[3]))
    return sorted(found)


def names(path):
    done = subprocess.run(["nm", "--defined-only", path], check=True,
                          capture_output=True, text=True)
    return {line.split()[-1] for line in done.stdout.splitlines()
            if len(line.split()) == 3 and line.split()[1] in "tT"}


class Trace:
    """Follows lackey's output: the function of ours that runs, and what it, or
    the C library for it, touches."""

    def __init__(self, program, archive, folder):
        table = symbols(program)
        self.starts = [address for address, _, _ in table]
        self.table = table
        self.ours = names(archive)
        self.door = names(pathlib.Path(folder) / "copy.o")
        self.where = {name: (address, size) for address, size, name in table}
        self.function = ""
        self.entered = {}  # function -> times
        self.touched = {}  # function -> accesses of shared memory
        self.index_loads = 0

    def area(self, name):
        if name not in self.where:
            raise Trouble(f"the program has no {name}: is it loads.c, linked "
                          "without -pie?")
        return self.where[name]

    def instruction(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0:
            return
        start_at, size, name = self.table[i]
        if address < start_at + size:
            self.function = name
            if address == start_at:
                self.entered[name] = self.entered.get(name, 0) + 1

    def access(self, kind, address):
        for name in ("shared_pages", "shared_ring"):
            first, size = self.where[name]
            if not first <= address < first + size:
                continue
            self.touched[self.function] = self.touched.get(
                self.function, 0) + 1
            if name == "shared_ring" and kind == "L" and \
                    address == first + RING_INDEX and \
                    self.function in self.ours:
                self.index_loads += 1

    def follow(self, lines):
        for line in lines:
            if line.startswith("I "):
                self.instruction(int(line[3:].split(",")[0], 16))
            elif line[:2] in (" L", " S", " M"):
                self.access(line[1], int(line[3:].split(",")[0], 16))


def main():
    report = Report("lackey")
    program, archive, folder = sys.argv[1:]
    trace = Trace(program, archive, folder)
    trace.area("shared_pages")
    trace.area("shared_ring")
    command = ["valgrind", "--tool=lackey", "--trace-mem=yes",
               "--log-fd=1", f"./{program}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL) as process:
        trace.follow(process.stdout)
    if process.returncode:
        report.bad(program, f"ended with {process.returncode}")
    for name, times in sorted(trace.touched.items()):
        if name in trace.ours and name not in trace.door:
            report.bad(name, f"touches shared memory, {times} times")
    calls = trace.entered.get("bounce_virtio_used", 0)
    if trace.index_loads != calls or not calls:
        report.bad("bounce_virtio_used", f"loads the index {trace.index_loads} "
                   f"times in {calls} calls")
    through = sum(times for name, times in trace.touched.items()
                  if name in trace.door)
    if not through:
        report.bad("copy.c", "touches no shared memory: nothing was seen")
    return report.end(f"{through} accesses to shared memory, all by copy.c; "
                      f"{trace.index_loads} loads of an index in {calls} calls")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 3, 3))
