#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Words, comments, blanks, columns, licence lines.

No unfinished-work words, no commented-out code, no trailing blanks, 80 columns
with tabs of 8, an SPDX line first, and a comment that says what the file is.
In lib/: pairs and counts are named in one way.
"""
import re
import sys

from common import Report, code, files, line_of, text
from start import start

# In two parts, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|st" r"ub|"
                        r"place" r"holder|not imp" r"lemented|unimp"
                        r"lemented)\b")
# Statements inside a comment: a line that ends as only code does.
DEAD = re.compile(r"^[\s*/]*(\w[\w\s*>.\[\]-]*=[^=].*|return\b.*|"
                  r"(if|for|while)\s*\(.*|\w+\([^()]*\)|"
                  r"(struct|enum|unsigned|int|char|bool|\w+_t)\b[\w\s*]+);"
                  r"\s*(\*/)?$|"
                  r"^\s*#\s*if\s+0\b")
# Pairs and counts have one form each (style: init/fini, claim/release, _count).
GLOSSARY = {"num_": "_count", "create": "init", "destroy": "fini"}
COLUMNS = 80
SPDX = "SPDX-License-Identifier: BSD-2-Clause-Patent"
OTHERS = ["configure.py", ".ci/run", "README.md", "CONTRIBUTING.md",
          "SECURITY.md"]


def check_lines(report, path, source):
    for number, line in enumerate(source.splitlines(), 1):
        where = f"{path}:{number}"
        found = UNFINISHED.search(line)
        if found:
            report.bad(where, f"unfinished? {found.group()}")
        if line != line.rstrip():
            report.bad(where, "trailing blanks")
        wide = len(line.expandtabs(8))
        if wide > COLUMNS and not path.endswith(".md"):
            report.bad(where, f"{wide} columns, {COLUMNS} at most")
    if source and not source.endswith("\n"):
        report.bad(path, "the last line does not end")


def check_head(report, path, source):
    lines = source.splitlines() or [""]
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 \
        else lines[0]
    if SPDX not in first:
        report.bad(path, "the licence line is not first")
    if path.endswith((".c", ".h", ".S")):
        head = lines[1:3]
        name = path.rsplit("/", 1)[-1]
        if head[:1] != ["/*"] or name not in "".join(head):
            report.bad(path, f"does not begin by saying what {name} is")


def check_comments(report, path, source):
    for match in re.finditer(r"/\*.*?\*/", source, re.S):
        # A comment that begins with code is dead code; an example in a comment
        # comes after a sentence.
        first = next((line for line in match.group().splitlines()
                      if line.strip("/* \t")), "")
        if DEAD.match(first):
            report.bad(f"{path}:{line_of(source, match.start())}",
                       f"code? {first.strip()}")
    for match in re.finditer(r"^\s*#\s*if\s+0\b.*|//.*", code(path), re.M):
        report.bad(f"{path}:{line_of(source, match.start())}",
                   f"code? {match.group().strip()}")


def check_words(report, path):
    source = code(path)
    for word, better in GLOSSARY.items():
        for match in re.finditer(rf"\b(?:bounce_)?(?:\w+_)?{word}\w*", source):
            report.bad(f"{path}:{line_of(source, match.start())}",
                       f"{match.group()}: say {better}")


def main():
    report = Report("names")
    sources = files(".c", ".h", ".S") + files(".py", under=["tools"])
    lines = 0
    for path in sources + files(".ld") + files(".md", under=["docs", "lib",
                                                            "arch"]) + OTHERS:
        try:
            source = text(path)
        except FileNotFoundError:
            report.bad(path, "is not there")
            continue
        lines += source.count("\n")
        check_lines(report, path, source)
        if not path.endswith(".md"):
            check_head(report, path, source)
        if path.endswith((".c", ".h")):
            check_comments(report, path, source)
        if path.startswith("lib/") and path.endswith((".c", ".h")):
            check_words(report, path)
    return report.end(f"{len(sources)} sources, {lines} lines, "
                      f"{len(GLOSSARY)} words avoided")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
