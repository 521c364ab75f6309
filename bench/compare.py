#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Tell what changed between two runs, beyond their noise.

  bench/compare.py A B [--tails] [--all]

A and B are files of results. Peers take turns, and those that are not libbounce
are the same code in both runs: what moves them is the machine's doing. So a time
is looked at as it is, and divided by that of each of them in its cell; it has
changed by the least of these changes, and not at all if they disagree. That
counts when it is more than for 90 % of the unchanged peers (of as many threads,
and of the same kind), three times the spread of its own slices, and 3 %. Times
are those of the best slice, which a busy machine moves least. A number that no
noise moves (instructions, bytes, calls) has changed when it did at all.
"""
import argparse
import math
import sys

from results import Trouble, key_of, load

OURS = {"bounce", "claim"}
UNCHANGED = ["atomics", "copy", "debian", "repaired"]
TIMES = ["best"]
TAILS = ["p99", "p999"]
EXACT = {"instructions": ["count"], "footprint": ["bytes"],
         "metadata": ["bytes"], "monitor": ["calls"],
         "mixed": ["overlooked", "per_byte", "failed"], "stopped": ["waits"]}
# A change by less is none: a part, or of numbers that may be 0 the number.
LEAST = {"best": 0.03, "p99": 0.15, "p999": 0.5}
PLAIN = {"failed": 0.1, "per_byte": 0.02, "waits": 0, "count": 0, "bytes": 0,
         "calls": 0, "overlooked": 0}


def words_of(key):
    skip = {"pool": 64.0, "align": 0.0, "lanes": 1.0}
    return " ".join(f"{k}={v:g}" if isinstance(v, float) else v
                    for k, v in key if skip.get(k) != v)


def kind_of(result, name):
    return result["kind"], min(result.get("lanes", 1), 3), name


def pairs(a, b, times):
    """(before, after, name) of every number that both have."""
    after = {key_of(r): r for r in b.all}
    for old in a.all:
        new = after.get(key_of(old))
        if new is None or old["kind"] == "noise":
            continue
        names = EXACT.get(old["kind"], [])
        for name in names + (times if "mean" in old else []):
            if name in old and name in new:
                yield old, new, name


def cell_of(result):
    return tuple(x for x in key_of(result) if x[0] != "peer")


def unchanged_in(results):
    """Cell -> peer -> result, of the peers that are not libbounce."""
    found = {}
    for peer in UNCHANGED:
        for r in results.find(peer=peer):
            found.setdefault(cell_of(r), {})[peer] = r
    return found


class Changes:
    """How a time changed, once the machine's own doing is taken off."""

    def __init__(self, a, b, times):
        self.before, self.after = unchanged_in(a), unchanged_in(b)
        moved = {}
        for old, new, name in pairs(a, b, times):
            if old.get("peer") in UNCHANGED and name in times:
                moved.setdefault(kind_of(old, name), []).append(
                    abs(self.change(old, new, name)))
        self.bounds = {kind: sorted(found)[len(found) * 90 // 100]
                       for kind, found in moved.items()}

    def change(self, old, new, name):
        """The logarithm of it: the least of all ways to look at it."""
        before = self.before.get(cell_of(old), {})
        after = self.after.get(cell_of(old), {})
        if min(old[name], new[name]) <= 0:
            return 0.0
        raw = math.log(new[name] / old[name])
        found = [raw]
        for peer in before:
            if peer == old["peer"] or peer not in after:
                continue
            one, two = before[peer].get(name, 0), after[peer].get(name, 0)
            if min(one, two) > 0:
                found.append(raw - math.log(two / one))
        same = min(found) > 0 or max(found) < 0
        return min(found, key=abs) if same else 0.0

    def judge(self, old, new, name):
        """(part that it changed by, is that beyond noise?)"""
        if name in PLAIN:
            gone = new[name] - old[name]
            part = gone / old[name] if old[name] else math.inf if gone else 0.0
            return part, abs(gone) > PLAIN[name] * max(1.0, abs(old[name]))
        change = self.change(old, new, name)
        spread = math.hypot(old.get("spread", 0), new.get("spread", 0)) / 100
        bound = max(math.log1p(LEAST[name]), 3 * spread,
                    self.bounds.get(kind_of(old, name), 0))
        return math.expm1(change), abs(change) > bound


def compare(a, b, times):
    """(part, words, name, old, new, beyond noise), least first; the bounds."""
    changes = Changes(a, b, times)
    found = []
    for old, new, name in pairs(a, b, times):
        if old.get("peer") not in OURS:
            continue
        part, more = changes.judge(old, new, name)
        found.append((part, words_of(key_of(old)), name, old[name], new[name],
                      more))
    return sorted(found, key=lambda x: x[0]), changes.bounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                     usage=argparse.SUPPRESS,
                                     formatter_class=argparse.
                                     RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--tails", action="store_true",
                        help="also p99 and p99.9")
    parser.add_argument("--all", action="store_true",
                        help="also what did not change")
    args = parser.parse_args()
    a, b = load(args.a), load(args.b)
    times = TIMES + (TAILS if args.tails else [])
    found, bounds = compare(a, b, times)
    if not found:
        raise Trouble("the two runs have nothing in common")
    changed = [x for x in found if x[5]]
    for part, words, name, old, new, more in found:
        if more or args.all:
            mark = " " if not more else "-" if part < 0 else "+"
            print(f"{mark} {part:+8.1%}  {name:10} {old:>10.6g} -> "
                  f"{new:<10.6g} {words}")
    less = sum(x[0] < 0 for x in changed)
    bound = bounds.get(("fixed", 1, "best"), 0.0)
    print(f"{len(found)} numbers of libbounce: {less} fell and "
          f"{len(changed) - less} rose beyond noise (90 % of the unchanged "
          f"peers, one thread, moved by less than {bound:.1%})")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Trouble, OSError) as trouble:
        sys.exit(f"compare.py: {trouble}")
