#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Does every tool refuse bad input with one line and a failing exit?

Each is started without arguments (unless it takes none), with an option that
nobody has, and with one to four files that cannot be: below a file there is no
folder, so that nothing is written.
"""
import re
import subprocess
import sys

from common import ROOT, Report, many, text
from start import start

FOLDERS = ("tools", "bench")
NOWHERE = "README.md/nothing"
SECONDS = 60


def tools():
    """Programs, not modules."""
    paths = ["configure.py"] + sorted(
        path.relative_to(ROOT).as_posix() for folder in FOLDERS
        for path in (ROOT / folder).glob("*.py"))
    return [path for path in paths
            if re.search(r'^if __name__ == "__main__":$', text(path), re.M)]


def bad_inputs(tool):
    """Argument lists; a tool that ninja runs without any takes none."""
    alone = tool == "configure.py" or re.search(
        r"start(_tool)?\(main, __doc__(, 0, (\d|None))?\)", text(tool))
    return ([] if alone else [[]]) + [["--no-such-option"]] + [
        [NOWHERE] * count for count in range(1, 5)]


def refuse(job):
    tool, arguments = job
    try:
        done = subprocess.run([sys.executable, "-B", tool, *arguments],
                              cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=SECONDS,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return tool, arguments, 0, f"nothing for {SECONDS} s"
    return tool, arguments, done.returncode, done.stdout.strip()


def main():
    report = Report("refusals")
    jobs = [(tool, arguments) for tool in tools()
            for arguments in bad_inputs(tool)]
    for tool, arguments, code, said in many(refuse, jobs):
        where = " ".join([tool, *arguments])
        if code == 0:
            report.bad(where, "takes it")
        if said.count("\n") or not said or "Traceback" in said:
            report.bad(where, f"says not one line:\n{said}")
    return report.end(f"{len(tools())} tools, {len(jobs)} bad inputs")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
