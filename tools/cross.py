#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Say what the cross tests did, a row a CPU, and add it up: tools/total.py.

  cross.py TARGET LIST                 for ninja: LIST names the stamps
"""
import pathlib
import re
import sys

import crossing
import total
from common import configure
from start import start


def said(stamps, what):
    """What the programs said after "# what: "."""
    logs = [stamp.with_suffix(".log") for stamp in stamps]
    return [word for log in logs if log.is_file() for word in re.findall(
        rf"^# {what}: (.*?)\s*$", log.read_text(errors="replace"), re.M)]


def show(rows):
    """Columns as wide as what is in them; numbers to the right."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(6)]
    for row in rows:
        cells = [str(cell).rjust(width) if i > 2 else str(cell).ljust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells))


def left_out():
    """[why, sources, CPUs] of what does not run everywhere."""
    found = {}
    for name, about in configure.CROSSES.items():
        for why, sources in crossing.missing(configure, about).items():
            found.setdefault(why, (why, sources, []))[2].append(name)
    return found.values()


def main():
    target, stamps = sys.argv[1], total.stamps_of(sys.argv[2])
    rows = [("CPU", "run by", "libc", "threads", "passed", "failed")]
    for name, about in configure.CROSSES.items():
        own = [stamp for stamp in stamps
               if stamp.name.rsplit("-", 1)[0] == name]
        if not own:
            continue
        libcs = sorted(set(said(own, "libc"))) or ["?"]
        threads = max(map(int, said(own, "threads")), default=1)
        rows.append((name, about["run"].split()[0], " and ".join(libcs),
                     threads, *total.add(map(total.count_of, own))))
    show(rows)
    for why, sources, names in left_out():
        tests = ", ".join(pathlib.PurePath(source).stem for source in sources)
        print(f"not on {', '.join(names)}: {tests} ({why})")
    return total.finish(target, stamps)


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, 2))
