#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Say how the devices of each guest of the demo see memory.

  spaces.py FOLDER     the folder of the demo's logs: build/host/demo

Everything is what the guests said when they ran (examples/guest/guest.h: the
lines `space`, `window`, `requester`, `row`), so it is never other than what
they are.
"""
import os
import sys
import textwrap

from demo import words_of
from guests import GUESTS
from start import Trouble, start

HEAD = "  {:9}{:14}{:8}{:>18}{:>18}{:>18}  {:8}{}"


def lines_of(path):
    """The console's lines: kind and words."""
    with open(path, encoding="ascii", errors="replace") as log:
        for line in log:
            kind, _, rest = line.strip().partition(" ")
            yield kind, words_of(rest)


def windows(lines):
    """Rows of the table, each once: islands are alike."""
    classes = {words.get("name"): words.get("class", "?")
               for kind, words in lines if kind == "space"}
    rows = []
    for kind, words in lines:
        if kind != "window":
            continue
        name = words.get("space", "?")
        row = HEAD.format(
            name, classes.get(name, "?"), words.get("path", "?"),
            *(words.get(key, "?") for key in ("bus", "gpa", "len")),
            words.get("iommu", "?"), words.get("filled_by", "?"))
        if row not in rows:
            rows.append(row)
    return rows


def requesters(lines):
    """Devices by their IDs: of their own, and as the IOMMU saw them."""
    own = {words["device"]: words["requester"] for kind, words in lines
           if kind == "row" and "requester" in words}
    seen = {}
    for kind, words in lines:
        if kind == "requester":
            own[words.get("device")] = words.get("own", "?")
            seen.setdefault(words.get("device"), []).append(
                words.get("seen", "?"))
    return [f"{device} {id_}" + (" seen as " + ", then ".join(seen[device])
                                 if device in seen else "")
            for device, id_ in own.items() if device not in ("liar", None)]


def show(name, path):
    lines = list(lines_of(path))
    rows = windows(lines)
    if not rows:
        return False
    print(f"\n{name}")
    print(HEAD.format("space", "class", "path", "bus", "gpa", "bytes", "iommu",
                      "filled by"))
    print("\n".join(rows))
    print(textwrap.fill("requester IDs: " + "; ".join(requesters(lines)), 116,
                        initial_indent="  ", subsequent_indent="    "))
    return True


def main():
    if os.path.isfile(os.path.dirname(sys.argv[1])):
        raise Trouble(f"{sys.argv[1]}: is no folder of the demo's logs")
    print("\nSpaces of the demo's guests, as they said (hexadecimal; 0 bytes: "
          "to the end)")
    missing = []
    for guest in GUESTS:
        path = os.path.join(sys.argv[1], f"{guest.name}.log")
        if not os.path.isfile(path) or not show(guest.name, path):
            missing.append(guest.name)
    if missing:
        print("\nnothing is known of " + ", ".join(missing)
              + ": run `ninja demo`, then `ninja explain` again")
    return 0


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 1, 1))
