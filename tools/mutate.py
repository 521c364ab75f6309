#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Change the library in small ways, and expect a test to fail each time.

  mutate.py FOLDER [--quick] [--jobs N] [FILE...]

FOLDER holds what `ninja mutate-programs` has built. Mutants: each comparison
turned round and each bound moved by one, each number in the code one up, each
&& and || the other, each + and - the other, in the files of FILES (or those
named). A mutant is killed by the first test that fails, does not end, or does
not compile; one that is not must be argued for in docs/mutants.md:

  | `lib/pool.c` | `claim_large` | `i <= pool->slab_count` | why none can tell |

file, function, and what the changed line has in it that it had not before. What
was found is kept in FOLDER: killed stays killed while the file is the same,
survivors are tried again when a test has changed. --quick: each 16th mutant.
The orders of atomics are the explorer's business (docs/memory-order.md).
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import mutating
from common import ROOT, code, configure, files, functions, line_of, text
from start import Trouble, guarded

FILES = ["lib/window.c", "lib/policy.c", "lib/used.c", "lib/share.c",
         "lib/map.c", "lib/pool.c"]
LIST = "docs/mutants.md"
ROW = re.compile(r"^\| `([^`]+)` \| `(\w+)` \| `(.+?)` \| (.+) \|$", re.M)
QUICK = 16
SECONDS = 60  # a test program that hangs
# What is looked for in code without comments and strings, and what it becomes.
RULES = [
    (r"(?<![<>=!-])<=(?!=)", ["<", ">"]),
    (r"(?<![<>=!-])>=(?!=)", [">", "<"]),
    (r"(?<![<>=!-])<(?![<=])", ["<=", ">="]),
    (r"(?<![<>=!-])>(?![>=])", [">=", "<="]),
    (r"==", ["!="]),
    (r"!=", ["=="]),
    (r"&&", ["||"]),
    (r"\|\|", ["&&"]),
    (r"(?<=[\w)\]] )\+(?= [\w(])", ["-"]),
    (r"(?<=[\w)\]] )-(?= [\w(])", ["+"]),
    (r"(?<![\w.])(\d+)(?=[uUlL]*\b)(?![\w.]*x)", [None]),  # one up
]


class Mutant:
    def __init__(self, path, source, start, end, new):
        self.path, self.start, self.end, self.new = path, start, end, new
        self.line = line_of(source, start)
        first = source.rfind("\n", 0, start) + 1
        last = source.find("\n", end)
        self.old_text = source[first:last].strip()
        self.text = (source[first:start] + new + source[end:last]).strip()
        digest = hashlib.sha256(source.encode()).hexdigest()
        self.key = f"{path}:{start}:{new}:{digest[:16]}"

    def mutated(self, source):
        return source[:self.start] + self.new + source[self.end:]


def mutants_of(path):
    """All of a file, in its order."""
    source, plain, found = text(path), code(path), []
    inside = [(first, last) for _, _, first, last in functions(plain)]
    plain = re.sub(r"^\s*#.*$", lambda m: " " * len(m.group()), plain,
                   flags=re.M)
    for pattern, replacements in RULES:
        for match in re.finditer(pattern, plain):
            line = line_of(plain, match.start())
            if not any(a <= line <= b for a, b in inside):
                continue
            for new in replacements:
                new = new or str(int(match.group(1)) + 1)
                found.append(Mutant(path, source, match.start(), match.end(),
                                    new))
    return sorted(found, key=lambda m: (m.start, m.new))


class Results:
    """What earlier runs found: key -> who killed it, or the tests' digest."""

    def __init__(self, folder):
        self.path = folder / "results.json"
        self.lock = threading.Lock()
        try:
            self.known = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.known = {}
        digest = hashlib.sha256()
        for one in files(".c", ".h", under=["lib", "tests", "arch"]):
            if not one.startswith("tests/explorer/"):
                digest.update(text(one).encode())
        self.tests = digest.hexdigest()

    def get(self, mutant):
        """The killer's name, "" for a survivor, or None."""
        said = self.known.get(mutant.key)
        if said is None or said.startswith("killed "):
            return said and said[7:]
        return "" if said == self.tests else None

    def put(self, mutant, killer):
        with self.lock:
            self.known[mutant.key] = (f"killed {killer}" if killer
                                      else self.tests)
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(self.known, indent=0))
            new.replace(self.path)


