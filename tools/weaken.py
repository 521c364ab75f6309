#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Make each memory order of the library weaker, alone and by one step, and
expect a scenario of the explorer to fail.

  weaken.py EXPLORER FOLDER [FUNCTION...]

EXPLORER is the program that `ninja explore` builds; what was found is kept in
FOLDER while that is the same. Steps: seq_cst to acquire, release or acq_rel,
acq_rel to acquire and to release, acquire and release to relaxed, and of a
compare-and-swap the order of failure by itself. Tried are the scenarios in
which a thread makes that access to an atomic that others share, those that have
a control for it first. An order that none of them misses must be argued for in
its row of docs/memory-order.md: "argued: ...", or "argued, to ORDER: ...".
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys

from common import ROOT, code, files, functions, line_of
from orders import ACCESS, KINDS, LIST, WORDS, controls, rows, statement
from start import Trouble, start

NAMES = {"LOAD": "load", "STORE": "store", "AND": "and", "OR": "or",
         "ADD": "add", "EXCHANGE": "exchange", "SWAP": "swap",
         "FENCE": "fence"}
ORDER = re.compile(r"memory_order_(\w+)")
FAILURE = "failure"


def steps(kind, order, failure):
    """What an access's order may become."""
    if order == "seq_cst":
        yield {"LOAD": "acquire", "STORE": "release"}.get(kind, "acq_rel")
    elif order == "acq_rel":
        yield from ("acquire", "release")
    elif order != "relaxed":
        yield "relaxed"
    if failure not in (None, "relaxed") and order != failure:
        yield FAILURE


class Weakened:
    """One order made weaker."""

    def __init__(self, place, name, kind, nth, orders, to):
        self.place, self.name, self.kind, self.nth = place, name, kind, nth
        self.order = orders[-1 if to == FAILURE else 0]
        self.to = to
        self.key = f"{name} {NAMES[kind]} {nth} {to}"

    def __str__(self):
        to = "relaxed on failure" if self.to == FAILURE else self.to
        return (f"{self.place}: {self.name}(), {WORDS[self.kind]} "
                f"{self.nth + 1}: {self.order} to {to}")


def sites():
    """(place, function, kind, its how-manieth in there, orders). The place is
    that of the last line, as the compiler says it of a macro's use."""
    for path in files(".c", ".h", under=["lib"]):
        source = code(path)
        inside, seen = functions(source), {}
        for match in ACCESS.finditer(source):
            said = statement(source, match.end())
            orders = ORDER.findall(said)
            if set(orders) <= {"relaxed"}:
                continue
            line = line_of(source, match.end() + len(said) - 1)
            name = next((name for name, _, a, b in inside if a <= line <= b),
                        "?")
            kind = "FENCE" if match.group(2) else KINDS[match.group(1)]
            nth = seen[name, kind] = seen.get((name, kind), -1) + 1
            yield f"{path}:{line}", name, kind, nth, orders


def weakenings():
    for place, name, kind, nth, orders in sites():
        failure = orders[1] if kind == "SWAP" else None
        for to in steps(kind, orders[0], failure):
            yield Weakened(place, name, kind, nth, orders, to)


class Explorer:
    """The program, and what it found before."""

    def __init__(self, program, folder):
        self.program = program
        digest = hashlib.sha256(program.read_bytes()).hexdigest()
        self.kept = folder / "weakened.json"
        try:
            self.known = json.loads(self.kept.read_text())
        except (OSError, ValueError):
            self.known = {}
        if self.known.get("explorer") != digest:
            self.known = {"explorer": digest, "said": {}}
        if "scenarios" not in self.known:
            self.known["scenarios"] = self.touched()
            self.keep()
        self.controls = controls()

    def keep(self):
        new = self.kept.with_suffix(".new")
        new.write_text(json.dumps(self.known, indent=0))
        new.replace(self.kept)

    def run(self, *words):
        done = subprocess.run([self.program, *words], cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE)
        return done.returncode, done.stdout

    def touched(self):
        """[(group, name, seconds, ["load lib/pool.c:34", ...])]"""
        print("weaken: which scenarios make which accesses", flush=True)
        found = []
        for line in self.run("--touched")[1].splitlines():
            what, _, rest = line.partition(" ")
            if what == "scenario":
                group, seconds, name = rest.split(" ", 2)
                found.append((group, name, float(seconds), []))
            elif what == "touched" and rest not in found[-1][3]:
                found[-1][3].append(rest)
        if not found:
            raise Trouble(f"{self.program} --touched tells no scenario")
        return found

    def scenarios(self, weakened):
        """(group, name) of those that may notice, the likeliest first."""
        said = f"{NAMES[weakened.kind]} {weakened.place}"
        groups = self.controls.get((weakened.name, weakened.kind), ())
        able = [one for one in self.known["scenarios"] if said in one[3]]
        able.sort(key=lambda one: (one[0] not in groups, one[2]))
        return [one[:2] for one in able]

    def killer(self, weakened):
        """The group and scenario that fails, or ""."""
        said = self.known["said"]
        if weakened.key not in said:
            said[weakened.key] = self.search(weakened)
            self.keep()
        return said[weakened.key]

    def search(self, weakened):
        for group, name in self.scenarios(weakened):
            status, out = self.run("--weaker", *weakened.key.split(" "), group,
                                   name)
            if "there is no" in out:
                raise Trouble(f"{weakened}: the explorer knows no such access")
            if status == 0:
                return f"{group}: {name}"
        return ""


def argued(weakened):
    """The row that argues for it, or None."""
    for row in rows():
        name, said, last = row
        if name != weakened.name or \
                not re.search(rf"\b(?:{WORDS[weakened.kind]})s?\b", said):
            continue
        to = re.findall(r"argued, to ([\w ]+):", last)
        if weakened.to in to or ("argued:" in last and not to):
            return row
    return None


def wrong_rows(fates):
    """Rows that argue, of which every weakening was killed. @fates: row ->
    those of its weakenings."""
    for name, said, last in rows():
        if "argued" in last and \
                set(fates.get((name, said, last), ())) <= {"killed"}:
            yield f"{LIST}: {name}(), {said.strip()}: argued, but killed"


def main():
    program, folder = (pathlib.Path(one).resolve() for one in sys.argv[1:3])
    if not program.exists():
        raise Trouble(f"{sys.argv[1]} is not there: run ninja explore")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[3:]
    explorer = Explorer(program, folder)
    counted, fates = {"killed": 0, "argued": 0, "alive": 0}, {}
    for weakened in weakenings():
        if wanted and weakened.name not in wanted:
            continue
        killer = explorer.killer(weakened)
        row = argued(weakened)
        fate = "killed" if killer else "argued" if row else "alive"
        fates.setdefault(row, []).append(fate)
        counted[fate] += 1
        print(f"{fate}: {weakened}" + (f" ({killer})" if killer else ""),
              flush=True)
    total = sum(counted.values())
    wrong = [] if wanted else list(wrong_rows(fates))
    for line in wrong:
        print(line)
    print(f"weaken: {total} orders made weaker, {counted['killed']} killed by "
          f"a scenario, {counted['argued']} argued in {LIST}, "
          f"{counted['alive']} alive")
    print(f"{total + len(wrong)} rows, {total - counted['alive']} ok")
    return 1 if counted["alive"] or wrong else 0


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, None))
