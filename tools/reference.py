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
import subprocess
import sys

import docs
from common import ROOT, Report, files, fresh, text
from start import start

BOUNCE = "include/bounce/bounce.h"


def summary(header):
    """Each call of a header with its one sentence, as rows of a table."""
    for name, _, _, _, comment, _ in docs.prototypes(header):
        said = re.search(rf"{name}\(\) - (.*?)\n \*\s*\n", comment, re.S)
        yield (f"<tr><td>{name}()</td><td>"
               + html.escape(re.sub(r"\s*\n \*\s*", " ", said.group(1)), False)
               + "</td></tr>")


def main_page(report, path):
    """What bounce.h says, and every call, in its reading order."""
    source = text(BOUNCE)
    head = re.search(r"/\*\n \* bounce\.h - .*?\n \*\n(.*?)\n \*/", source,
                     re.S)
    parts = re.findall(r"#include <bounce/(\w+\.h)> /\* (.*?) \*/", source)
    if not head or not parts:
        report.bad(BOUNCE, "has no head, or no list of headers")
        return
    lines = ["/** \\mainpage libbounce", ""]
    lines += [re.sub(r"^ \* ?", "", one) for one in head.group(1).split("\n")]
    for header, about in parts:
        rows = list(summary(f"include/bounce/{header}"))
        lines += ["", f"<h3>bounce/{header}: {html.escape(about, False)}</h3>"]
        lines += ["<table>", *rows, "</table>"] if rows else []
    path.write_text("\n".join(lines) + "\n*/\n")


def doxygen(report, folder, version):
    settings = (ROOT / "docs/Doxyfile").read_text()
    page = folder / "main.dox"
    main_page(report, page)
    settings += (f"\nPROJECT_NUMBER = {version}\nOUTPUT_DIRECTORY = {folder}\n"
                 f"INPUT += {page}\n")
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


def polish(report, man, header, name):
    """A function's page: one line of NAME (for whatis), and what to include."""
    page = man / f"{name}.3"
    if not page.is_file():
        return
    page_text, lines = re.subn(rf"^{name} \\- \w+\(\)\n\.PP\n \\- ",
                               rf"{name} \\- ", page.read_text(), flags=re.M)
    page_text, heads = re.subn(r'^\.SS "Functions"\n', "\\\\fB#include "
                               f"<bounce/{header}>\\\\fP\n", page_text,
                               flags=re.M)
    # What it does stands in NAME, and again above the parameters.
    page_text = re.sub(r'^\.SH "Detailed Description"\n.*?(?=^\.SH)', "",
                       page_text, flags=re.M | re.S)
    if (lines, heads) != (1, 1):
        report.bad(name, "doxygen writes its man page in another way now")
    page.write_text(page_text)


def said(path):
    """A page as words, one space apart."""
    plain = re.sub(r"</?(a|em|code)\b[^>]*>", "",
                   path.read_text(errors="replace"))
    plain = re.sub(r"<[^>]*>", " ", plain)
    return " ".join(html.unescape(plain).replace("\N{NO-BREAK SPACE}",
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
    report, functions = Report("docs"), 0
    folder = fresh(sys.argv[1])
    doxygen(report, folder, sys.argv[2])
    rename(folder / "man/man3")
    for header in files(".h", under=["include"]):
        for one in docs.prototypes(header):
            functions += 1
            check_function(report, folder, header.split("/")[-1], one)
            polish(report, folder / "man/man3", header.split("/")[-1], one[0])
    pages = len(list(folder.glob("man/man3/*.3")))
    if not functions:
        report.bad("docs", "found no function")
    return report.end(f"{functions} functions, {pages} man pages; "
                      f"{folder}/html/index.html, man -l {folder}/man/man3/"
                      "bounce_map.3")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, 2))
