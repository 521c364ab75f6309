#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Is every C file laid out as .clang-format says?

  format.py [--fix]    --fix lays it out
"""
import sys

from common import Report, files, many, run
from start import Trouble, start


def look(path):
    return path, run("clang-format", "--dry-run", "--Werror", path)


def main():
    report = Report("format")
    sources = files(".c", ".h")
    if sys.argv[1:] == ["--fix"]:
        return run("clang-format", "-i", *sources)[0]
    if sys.argv[1:]:
        raise Trouble(f"{sys.argv[1]}: only --fix is known")
    for path, (status, output) in many(look, sources):
        if status:
            line = output.split(":", 2)[1] if output.count(":") > 1 else "1"
            report.bad(f"{path}:{line}", f"{output.count('error:')} places: "
                       "tools/format.py --fix")
    return report.end(f"{len(sources)} files")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 0, 1))
