#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run the benchmark: all of it, or in a minute the part that changes most.

  bench/run.py PROGRAM FOLDER [--quick]

PROGRAM is bounce-bench. FOLDER (--quick: FOLDER/quick) gets results.txt, the run
before it as before.txt, and benchmarks.md with its plots; a full run also
writes docs/benchmarks.md.
"""
import argparse
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

import plan
import report
from results import Results, Trouble, load

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNT = 2000  # pairs; as many again for the difference


class Progress:
    """One line: how far, what now, how long yet."""

    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.monotonic()
        self.live = sys.stdout.isatty()
        self.shown = -1

    def show(self, title):
        gone = time.monotonic() - self.start
        percent = 100 * self.done // self.total
        if self.live:
            left = f", about {gone * (self.total - self.done) / self.done:.0f}"\
                   " s left" if self.done > 3 else ""
            print(f"\r\033[K[{percent:3} %] {gone:3.0f} s{left}: {title}",
                  end="", flush=True)
        elif percent // 10 > self.shown:
            self.shown = percent // 10
            print(f"[{percent:3} %] {gone:3.0f} s: {title}", flush=True)
        self.done += 1

    def end(self):
        gone = time.monotonic() - self.start
        print(("\r\033[K" if self.live else "") + f"measured in {gone:.0f} s")


def run(command):
    """Standard output, or the reason in one line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Trouble(f"{' '.join(command[1:3])}: "
                      f"{lines[-1] if lines else f'status {done.returncode}'}")
    return done


def instructions(program, peer, size, how):
    """Of one pair, by valgrind: the difference of two runs; no noise."""
    def total(count):
        out = run(["valgrind", "--tool=callgrind",
                   "--callgrind-out-file=/dev/null", str(program), "count",
                   f"peers={peer}", "pool=16", f"sizes={size}", f"hows={how}",
                   f"count={count}"]).stderr
        found = re.search(r"Collected : (\d+)", out)
        if not found:
            raise Trouble("valgrind counted nothing")
        return int(found.group(1))
    return (total(2 * COUNT) - total(COUNT)) / COUNT


def cpu_name():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*:\s*(.*)", text, re.M)
    return found.group(1).strip() if found else platform.machine()


def about(program, quick):
    digest = program.parent / "linux" / "sha256"
    return {
        "run": "quick" if quick else "full",
        "cpu": f"{cpu_name()}, {os.cpu_count()} CPUs",
        "kernel": platform.release().split("-")[0],
        "load": " ".join(f"{x:.1f}" for x in os.getloadavg()),
        "swiotlb": digest.read_text().strip() if digest.is_file() else "?",
    }


def measure(program, quick):
    # Old valgrinds stumble over new debug information.
    bare = program.with_name(program.name + "-bare")
    run(["strip", "-o", str(bare), str(program)])
    calls = list(plan.quick() if quick else plan.full())
    counted = plan.COUNTED_QUICK if quick else plan.COUNTED
    lines = [f"# {k}: {v}" for k, v in about(program, quick).items()]
    progress = Progress(len(calls) + len(counted))
    for title, words in calls:
        progress.show(title)
        said = run([str(program), *words]).stdout.splitlines()
        if not said:
            raise Trouble(f"{program} measures nothing: ninja bench builds "
                          "one that does")
        lines += said
    for peer, size, how in counted:
        progress.show(f"instructions of {peer}, {size} B, {how}")
        lines.append(f"kind=instructions peer={peer} size={size} how={how} "
                     f"count={instructions(bare, peer, size, how):.1f}")
    lines.append("# load at the end: "
                 + " ".join(f"{x:.1f}" for x in os.getloadavg()))
    progress.end()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     usage=argparse.SUPPRESS,
                                     formatter_class=argparse.
                                     RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        raise Trouble("no valgrind: ./configure.py --install bench")
    lines = measure(args.program.resolve(), args.quick)
    folder = args.folder / "quick" if args.quick else args.folder
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.txt"
    if file.is_file():
        file.replace(folder / "before.txt")
    file.write_text("\n".join(lines) + "\n")
    results = load(file)
    report.write(results, folder)
    if not args.quick:
        report.publish(folder, ROOT / "docs")
    print(report.verdicts(results))
    print(f"{file}; {folder / 'benchmarks.md'}"
          + ("" if args.quick else "; docs/benchmarks.md"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Trouble, OSError) as trouble:
        sys.exit(f"run.py: {trouble}")
    except KeyboardInterrupt:
        sys.exit("run.py: interrupted")
