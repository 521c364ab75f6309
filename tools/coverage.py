#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run the unit tests, counting, and name each line and branch that none takes.

  coverage.py FOLDER PROGRAM...    FOLDER: the objects, compiled with --coverage

Counted are lib/ and the shipped part of arch/. Fails below 95 % of the lines or
90 % of the branches, when a test fails, and when a function has more uncovered
lines or branches than docs/coverage.md argues for. There, a row of a table is

  | `lib/pool.c` | `claim` | 0 | 1 | why no test gets there |

file, function, and the most lines and branches that it may leave uncovered. A
row that is no longer needed is named, and is no failure: some branches are
taken only when two threads meet.
"""
import json
import pathlib
import re
import subprocess
import sys

import run as runner
from common import ROOT, Report, code, functions, many, shipped, text
from start import start

LINES, BRANCHES = 95, 90  # percent, at least
LIST = "docs/coverage.md"
ROW = re.compile(r"^\| `([^`]+)` \| `(\w+)` \| (\d+) \| (\d+) \| (.+) \|$",
                 re.M)
OUTSIDE = "file_scope"  # of what stands in no function


def run_tests(report, folder, programs):
    """All programs, from clean counters."""
    for old in pathlib.Path(folder).rglob("*.gcda"):
        old.unlink()

    def one(program):
        command = [*runner.steady(), f"./{program}", "-j1"]
        return program, subprocess.run(command, cwd=ROOT, timeout=300,
                                       stdin=subprocess.DEVNULL,
                                       capture_output=True).returncode
    for program, status in many(one, programs):
        if status:
            report.bad(program, f"failed, exit {status}")


def counts(folder):
    """file -> {line: (times, [times of each branch])}."""
    folders = sorted({str(pathlib.PurePath(source).parent)
                      for source in shipped()})
    command = ["gcovr", "--root", ".", "--object-directory", folder, "-j2",
               "--exclude-unreachable-branches", "--json", "-"]
    for one in folders + ["arch/x86"]:
        command += ["--filter", re.escape(one) + "/"]
    done = subprocess.run(command + [folder], cwd=ROOT, check=True, text=True,
                          stdout=subprocess.PIPE)
    return {one["file"]: {
        line["line_number"]: (line["count"],
                              [way["count"] for way in line["branches"]])
        for line in one["lines"] if not line.get("gcovr/noncode")}
        for one in json.loads(done.stdout)["files"]}


def lost_in(path, lines):
    """function -> ([uncovered lines], [lines with uncovered branches])."""
    places = {}
    for name, _, first, last in functions(code(path)):
        places.update(dict.fromkeys(range(first, last + 1), name))
    lost = {}
    for line, (times, ways) in sorted(lines.items()):
        if times and all(ways):
            continue
        one = lost.setdefault(places.get(line, OUTSIDE), ([], []))
        if not times:
            one[0].append(line)
        one[1].extend([line] * ways.count(0))
    return lost


def ranges(lines):
    """[1, 2, 3, 7, 7] as "1-3 7 7"."""
    said = []
    for line in lines:
        if said and line == said[-1][1] + 1:
            said[-1][1] = line
        else:
            said.append([line, line])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in said)


def argued(report):
    """(file, function) -> (lines, branches) that may stay uncovered."""
    rows = {}
    for path, name, lines, branches, _ in ROW.findall(text(LIST)):
        if not (ROOT / path).is_file() or name not in [
                OUTSIDE, *(one[0] for one in functions(code(path)))]:
            report.bad(LIST, f"{path} has no {name}()")
        rows[path, name] = int(lines), int(branches)
    return rows


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def tell(report, found):
    """The table, and what is uncovered without an argument."""
    rows, seen = argued(report), set()
    total = [0, 0, 0, 0]  # lines run, lines; branches taken, branches
    print(f"{'lines':>7} {'branches':>9}")
    for path, lines in sorted(found.items()):
        ways = [way for _, all_ways in lines.values() for way in all_ways]
        one = [sum(1 for times, _ in lines.values() if times), len(lines),
               sum(1 for way in ways if way), len(ways)]
        total = [a + b for a, b in zip(total, one)]
        print(f"{percent(*one[:2]):6.1f}% {percent(*one[2:]):8.1f}%  {path}")
        for name, (dead, partial) in lost_in(path, lines).items():
            most = rows.get((path, name), (0, 0))
            seen.add((path, name))
            fine = len(dead) <= most[0] and len(partial) <= most[1]
            said = (f"{name}(): lines {ranges(dead) or '-'}; "
                    f"branches {ranges(partial) or '-'}")
            print(f"{'':19} {'argued' if fine else 'OPEN  '} {said}")
            if not fine:
                report.bad(path, f"{name}(): {len(dead)} lines and "
                           f"{len(partial)} branches uncovered, {most[0]} and "
                           f"{most[1]} argued in {LIST}")
    for path, name in sorted(set(rows) - seen):
        print(f"{path}: {name}() is covered; its row in {LIST} may go")
    return percent(*total[:2]), percent(*total[2:])


def main():
    report = Report("coverage")
    folder, programs = sys.argv[1], sys.argv[2:]
    run_tests(report, folder, programs)
    found = counts(folder)
    lines, branches = tell(report, found)
    if lines < LINES:
        report.bad("lines", f"{lines:.1f} % of {LINES} %")
    if branches < BRANCHES:
        report.bad("branches", f"{branches:.1f} % of {BRANCHES} %")
    return report.end(f"{len(found)} files, {lines:.1f} % of the lines, "
                      f"{branches:.1f} % of the branches")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, None))
