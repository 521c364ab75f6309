#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Does docs/sources.md say what the code cites, and nothing else?

Each row names a document, the words that cite it, and files: each of them must
be there, and have those words. Each paragraph that begins with "Source:" in a
comment cites a row, or a document of the project.
"""
import re
import sys

from common import ROOT, Report, files, line_of, text
from start import start

LIST = "docs/sources.md"
ROW = re.compile(r"^\| [^|]+ \| `([^`]+)` \| ((?:`[^`]+` ?)+)\|$", re.M)
OURS = ("design.md", "memory-order.md", "the arch's own file")


def flat(path):
    """A file as words, one space apart, without what frames comments."""
    return " ".join(re.sub(r"^\s*(?:/?\*+/?|#)", "", text(path),
                           flags=re.M).split())


def main():
    report = Report("sources")
    rows = ROW.findall(text(LIST))
    known = {cited for cited, _ in rows}
    for cited, places in rows:
        for path in re.findall(r"`([^`]+)`", places):
            if not (ROOT / path).is_file():
                report.bad(LIST, f"{path} is not there")
            elif cited not in flat(path):
                report.bad(path, f"does not cite \"{cited}\"")
    paragraphs = 0
    for path in files(".c", ".h", ".S", ".inc", ".ld"):
        source = text(path)
        for match in re.finditer(r"\bSources?:(.*?)(?:\n\s*\*\s*\n|\*/)",
                                 source, re.S):
            paragraphs += 1
            said = " ".join(re.sub(r"^\s*\*", "", match.group(1),
                                   flags=re.M).split())
            if not any(one in said for one in (*known, *OURS)):
                report.bad(f"{path}:{line_of(source, match.start())}",
                           f"cites what {LIST} does not have: {said[:60]}")
    if not rows or not paragraphs:
        report.bad(LIST, "found nothing to compare")
    return report.end(f"{len(rows)} documents, {paragraphs} citations")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
