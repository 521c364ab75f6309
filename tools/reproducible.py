#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Are the archives the same bytes, built in another folder by another hand?

  reproducible.py FOLDER ARCHIVE...    ARCHIVE: build/NAME/CPU/libbounce.a

Copies what the library is made of to a folder of another length, and has ninja
build the same archives there: with another umask, language, time zone and home,
and without a compiler cache.
"""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys

from common import ROOT, Report, fresh
from start import Trouble, start

PARTS = ("arch", "include", "lib", "tools")
OTHER = {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "HOME": "/nonexistent",
         "CCACHE_DISABLE": "1"}


def main():
    report = Report("reproducible")
    archives = [pathlib.Path(archive) for archive in sys.argv[2:]]
    for archive in archives:
        if not archive.is_file():
            raise Trouble(f"{archive}: is missing: ninja lib builds it")
    place = fresh(sys.argv[1]) / "a/folder/of/another/length"
    for part in PARTS:
        shutil.copytree(ROOT / part, place / part,
                        ignore=shutil.ignore_patterns("__pycache__"))
    name = archives[0].parent.parent.name
    manifest = "build.ninja" if name == "host" else f"build/{name}.ninja"
    (place / manifest).parent.mkdir(exist_ok=True)
    for file in ("configure.py", manifest):
        shutil.copy(ROOT / file, place / file)
    done = subprocess.run(["ninja", "-j2", "-f", manifest, *archives],
                          cwd=place, env={**os.environ, **OTHER}, umask=0o077,
                          stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        report.bad("ninja", done.stdout.strip())
    for archive in archives:
        other = place / archive
        if not other.is_file():
            report.bad(archive, "is not built there")
        elif not filecmp.cmp(archive, other, shallow=False):
            report.bad(archive, f"is not {other}, byte by byte")
    return report.end(f"{len(archives)} archives built twice, in two folders")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, None))
