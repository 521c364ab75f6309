#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Does docs/memory-order.md have a row for each ordered access of lib/, and is
what its last column says so?

  orders.py           check
  orders.py --list    the accesses, and which scenarios weaken each

A row begins with a function and an access; its last column names scenarios of
tests/explorer/ as `explore: GROUP`, each of which must have a control for that
function and kind of access, or argues ("argued: ..."). The controls themselves
are tried by `ninja explore`.
"""
import re
import sys

from common import Report, code, files, functions, line_of, text
from start import Trouble, start

LIST = "docs/memory-order.md"
KINDS = {
    "load": "LOAD", "store": "STORE", "fetch_and": "AND", "fetch_or": "OR",
    "fetch_add": "ADD", "fetch_sub": "ADD", "exchange": "EXCHANGE",
    "compare_exchange_weak": "SWAP", "compare_exchange_strong": "SWAP",
}
ACCESS = re.compile(r"\batomic_(?:(\w+?)_explicit|thread_(fence))\s*\(")
ORDERED = re.compile(r"memory_order_(acquire|release|acq_rel|seq_cst)")
# What a row's second column says of the kind.
WORDS = {"LOAD": "load", "STORE": "store", "AND": "AND", "OR": "OR",
         "ADD": "addition|subtraction", "EXCHANGE": "exchange", "SWAP": "CAS",
         "FENCE": "fence"}
CONTROL = re.compile(r'\{\s*"(\w+)",\s*EXPLORER_(\w+),\s*(\d+),\s*(\w+)\s*\}')
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \|.*\| ([^|]+) \|$", re.M)


def statement(source, start_at):
    """The arguments of a call, whose opening bracket ends at start_at."""
    depth, at = 1, start_at
    while depth:
        depth += {"(": 1, ")": -1}.get(source[at], 0)
        at += 1
    return source[start_at:at]


def accesses():
    """{(function, kind)} of lib/ that have an order, and where."""
    found = {}
    for path in files(".c", ".h", under=["lib"]):
        source = code(path)
        places = functions(source)
        for match in ACCESS.finditer(source):
            if not ORDERED.search(statement(source, match.end())):
                continue
            line = line_of(source, match.start())
            name = next((name for name, _, a, b in places if a <= line <= b),
                        "?")
            kind = "FENCE" if match.group(2) else KINDS[match.group(1)]
            found.setdefault((name, kind), f"{path}:{line}")
    return found


def controls():
    """{(function, kind): {group}} that scenarios weaken."""
    found = {}
    for path in files(".c", under=["tests/explorer"]):
        group = path.rsplit("/", 1)[-1][:-2]
        for name, kind, _, _ in CONTROL.findall(code_with_strings(path)):
            found.setdefault((name, kind), set()).add(group)
    return found


def code_with_strings(path):
    return re.sub(r"/\*.*?\*/", "", text(path), flags=re.S)


def rows():
    return [(name, said, last.strip())
            for name, said, last in ROW.findall(text(LIST))]


def check_row(report, row, found, weakened):
    name, said, last = row
    kinds = [kind for kind, words in WORDS.items()
             if (name, kind) in found
             and re.search(rf"\b(?:{words})s?\b", said)]
    if not kinds:
        report.bad(LIST, f"{name}(): lib/ has no ordered \"{said.strip()}\"")
    groups = re.findall(r"`explore: (\w+)`", last)
    if not groups and "argued:" not in last:
        report.bad(LIST, f"{name}(), {said.strip()}: neither a scenario nor an "
                   "argument")
    for group in groups:
        if not any(group in weakened.get((name, kind), ()) for kind in kinds):
            report.bad(LIST, f"{name}(), {said.strip()}: {group}.c does not "
                       "weaken it")
    return [(name, kind) for kind in kinds]


def main():
    report = Report("orders")
    found, weakened = accesses(), controls()
    if sys.argv[1:] == ["--list"]:
        for key, place in sorted(found.items(), key=lambda one: one[1]):
            print(f"{place}: {key[0]}() {WORDS[key[1]]}: "
                  f"{' '.join(sorted(weakened.get(key, ()))) or '-'}")
        return 0
    if sys.argv[1:]:
        raise Trouble(f"{sys.argv[1]}: only --list is known")
    told = set()
    for row in rows():
        told.update(check_row(report, row, found, weakened))
    for name, kind in sorted(set(found) - told):
        report.bad(found[name, kind], f"{name}(), {WORDS[kind]}: no row in "
                   f"{LIST}")
    shown = sum(1 for key in found if key in weakened)
    return report.end(f"{len(found)} ordered accesses, {shown} of them "
                      "weakened by a scenario")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 0, 1))
