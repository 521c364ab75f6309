#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run one test, program or check for ninja, and leave its count.

  run.py criterion|tap|program|check|rows|hours STAMP -- COMMAND...

Writes STAMP.log (what it printed) and STAMP.count ("passed failed"). STAMP is
written when a test or program passed: it runs again when it changes; checks,
demo and what failed run each time. Ends with 0 in any case, so that ninja goes
on to the others; tools/total.py adds the counts up and fails for all.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading

from start import Trouble, start

KINDS = ("criterion", "tap", "program", "check", "rows", "hours")
SECONDS = 900  # a test that hangs fails
HOURS = 4 * 3600  # rows of a tool that bounds each of its steps itself
SHOWN = ("rows", "hours")
LASTING = ("criterion", "program", "tap")  # passed until something changes


def steady():
    """Sanitizers of this age cannot start under much address randomness."""
    bits = pathlib.Path("/proc/sys/vm/mmap_rnd_bits")
    try:
        many = int(bits.read_text()) > 28
    except OSError:
        many = False
    if many and shutil.which("setarch"):
        probe = ["setarch", "-R", "true"]
        if subprocess.run(probe, capture_output=True).returncode == 0:
            return probe[:2]
    return []


def run(command, log, show, seconds):
    """Returns (exit code, output); the whole process group ends with it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, errors="replace",
                               start_new_session=True)
    timer = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    lines = []
    with open(log, "w") as out:
        for line in process.stdout:
            lines.append(line)
            out.write(line)
            if show:
                print(line, end="", flush=True)
    code = process.wait()
    timer.cancel()
    return code, "".join(lines)


def count_rows(output, code):
    """The last line of tools/demo.py: "10 rows, 9 ok"."""
    found = re.findall(r"^(\d+) rows, (\d+) ok$", output, re.M)
    if not found:
        return 0, 1
    rows, good = map(int, found[-1])
    return good, max(rows - good, 1 if code else 0)


def count(kind, code, output, tap):
    """(passed, failed) of one command."""
    if kind in SHOWN:
        return count_rows(output, code)
    if kind not in ("criterion", "tap"):
        return (0, 1) if code else (1, 0)
    text = output
    if kind == "criterion":
        text = tap.read_text(errors="replace") if tap.exists() else ""
    skipped = len(re.findall(r"^ok .*# SKIP", text, re.M))
    passed = len(re.findall(r"^ok ", text, re.M)) - skipped
    failed = len(re.findall(r"^not ok ", text, re.M))
    plan = re.search(r"^1\.\.(\d+)", text, re.M)
    planned = int(plan.group(1)) - skipped if plan else 0
    # A binary that dies, or has no test, must not look like success.
    failed = max(failed, planned - passed, 1 if code or not passed else 0)
    return passed, failed


def main():
    kind, stamp = sys.argv[1], pathlib.Path(sys.argv[2])
    command = sys.argv[4:]
    if kind not in KINDS or sys.argv[3] != "--":
        raise Trouble("KIND STAMP -- COMMAND..., and KIND is one of "
                      + " ".join(KINDS))
    tap = stamp.with_suffix(".tap")
    for old in (stamp, tap):
        old.unlink(missing_ok=True)
    if kind == "criterion":
        command = [*command, f"--tap={tap}", "-j1"]
    if kind in ("criterion", "program"):
        command = steady() + command
    shown = kind in SHOWN
    code, output = run(command, stamp.with_suffix(".log"), shown,
                       HOURS if kind == "hours" else SECONDS)
    passed, failed = count(kind, code, output, tap)
    stamp.with_suffix(".count").write_text(f"{passed} {failed}\n")
    if failed:
        print(f"{stamp.name}: FAILED, exit {code}: {' '.join(command)}")
    if (failed or kind == "check") and not shown:
        print(output, end="")
    elif not failed and kind in LASTING:
        stamp.touch()


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 4, None))
