#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Is what must be written down written down?

Each public prototype: a block with "name() - ", every @parameter, Context:, and
Return: where there is one; each call that returns enum bounce_err names
BOUNCE_OK there and is BOUNCE_MUST_CHECK. Each public struct: a comment above.
Each ordered atomic in lib/: "pairs with" in its statement or in the 12 lines
above; each that is only relaxed: the word there or in the file's head.
README.md shows examples/readme.c; links between documents lead somewhere.
"""
import re
import sys

from common import (ROOT, Report, code, configure, files, line_of, parameters,
                    text)
from start import start

NEAR = 12  # lines above a statement in which its comment may begin
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
ORDERED = re.compile(r"memory_order_(acquire|release|acq_rel|seq_cst|consume)")


def prototypes(path):
    """(name, result, parameters, attributes, comment above, line)."""
    source, plain = text(path), code(path)
    for match in re.finditer(r"^(?!typedef|extern|static|#|struct \w+;)"
                             r"((?:const )?\w[\w \t]*?[\s*]+)(\w+)\(([^;{}]*);",
                             plain, re.M):
        result, name, rest = match.groups()
        if name.isupper() or "{" in result:
            continue
        above = source[:match.start()].rstrip()
        comment = ""
        if above.endswith("*/"):
            comment = above[above.rfind("/*"):]
        yield (name, " ".join(result.split()), parameters(rest),
               rest[rest.rfind(")"):], comment, line_of(source, match.start()))


def check_prototype(report, path, one, documented):
    name, result, names, attributes, comment, line = one
    where = f"{path}:{line}"
    if not comment.startswith("/**") or f"* {name}() - " not in comment:
        report.bad(where, f'{name}() lacks a block "{name}() - "')
        return
    for parameter in names:
        if f"@{parameter}:" not in comment:
            report.bad(where, f"{name}(): @{parameter} is not explained")
    if "Context:" not in comment:
        report.bad(where, f"{name}() lacks Context:")
    returned = re.search(r"Return:(.*)", comment, re.S)
    if result != "void" and not returned:
        report.bad(where, f"{name}() lacks Return:")
    elif result == "enum bounce_err":
        like = re.search(r"as (bounce_\w+)\(\)", returned.group(1))
        if "BOUNCE_OK" not in returned.group(1) and not (
                like and like.group(1) in documented):
            report.bad(where, f"{name}(): Return: does not name BOUNCE_OK")
        if "BOUNCE_MUST_CHECK" not in attributes:
            report.bad(where, f"{name}() lacks BOUNCE_MUST_CHECK")


def check_headers(report):
    known = set(re.findall(r"^\t(BOUNCE_(?:OK|ERR_\w+))",
                           text("include/bounce/types.h"), re.M))
    prototyped, structs = 0, 0
    for path in files(".h", under=["include"]):
        source = text(path)
        found = list(prototypes(path))
        documented = {one[0] for one in found}
        prototyped += len(found)
        for one in found:
            check_prototype(report, path, one, documented)
        for match in re.finditer(r"\bBOUNCE_ERR_\w+", source):
            if match.group() not in known:
                report.bad(f"{path}:{line_of(source, match.start())}",
                           f"{match.group()} is not in types.h")
        for match in re.finditer(r"^(?:typedef )?(struct|enum) (\w+) \{",
                                 source, re.M):
            structs += match.group(1) == "struct"
            if not source[:match.start()].rstrip(" \n").endswith("*/") \
                    and match.group(1) == "struct" \
                    and "typedef" not in match.group():
                report.bad(f"{path}:{line_of(source, match.start())}",
                           f"struct {match.group(2)} lacks a comment above")
        if "_Atomic" in code(path):
            report.bad(path, "_Atomic in a public header: state is opaque")
    return prototyped, structs


def check_valid(report):
    """Every object that the library keeps can be asked whether it is whole."""
    headers = [code(path) for path in files(".h", under=["include"])]
    opaque, plain = ({name for source in headers for name in re.findall(
        rf"^struct bounce_(\w+){end}", source, re.M)} for end in (";", r" \{"))
    asked = {name for source in headers
             for name in re.findall(r"^bool bounce_(\w+)_valid\(", source,
                                    re.M)}
    for name in sorted(opaque - plain - asked):
        report.bad(f"struct bounce_{name}", f"no bounce_{name}_valid()")


def statement(plain, start):
    """First and last line of the statement that an offset is in."""
    first = max(plain.rfind(mark, 0, start) for mark in ";{}") + 1
    first += len(plain[first:]) - len(plain[first:].lstrip())
    ends = [plain.find(mark, start) for mark in ";{"]
    last = min(end for end in ends + [len(plain)] if end >= 0)
    return line_of(plain, first), line_of(plain, last)


def check_orders(report):
    """Ordered and relaxed sites, and what stands beside them."""
    ordered, relaxed = 0, 0
    for path in files(".c", ".h", under=["lib"]):
        source, plain = text(path), code(path)
        lines = source.splitlines()
        head = source[:source.find("\n#")].lower()
        seen = set()
        for match in re.finditer(r"\batomic_\w+_explicit\s*\(", plain):
            first, last = statement(plain, match.start())
            if (first, last) in seen:
                continue
            seen.add((first, last))
            here = "\n".join(lines[first - 1:last])
            near = "\n".join(lines[max(0, first - 1 - NEAR):last])
            said = " ".join(re.sub(r"^\s*\*", "", line) for line in
                            near.splitlines()).lower()
            where = f"{path}:{line_of(plain, match.start())}"
            if ORDERED.search(here):
                ordered += 1
                if "pairs with" not in re.sub(r"\s+", " ", said):
                    report.bad(where, "an order without \"pairs with\"")
            else:
                relaxed += 1
                comments = " ".join(re.findall(r"/\*.*?(?:\*/|$)", near, re.S))
                if "relaxed" not in (comments.lower() + head):
                    report.bad(where, "relaxed, and nothing says why")
    return ordered, relaxed


def check_readme(report):
    try:
        example, readme = text(configure.README), text("README.md")
    except FileNotFoundError as error:
        report.bad(error.filename, "is not there")
        return
    blocks = re.findall(r"^```c\n(.*?)^```", readme, re.M | re.S)
    shown = example.split("/* README */\n")  # before, shown, after
    if len(shown) != 3 or shown[1] not in blocks:
        report.bad("README.md", f"no ```c block is the shown part of "
                   f"{configure.README}")
    command = "./configure.py --install test && ninja test"
    if command not in readme:
        report.bad("README.md", f"does not say: {command}")


def check_links(report):
    links = 0
    documents = files(".md", under=["docs", "lib", "arch", "examples"])
    for path in documents + [d for d in DOCUMENTS if (ROOT / d).is_file()]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(path)):
            if "://" in target or target.startswith("mailto:"):
                continue
            links += 1
            if not ((ROOT / path).parent / target).exists():
                report.bad(path, f"links to {target}, which is not there")
    return links


def main():
    report = Report("docs")
    prototyped, structs = check_headers(report)
    check_valid(report)
    ordered, relaxed = check_orders(report)
    check_readme(report)
    links = check_links(report)
    if not (prototyped and structs and ordered):
        report.bad("docs", "found nothing to look at")
    return report.end(f"{prototyped} prototypes, {structs} structs, {ordered} "
                      f"ordered and {relaxed} relaxed atomics, {links} links")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
