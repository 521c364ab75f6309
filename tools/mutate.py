#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Change the library in small ways, and expect a test to fail each time.

  mutate.py FOLDER [--quick] [--budget SECONDS] [FILE...]

FOLDER holds what `ninja mutate-programs` has built. Mutants: each comparison
turned round and each bound moved by one, each number in the code one up, each
&& and || the other, each + and - the other, in the files of mutants.py (or
those named). A mutant is killed by the first unit test that fails, or does not
end. One that is not is none, if the compiler makes the same code of it; or it
must be argued for in docs/mutants.md, where each row must speak for one.

What was found is kept in FOLDER: killed stays killed while the function is the
same, what is left is tried again when a test has changed. --quick: each 24th,
but for those that are argued for. --budget: look for a killer no longer than
that, and tell what is left: a first look at a file that has changed.
"""
import argparse
import json
import pathlib
import sys

import killing
import mutating
from common import ROOT
from killing import COMPILER, SAME
from mutants import FILES, LIST, Argued, escaped, mutants_of
from start import Trouble, guarded

QUICK = 24


class Results:
    """What earlier runs found: key -> "killed NAME", "same", or the digest of
    the tests that did not notice."""

    def __init__(self, folder):
        self.path = folder / "results.json"
        try:
            self.known = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.known = {}
        self.tests = killing.tests_digest()

    def get(self, mutant):
        """The killer's name, "" for a survivor, "same", or None: unknown."""
        said = self.known.get(mutant.key)
        if said is None or said == SAME:
            return said
        if said.startswith("killed "):
            return said[7:]
        return "" if said == self.tests else None

    def put(self, mutant, killer):
        self.known[mutant.key] = killer if killer == SAME else \
            f"killed {killer}" if killer else self.tests
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.known, indent=0))
        new.replace(self.path)


def judge(mutants, results, work):
    """Try what is not known."""
    todo = [m for m in mutants if results.get(m) is None]
    for mutant in mutants:
        if results.get(mutant) not in (None, "", SAME, COMPILER):
            work.killed_by(mutant.path, results.get(mutant))
    if todo:
        work.ready(results.tests)
    for done, mutant in enumerate(todo, 1):
        killer = work.kill(mutant)
        if killer is not None:
            results.put(mutant, killer)
        if not killer:
            print(f"mutate: {'no' if killer == '' else 'no quick'} test saw "
                  f"{mutant.path}:{mutant.line}: {mutant.text}", flush=True)
        if done % 20 == 0 or done == len(todo):
            print(f"mutate: {done} of {len(todo)} tried", flush=True)
    return todo


def check_killers(mutants, results, work):
    """A test that fails without a mutant, too, has killed nothing."""
    killers = {results.get(m) for m in mutants}
    for name in sorted(killers - {None, "", SAME, COMPILER}):
        if work.programs.fails(work.folder / name, work.folder):
            raise Trouble(f"{name} fails as it is; remove "
                          f"{results.path}, and try again")


def count(mutants, results, argued):
    """(one line of figures, those that are open)."""
    said = [results.get(m) for m in mutants]
    same, alive = said.count(SAME), said.count("")
    left = [m for m in mutants if results.get(m) == "" and not argued.row(m)]
    return (f"{len(mutants)} mutants, {len(mutants) - same - alive} killed, "
            f"{same} the same by the compiler, {alive - len(left)} argued, "
            f"{len(left)} alive"), left


def tell(mutants, results, argued):
    for path in dict.fromkeys(m.path for m in mutants):
        print(f"{path}: " + count([m for m in mutants if m.path == path],
                                  results, argued)[0])
    figures, left = count(mutants, results, argued)
    for m in left:
        print(f"alive: {m.path}:{m.line}: {m.where}(): {escaped(m.text)}")
    return figures, left


def idle_rows(mutants, results, argued, paths):
    """Rows that speak for no mutant that lives."""
    used = {argued.row(m) for m in mutants if results.get(m) == ""}
    named = {argued.row(m): results.get(m) for m in mutants}
    for row in argued.rows:
        if row[0] in paths and row not in used:
            said = named.get(row)
            yield (f"{LIST}: {row[0]} {row[1]}(): {row[2]}: "
                   + ("there is no such mutant" if row not in named else
                      "the compiler makes the same of it" if said == SAME
                      else f"killed by {said}"))


def main():
    p = argparse.ArgumentParser(
        description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--budget", type=float, default=float("inf"))
    p.add_argument("files", nargs="*", default=FILES)
    args = p.parse_intermixed_args()
    folder = args.folder.resolve()
    if not (folder / mutating.SHARED).exists():
        raise Trouble(f"{args.folder} has no {mutating.SHARED}: run ninja "
                      "mutate-programs")
    for path in args.files:
        if not (ROOT / path).is_file():
            raise Trouble(f"there is no {path}")
    mutants = [m for path in args.files for m in mutants_of(path)]
    argued, results = Argued(), Results(folder)
    if args.quick:
        mutants = [m for m in mutants[::QUICK] if not argued.row(m)]
    work = killing.Runner(folder, args.files, args.quick, args.budget)
    judge(mutants, results, work)
    check_killers(mutants, results, work)
    figures, left = tell(mutants, results, argued)
    idle = [] if args.quick else \
        list(idle_rows(mutants, results, argued, args.files))
    for line in idle:
        print(line)
    print(f"mutate: {figures}")
    bad = len(left) + len(idle)
    print(f"{len(mutants) + len(idle)} rows, {len(mutants) - len(left)} ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
