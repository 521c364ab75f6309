#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run a static analyzer over the shipped sources; no finding is accepted.

  analyze.py clang|gcc|cppcheck|tidy

clang is the analyzer that scan-build runs. What tidy need not say: UNTIDY.
"""
import sys

from common import Report, configure, many, run, shipped
from start import Trouble, start

BASE = ["-std=c11", "-ffreestanding", "-Iinclude", "-O1"]
# Families of clang-tidy, and what of them is not wanted, with the reason.
TIDY = "bugprone cert concurrency misc performance portability readability"
UNTIDY = {
    "bugprone-easily-swappable-parameters": "an offset beside a length; what "
    "must not be mixed, gpa and bus, differs in type",
    "bugprone-implicit-widening-of-multiplication-result": "bytes of units of "
    "a slab, below 2^32; lengths from outside are 64 bits wide already",
    "bugprone-sizeof-expression": "an assertion that is off is sizeof its "
    "condition",
    "performance-no-int-to-ptr": "a record keeps a buffer's address as a word",
    "readability-braces-around-statements": "style",
    "readability-identifier-length": "style",
    "readability-magic-numbers": "bits of words; specified numbers are named",
    "readability-non-const-parameter": "does not see what an atomic stores",
    "readability-uppercase-literal-suffix": "style",
}
COMMANDS = {
    "clang": ["clang", *BASE, "--analyze", "--analyzer-output", "text",
              "-Xclang", "-analyzer-checker=core,deadcode,nullability,security,"
              "unix,optin.portability,valist",
              "-Xclang", "-analyzer-disable-checker=security."
              "insecureAPI.DeprecatedOrUnsafeBufferHandling"],
    "gcc": ["gcc", *BASE, "-fanalyzer", "-c", "-o", "/dev/null"],
    "cppcheck": ["cppcheck", "--quiet", "--std=c11", "--inline-suppr",
                 "--enable=warning,portability,performance",
                 "--suppress=missingIncludeSystem", "--error-exitcode=1",
                 "--template={file}:{line}: {id}: {message}", "-Iinclude",
                 "-D__CHAR_BIT__=8", "-D__x86_64__"],
    "tidy": ["clang-tidy", "--quiet", "--checks=-*," + ",".join(
        [f"{family}-*" for family in TIDY.split()]
        + [f"-{check}" for check in UNTIDY])],
}


def main():
    which = sys.argv[1]
    if which not in COMMANDS:
        raise Trouble(f"{which}: none of {', '.join(COMMANDS)}")
    report = Report({"gcc": "fanalyzer", "clang": "analyzer"}.get(which, which))

    def look(item):
        source, _ = item
        # Backends compile on the host, too: an analyzer knows one CPU.
        folder = configure.CPUS[configure.HOST].folder
        command = [*COMMANDS[which], f"-Iarch/{folder}", source]
        if which == "tidy":
            command = [*COMMANDS[which], source, "--", *BASE,
                       f"-Iarch/{folder}"]
        return source, run(*command)

    sources = {source: folder for source, folder in shipped().items()
               if source.endswith(".c")}
    for source, (status, output) in many(look, sources.items()):
        if status or "warning:" in output or "error:" in output:
            report.bad(source, output.strip() or f"exit {status}")
    return report.end(f"{len(sources)} sources by {which}")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 1, 1))
