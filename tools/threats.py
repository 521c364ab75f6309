#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Is each attack of the catalogue in docs/threats.md, and is it tested?

Every number has one row with no empty cell. What stands in backquotes in the
column of tests is there: suite/sentence of a Test(), stress/NAME, fuzz/NAME,
check/NAME, prove/NAME. The suite named for the attack is among them, whole.
"""
import re
import sys

from common import Report, configure, files, text
from start import start

DOCUMENT = "docs/threats.md"
CATALOGUE = {"A": 18, "B": 27, "C": 16, "D": 12, "E": 10}
CELLS = 5  # number, attack, defence, tests, what is not covered


def tests():
    """All sentences, as suite/sentence."""
    found = set()
    for path in files(".c", under=["tests"]):
        found |= {"/".join(names) for names in re.findall(
            r"^Test\((\w+),\s*(\w+)\)", text(path), re.M)}
    return found


def others():
    """What else can be named."""
    stress = {path.split("/")[-1][:-2] for path in configure.STRESS}
    return ({f"stress/{name}" for name in stress}
            | {f"fuzz/{name}" for name in configure.FUZZ}
            | {f"check/{name}" for name in configure.CHECKS}
            | {f"prove/{name}" for name in getattr(configure, "PROOFS", ())})


def rows():
    """(line number, cells) of each row that begins with a number."""
    for number, line in enumerate(text(DOCUMENT).splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and re.fullmatch(r"[A-Z]\d\d", cells[0]):
            yield number, cells


def check_row(report, where, cells, known):
    """Returns the tests that the row names."""
    name = cells[0]
    if len(cells) != CELLS or not all(cells):
        report.bad(where, f"{name}: {CELLS} cells, none of them empty")
        return set()
    named = set(re.findall(r"`([^`]+)`", cells[3]))
    for one in sorted(named - known):
        report.bad(where, f"{name}: there is no {one}")
    if not any(one.startswith(name.lower() + "/") for one in named):
        report.bad(where, f"{name}: no test of a suite {name.lower()}")
    return named


def main():
    report = Report("threats")
    attacks = [f"{letter}{i:02}" for letter, count in CATALOGUE.items()
               for i in range(1, count + 1)]
    there = tests()
    known = there | others()
    seen, named = [], set()
    for number, cells in rows():
        where = f"{DOCUMENT}:{number}"
        if cells[0] not in attacks or cells[0] in seen:
            report.bad(where, f"{cells[0]} is no attack, or here twice")
        seen.append(cells[0])
        named |= check_row(report, where, cells, known)
    for missing in sorted(set(attacks) - set(seen)):
        report.bad(DOCUMENT, f"{missing} has no row")
    own = {one for one in there if re.match(r"[a-e]\d\d/", one)}
    for one in sorted(own - named):
        report.bad(DOCUMENT, f"{one} is in no row")
    return report.end(f"{len(seen)} attacks, {len(own)} tests of their own, "
                      f"{len(named - own)} others named")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
