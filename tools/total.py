#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Add up what tools/run.py counted, in one line; fail if anything failed.

  total.py TARGET LIST                 for ninja: LIST names the stamps;
                                       leaves FOLDER/TARGET.total for:
  total.py --stages FOLDER TARGET...   for .ci/run: all of them together
"""
import pathlib
import sys

from start import Trouble, start


def read(path):
    """(passed, failed) of a file; one that is not there has failed."""
    try:
        passed, failed = path.read_text().split()
        return int(passed), int(failed)
    except (OSError, ValueError):
        return 0, 1


def add(counts):
    counts = list(counts)
    return sum(c[0] for c in counts), sum(c[1] for c in counts)


def stage(folder, target):
    """A stage that did not get as far as its total has failed at least once."""
    total = folder / f"{target}.total"
    if total.exists():
        return read(total)
    passed, failed = add(map(read, (folder / target).glob("*.count")))
    return passed, max(failed, 1)


def stamps_of(names):
    """The stamps that a list names."""
    stamps = [pathlib.Path(name)
              for name in pathlib.Path(names).read_text().split()]
    if not all(stamp.parent.name for stamp in stamps):
        raise Trouble(f"{names}: names no stamps of tools/run.py")
    return stamps


def count_of(stamp):
    return read(stamp.with_suffix(".count"))


def finish(target, stamps):
    """One line for all, after one for each that failed; the exit status."""
    passed, failed = add(map(count_of, stamps))
    if stamps and stamps[0].parent.name == target:
        file = stamps[0].parent.parent / f"{target}.total"
        file.write_text(f"{passed} {failed}\n")
    for stamp in stamps:
        if count_of(stamp)[1]:
            print(f"FAILED {stamp.name}: {stamp.with_suffix('.log')}")
    print(f"{target}: {passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    if sys.argv[1] == "--stages":
        folder = pathlib.Path(sys.argv[2])
        passed, failed = add(stage(folder, name) for name in sys.argv[3:])
        print(f"{passed} passed, {failed} failed")
        return 1 if failed or not passed else 0
    if len(sys.argv) != 3:
        raise Trouble("one TARGET and one LIST; or --stages first")
    return finish(sys.argv[1], stamps_of(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, None))
