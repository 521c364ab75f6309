#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run a static analyzer over the shipped sources; no finding is accepted.

  analyze.py clang|gcc|cppcheck
"""
import sys

from common import Report, configure, many, run, shipped
from start import Trouble, start

BASE = ["-std=c11", "-ffreestanding", "-Iinclude", "-O1"]
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
        return source, run(*COMMANDS[which], f"-Iarch/{folder}", source)

    sources = {source: folder for source, folder in shipped().items()
               if source.endswith(".c")}
    for source, (status, output) in many(look, sources.items()):
        if status or "warning:" in output or "error:" in output:
            report.bad(source, output.strip() or f"exit {status}")
    return report.end(f"{len(sources)} sources by {which}")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 1, 1))
