#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Say how the devices of each guest of the demo see memory.

  spaces.py FOLDER     the folder of the demo's logs: build/host/demo

Everything is what the guests said when they ran (examples/guest/report.h: the
lines `space`, `window`, `requester`, `seen`, `row`), so it is never other than
what they are.
"""
import os
import sys
import textwrap

from demo import words_of
from guests import GUESTS
from start import Trouble, start

HEAD = "  {:9}{:14}{:8}{:>18}{:>18}{:>18}  {:8}{}"
DEVICES = "  {:35}{:15}{:65}{}"
# Where no interface says who a device is: by what confines it.
SHOWN = {
    "TCE": "no ID: [1]",
    "model": "no ID: [2]",
    "none": "never at work",
}
NOTES = (
    "seen on the bus: the requester ID in the virtio-iommu's fault event, or "
    "the zPCI function that is in the error state, when the device was told of "
    "private memory; behind bridges, in each numbering of the buses",
    "[1] POWER translates by the LIOBN, which all devices behind a host bridge "
    "share. The requester ID that a device sends is in no interface, and the "
    "hypervisor reports no fault: RTAS knows the device by its config address.",
    "[2] No IOMMU looks at what it sends: none is there, or the device does "
    "not offer ACCESS_PLATFORM, and QEMU lets it past. A channel device is "
    "known by its subchannel, one on PCI by its place.",
)
WIDTH = 116


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


class Device:
    """One on the bus, whatever its rows are called."""

    def __init__(self, words):
        self.names = []
        self.own = [words.get("requester", "?")]
        self.place = words.get("place", "?")
        self.confined = "none"  # of its rows, the one that is not refused
        self.seen = []
        self.by = ""

    def bus(self):
        """What the bus shows of it."""
        if self.seen:
            ids = ", then ".join(dict.fromkeys(self.seen))
            return f"{ids}: {self.by}"
        return SHOWN.get(self.confined, SHOWN["none"])


def devices(lines):
    """Devices by their place, each once; the liar has none."""
    found = {}
    named = {}
    for kind, words in lines:
        name = words.get("device")
        if kind == "row" and words.get("place"):
            device = found.setdefault(words["place"], Device(words))
            device.names.append(name)
            if words.get("confined", "none") != "none":
                device.confined = words["confined"]
            named[name] = device
    for kind, words in lines:
        device = named.get(words.get("device"))
        if device is None:
            continue
        if kind == "seen" and words["requester"] not in device.seen:
            device.seen.append(words["requester"])
            device.by = words.get("by", "?")
        if kind == "requester":
            if words.get("round") == "1":
                device.own, device.seen, device.by = [], [], "fault event"
            device.own.append(words.get("own", "?"))
            device.seen.append(words.get("seen", "?"))
    return found.values()


def table(lines):
    """The devices, and whom the bus takes them for."""
    print(DEVICES.format("device", "ID", "named by the machine",
                         "seen on the bus"))
    for device in devices(lines):
        names = textwrap.wrap(", ".join(device.names), 34)
        own = ", then ".join(dict.fromkeys(device.own))
        print(DEVICES.format(names[0], own, device.place, device.bus()))
        for more in names[1:]:
            print("  " + more)


def show(name, path):
    lines = list(lines_of(path))
    rows = windows(lines)
    if not rows:
        return False
    print(f"\n{name}")
    print(HEAD.format("space", "class", "path", "bus", "gpa", "bytes", "iommu",
                      "filled by"))
    print("\n".join(rows))
    table(lines)
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
    if len(missing) < len(GUESTS):
        print()
        for note in NOTES:
            print(textwrap.fill(note, WIDTH, subsequent_indent="    "))
    if missing:
        print("\nnothing is known of " + ", ".join(missing)
              + ": run `ninja demo`, then `ninja explain` again")
    return 0


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 1, 1))
