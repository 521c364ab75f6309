#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Count the instructions of the usual ways of a mapping; hold them to bounds.

  instructions.py PROGRAM UNBOUND BOUNDS

PROGRAM is tests/instructions/main.c with the archive that is shipped; UNBOUND
the same with a map.c that does not look at the epoch. BOUNDS is a table: way,
instructions of a map and an unmap at most, why so many. Valgrind counts, so no
load and no machine changes the outcome. What is far below its bound fails, too:
what was won is to be kept.
"""
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from start import Trouble, start

COUNT = 1000  # and twice as many: the difference has no beginning in it
SLACK = 0.85  # of a bound: below it, the bound is to be lowered
EPOCH = "epoch"  # the way that is the difference of the two programs


def bare(program):
    """Without debugging information, over which old valgrinds stumble."""
    path = program.with_name(program.name + "-bare")
    subprocess.run(["strip", "-g", "-o", path, program], check=True)
    return path


def total(program, way, count):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         str(program), way, str(count)], capture_output=True, text=True,
        check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise Trouble(f"{program} {way}: "
                      f"{(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return int(found.group(1))


def pair(program, way):
    """Instructions of one map and unmap."""
    return (total(program, way, 2 * COUNT) - total(program, way, COUNT)) / COUNT


def bounds(path):
    """(way, bound, reason), in their order."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(maxsplit=2)
        if len(words) != 3 or not words[1].isdigit():
            raise Trouble(f"{path}:{number}: not a way, a number and a reason")
        rows.append((words[0], int(words[1]), words[2]))
    if not rows:
        raise Trouble(f"{path}: no bound in it")
    return rows


def judge(way, bound, counted):
    """(good, what is to be said)."""
    said = f"{way}: {counted:.0f} instructions, {bound} at most"
    if counted > bound:
        return False, f"{said}: make it shorter, or say why it has to be longer"
    if way != EPOCH and counted < bound * SLACK:
        return False, f"{said}: lower the bound, so that it stays so"
    return True, said


def main():
    for name in sys.argv[1:]:
        if not pathlib.Path(name).is_file():
            raise Trouble(f"{name}: is missing")
    program, unbound = (bare(pathlib.Path(arg)) for arg in sys.argv[1:3])
    rows = bounds(pathlib.Path(sys.argv[3]))

    def count(row):
        if row[0] == EPOCH:
            return pair(program, "to-64") - pair(unbound, "to-64")
        return pair(program, row[0])

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(count, rows))
    failed = 0
    print(f"1..{len(rows)}")
    for number, ((way, bound, _), counted) in enumerate(zip(rows, counts), 1):
        good, said = judge(way, bound, counted)
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 3, 3))