class Runner:
    def __init__(self, folder):
        self.folder = folder
        self.cpu = configure.CPUS[configure.HOST].folder
        self.tests = [pathlib.PurePath(one).stem
                      for one in mutating.tests(configure)]
        # Tests that compile a file of the library in: file -> tests.
        self.inside = {}
        for source in mutating.tests(configure):
            for name in re.findall(r'^#include "(\w+\.c)"', text(source), re.M):
                self.inside.setdefault(f"lib/{name}", []).append(source)
        self.out = set()  # tests that fail without a mutant, too
        self.kills = {}  # (file, test) -> times

    def order(self, path):
        """Most likely first: what has killed, then what is called alike."""
        stem = pathlib.PurePath(path).stem
        return sorted(self.tests, key=lambda test: (
            -self.kills.get((path, test), 0), stem not in test, test))

    def compile(self, mutant, place):
        """The shared object with the mutant in it; False: no such program."""
        source = place / pathlib.PurePath(mutant.path).name
        source.write_text(mutant.mutated(text(mutant.path)))
        # Warnings are no errors here, and kill nothing.
        how = [flag for flag in mutating.cflags(self.cpu).split()
               if flag != "-Werror"] + ["-w"]
        done = subprocess.run(["clang", *how, "-I", "lib", "-c", source, "-o",
                               place / "mutant.o"], cwd=ROOT,
                              capture_output=True)
        if done.returncode:
            return False
        objects = [self.folder / (one[:-2] + ".o")
                   for one in mutating.sources(configure)
                   if one != mutant.path]
        subprocess.run(["clang", *how, *mutating.LINK.split(),
                        place / "mutant.o", *objects, "-o",
                        place / mutating.SHARED], cwd=ROOT, check=True)
        return True

    def compile_inside(self, mutant, place):
        """The tests that have the mutant inside; they come first."""
        built = []
        for source in self.inside.get(mutant.path, []):
            how = mutating.cflags(self.cpu).replace("-Werror", "-w").split()
            target = place / pathlib.PurePath(source).stem
            done = subprocess.run(
                ["clang", f"-I{place}", *how, source,
                 place / mutating.SHARED, self.folder / "libbackends.a",
                 "-lcriterion", "-o", target], cwd=ROOT, capture_output=True)
            if done.returncode:
                return None
            built.append(target)
        return built

    def fails(self, test, place):
        process = subprocess.Popen(
            [self.folder / test, "-j1", "--fail-fast", "--timeout=20"],
            cwd=ROOT, env=dict(os.environ, LD_LIBRARY_PATH=str(place)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            return process.wait(SECONDS) != 0
        except subprocess.TimeoutExpired:
            return True
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def leave_out(self):
        """A test that fails without a mutant, too, proves nothing."""
        for test in self.tests:
            if self.fails(test, self.folder):
                self.out.add(test)
                print(f"mutate: {test} fails as it is: left out")

    def kill(self, mutant):
        """Who kills it, or ""."""
        place = self.folder / f"work-{threading.get_ident()}"
        place.mkdir(exist_ok=True)
        built = self.compile(mutant, place) and \
            self.compile_inside(mutant, place)
        if built in (False, None):
            return "the compiler"
        for test in built:
            if self.fails(test, place):
                return test.name
        for test in self.order(mutant.path):
            if test not in self.out and self.fails(test, place):
                key = mutant.path, test
                self.kills[key] = self.kills.get(key, 0) + 1
                return test
        return ""


def escaped(line):
    return line.replace("|", "\\|")


class Argued:
    """The rows of docs/mutants.md, and which of them are of use."""

    def __init__(self):
        self.rows = ROW.findall(text(LIST)) if (ROOT / LIST).is_file() else []
        self.used = set()

    def has(self, mutant):
        name = next((name for name, _, a, b in functions(code(mutant.path))
                     if a <= mutant.line <= b), "")
        for row in self.rows:
            path, function, words, _ = row
            # "<" is not in "<=".
            words = re.escape(words.replace("\\|", "|")) + r"(?![=<>&|])"
            if (path, function) == (mutant.path, name) and \
                    re.search(words, mutant.text) and \
                    not re.search(words, mutant.old_text):
                self.used.add(row)
                return True
        return False


def judge(mutants, results, folder, jobs):
    """Run what is not known; yields nothing, fills results."""
    work = Runner(folder)
    todo = [m for m in mutants if results.get(m) is None]
    done = [0]
    if todo:
        work.leave_out()

    def one(mutant):
        results.put(mutant, work.kill(mutant))
        done[0] += 1
        if done[0] % 10 == 0 or done[0] == len(todo):
            print(f"mutate: {done[0]} of {len(todo)} tried, "
                  f"{mutant.path}:{mutant.line}", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, todo))


def tell(mutants, results):
    argued, open_ones = Argued(), []
    for path in dict.fromkeys(m.path for m in mutants):
        ours = [m for m in mutants if m.path == path]
        alive = [m for m in ours if results.get(m) == ""]
        open_here = [m for m in alive if not argued.has(m)]
        print(f"{path}: {len(ours)} mutants, {len(ours) - len(alive)} killed, "
              f"{len(alive) - len(open_here)} argued, {len(open_here)} open")
        open_ones += open_here
    for m in open_ones:
        print(f"OPEN {m.path}:{m.line}: {escaped(m.text)}")
    return argued, open_ones


def main():
    p = argparse.ArgumentParser(
        description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--jobs", type=int, default=2)
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
    if args.quick:
        mutants = mutants[::QUICK]
    results = Results(folder)
    judge(mutants, results, folder, args.jobs)
    argued, open_ones = tell(mutants, results)
    if not args.quick and set(args.files) == set(FILES):
        for row in argued.rows:
            if row not in argued.used:
                print(f"{LIST}: {row[0]} {row[1]}(): {row[2]} is killed, or is "
                      "no mutant; the row may go")
    print(f"{len(mutants)} rows, {len(mutants) - len(open_ones)} ok")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(guarded(main))
