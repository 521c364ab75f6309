#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Does docs/assurance.md name what is there, for every invariant?

Each of S1 to S7 has a section with a table and a paragraph "Not covered". What
stands in backquotes and has a slash is there: suite/sentence or suite/* of a
Test(), stress/NAME, fuzz/NAME, check/NAME, prove/NAME, or a file; `ninja NAME`
is a target. A number of tests, as in "30 tests", is at most what the row names.
"""
import re
import sys

import threats
from common import ROOT, Report, configure, text
from manifest import TARGETS
from start import start

DOCUMENT = "docs/assurance.md"
INVARIANTS = [f"S{number}" for number in range(1, 8)]
TARGET = re.compile(r"ninja ([a-z-]+)$")


def named(name, there, known):
    """The tests that a name stands for; None: there is no such thing."""
    suite, _, sentence = name.partition("/")
    if sentence == "*":
        return {one for one in there if one.startswith(f"{suite}/")} or None
    if name in there:
        return {name}
    return set() if name in known or (ROOT / name).exists() else None


def check_line(report, where, line, there, known):
    """The tests that a line names."""
    found = set()
    for name in re.findall(r"`([^`]+)`", line):
        target = TARGET.match(name)
        if target and not re.search(rf"\b{target.group(1)}\b", TARGETS):
            report.bad(where, f"there is no {name}")
        if "/" not in name or name.startswith("suite/"):
            continue
        tests = named(name, there, known)
        if tests is None:
            report.bad(where, f"there is no {name}")
        found |= tests or set()
    for count in re.findall(r"\b(\d+) tests\b", line):
        if line.startswith("|") and found and int(count) > len(found):
            report.bad(where, f"{count} tests, and names {len(found)}")
    return found


def main():
    report = Report("assurance")
    there = threats.tests()
    known = there | threats.others()
    sections = re.split(r"^## (?=S\d)", text(DOCUMENT), flags=re.M)
    titles = [section[:2] for section in sections[1:]]
    if titles != INVARIANTS:
        report.bad(DOCUMENT, f"sections {' '.join(titles)}, and not "
                   f"{' '.join(INVARIANTS)}")
    for section in sections[1:]:
        if not re.search(r"^\*\*Not covered\.\*\* \S", section, re.M):
            report.bad(DOCUMENT, f"{section[:2]} says not what is not covered")
    found = set()
    for number, line in enumerate(text(DOCUMENT).splitlines(), 1):
        found |= check_line(report, f"{DOCUMENT}:{number}", line, there, known)
    return report.end(f"{len(titles)} invariants, {len(found)} of {len(there)} "
                      f"tests named, {len(configure.FUZZ)} fuzzers")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
