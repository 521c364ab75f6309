#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Make the reference of the public headers, and look at what came out.

  reference.py FOLDER VERSION    writes FOLDER/html and FOLDER/man

Doxygen reads the headers through tools/doxyfilter.py, as docs/Doxyfile says.
Fails on each of its warnings, and when a public function has no man page, or a
parameter or the end of a line of its block is not in its page of the HTML.
"""
import html
import pathlib
import re
import shutil
import subprocess
import sys

import docs
from common import ROOT, Report, files


def doxygen(report, folder, version):
    settings = (ROOT / "docs/Doxyfile").read_text()
    settings += f"\nPROJECT_NUMBER = {version}\nOUTPUT_DIRECTORY = {folder}\n"
    done = subprocess.run(["doxygen", "-"], cwd=ROOT, input=settings, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for line in done.stderr.splitlines():
        report.bad("doxygen", line.replace(f"{ROOT}/", ""))
    if done.returncode:
        report.bad("doxygen", f"exit {done.returncode}")


def rename(man):
    """A function and a struct of one name: the function has the page."""
    for page in man.glob("*_call.3"):
        name = page.name[:-len("_call.3")]
        struct = man / f"{name}.3"
        struct.rename(man / f"{name}_struct.3")
        struct.write_text(page.read_text().replace(f"{name}_call", name))
        page.unlink()


def said(path):
    """A page as words, one space apart."""
    text = re.sub(r"</?(a|em|code)\b[^>]*>", "",
                  path.read_text(errors="replace"))
    text = re.sub(r"<[^>]*>", " ", text)
    return " ".join(html.unescape(text).replace("\N{NO-BREAK SPACE}",
                                                " ").split())


def page_of(folder, name):
    """Doxygen's name of a group's page."""
    start = folder / "html" / f"group__{name.replace('_', '__')}"
    other = start.with_name(start.name + "__call.html")
    return other if other.is_file() else start.with_suffix(".html")


def check_function(report, folder, header, one):
    """A man page, and in the HTML all that the block says."""
    name, _, parameters, _, comment, _ = one
    man = folder / "man/man3" / f"{name}.3"
    if not man.is_file() or "Function Documentation" not in man.read_text():
        report.bad(name, "has no man page")
    if not page_of(folder, name).is_file():
        report.bad(name, "has no page in the HTML")
        return
    page = said(page_of(folder, name))
    for parameter in parameters:
        if not re.search(rf"\b{parameter}\b", page):
            report.bad(name, f"{parameter} is not in the HTML")
    plain = re.sub(r"\n \* ?", "\n", comment).replace(
        "head of this file", f"head of {header}")
    for line in plain.splitlines():
        # The end of each line of the block, as far as it is plain words.
        tail = re.search(r"(?:^| )[a-z][a-z ,.;]{8,}$", line)
        if tail and " ".join(tail.group().split()) not in page:
            report.bad(name, f"\"{tail.group().strip()}\" is not in the HTML")


def main():
    folder = pathlib.Path(sys.argv[1])
    report, functions = Report("docs"), 0
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    doxygen(report, folder, sys.argv[2])
    rename(folder / "man/man3")
    for header in files(".h", under=["include"]):
        for one in docs.prototypes(header):
            functions += 1
            check_function(report, folder, header.split("/")[-1], one)
    pages = len(list(folder.glob("man/man3/*.3")))
    if not functions:
        report.bad("docs", "found no function")
    return report.end(f"{functions} functions, {pages} man pages; "
                      f"{folder}/html/index.html, man -l {folder}/man/man3/"
                      "bounce_map.3")


if __name__ == "__main__":
    sys.exit(main())
