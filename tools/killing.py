# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How tools/mutate.py tries a mutant: one file is compiled, linked with the
objects of the others to a shared object, and the unit tests, which find it by
its name, are run until one fails.

Which tests come first: those that run the changed line at all, as gcc's
coverage says of the library as it is; among them those that have killed most in
the least time. A mutant whose object code is that of the original is no change.
"""
import hashlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

import mutating
from common import ROOT, code, configure, files, functions, run, text
from start import Trouble

SECONDS = 60  # a program that waits for ever
CPU_SECONDS = 3  # a test that counts for ever; plus what the program takes
# Same behaviour: the same code by any of these.
COMPILERS = [["clang", "-O2"], ["gcc", "-O2"], ["clang", "-O3"],
             ["gcc", "-O3"], ["gcc", "-O1"]]
SAME = "same"
COMPILER = "the compiler"  # has killed what does not compile


def tests_digest():
    """Of all that a test's outcome depends on."""
    digest = hashlib.sha256()
    for one in files(".c", ".h", under=["include", "lib", "tests", "arch"]):
        if not one.startswith("tests/explorer/"):
            digest.update(text(one).encode())
    return digest.hexdigest()


def limited(seconds):
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return limit


class Programs:
    """The test programs in a folder, run with a library of another."""

    def __init__(self, folder, quick):
        self.folder = folder
        self.names = mutating.QUICK if quick else [
            pathlib.PurePath(one).stem for one in mutating.tests(configure)]
        self.seconds = {}  # of the library as it is

    def fails(self, program, place):
        """Does it fail, or not end, with the library in @place?"""
        seconds = CPU_SECONDS + int(4 * self.seconds.get(program.name, 2))
        process = subprocess.Popen(
            [program, "-j1", "--fail-fast"], cwd=ROOT,
            env=dict(os.environ, LD_LIBRARY_PATH=str(place)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=limited(seconds))
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

    def timed(self, name, place):
        before = time.monotonic()
        if self.fails(self.folder / name, place):
            raise Trouble(f"{name} fails as it is; a mutant proves nothing")
        return time.monotonic() - before


class Covered:
    """Which lines of the files each test runs; found once, and kept."""

    def __init__(self, programs, paths, how):
        self.programs, self.paths, self.how = programs, paths, how
        self.kept = programs.folder / "covered.json"
        self.lines = {}  # path -> line -> tests

    def load(self, digest):
        try:
            kept = json.loads(self.kept.read_text())
        except (OSError, ValueError):
            kept = {}
        if kept.get("digest") != digest or \
                not set(self.paths) <= set(kept["lines"]):
            kept = {"digest": digest, **self.measure()}
            self.kept.write_text(json.dumps(kept))
        self.programs.seconds = kept["seconds"]
        self.lines = {path: {int(line): tests for line, tests in lines.items()}
                      for path, lines in kept["lines"].items()}

    def measure(self):
        print("mutate: which tests run which lines", flush=True)
        place = self.programs.folder / "covered"
        place.mkdir(exist_ok=True)
        built = [self.compile(path, place) for path in self.paths]
        link(self.programs.folder, self.paths, built, place, ["--coverage"])
        seconds, lines = {}, {path: {} for path in self.paths}
        for name in self.programs.names:
            seconds[name] = self.programs.timed(name, self.programs.folder)
            self.programs.timed(name, place)
            for path, line in self.read(place):
                lines[path].setdefault(str(line), []).append(name)
        return {"seconds": seconds, "lines": lines}

    def compile(self, path, place):
        target = place / (pathlib.PurePath(path).stem + ".o")
        subprocess.run(["gcc", *self.how, "-O0", "--coverage",
                        "-fprofile-update=atomic", "-c", path, "-o", target],
                       cwd=ROOT, check=True)
        return target

    def read(self, place):
        """(path, line) that were run since the last time."""
        for path in self.paths:
            data = place / (pathlib.PurePath(path).stem + ".gcda")
            if not data.exists():
                continue
            _, said = run("gcov", "-t", "-j", str(data))
            data.unlink()
            for one in json.loads(said)["files"]:
                if one["file"] == path:
                    yield from ((path, line["line_number"])
                                for line in one["lines"] if line["count"])

    def tests(self, mutant):
        """Those that run the mutant's line, or the one that begins what it
        goes on with. A macro may be anywhere in its file."""
        known = self.lines[mutant.path]
        place = next((one for one in functions(code(mutant.path))
                      if one[0] == mutant.where), None)
        if place is None:
            return {test for tests in known.values() for test in tests}
        before = max((line for line in known if line < mutant.line),
                     default=0)
        near = [line for line in (before, mutant.line)
                if place[2] <= line <= place[3]]
        return {test for line in near for test in known.get(line, [])}


def link(folder, paths, built, place, more=()):
    """The shared object, of @built in place of the objects of @paths."""
    others = [folder / (one[:-2] + ".o")
              for one in mutating.sources(configure) if one not in paths]
    subprocess.run(["gcc" if more else "clang", *more, "-pthread",
                    *mutating.LINK.split(), *built, *others, "-o",
                    place / mutating.SHARED], cwd=ROOT, check=True)


class Runner:
    def __init__(self, folder, paths, quick, budget):
        self.folder, self.budget = folder, budget
        self.programs = Programs(folder, quick)
        cpu = configure.CPUS[configure.HOST].folder
        # Warnings are no errors here, and kill nothing.
        self.how = [flag for flag in mutating.cflags(cpu).split()
                    if flag not in ("-Werror", "-g")] + ["-w", "-g0", "-Ilib"]
        self.covered = None if quick else \
            Covered(self.programs, paths, self.how)
        # Tests that compile a file of the library in: file -> name -> source.
        self.inside = {}
        for source in mutating.tests(configure):
            for name in re.findall(r'^#include "(\w+\.c)"', text(source), re.M):
                self.inside.setdefault(f"lib/{name}", {})[
                    pathlib.PurePath(source).stem] = source
        self.kills = {}  # (file, test) -> times
        self.originals = {}  # (path, compiler) -> its object
        self.place = folder / "work"
        self.place.mkdir(exist_ok=True)

    def ready(self, digest):
        if self.covered:
            self.covered.load(digest)

    def killed_by(self, path, test):
        key = path, test
        self.kills[key] = self.kills.get(key, 0) + 1

    def order(self, mutant):
        """Most likely first: what has killed, what is called alike, each by
        the time that it takes."""
        stem = pathlib.PurePath(mutant.path).stem
        tests = self.covered.tests(mutant) if self.covered else \
            self.programs.names
        tests = {*tests, *self.inside.get(mutant.path, {})}

        def worth(test):
            chance = self.kills.get((mutant.path, test), 0)
            chance += 1.0 if stem in test else 0.2
            return chance / (self.programs.seconds.get(test, 0.2) + 0.1)
        return sorted(tests, key=lambda test: (-worth(test), test))

    def object_of(self, path, source, compiler):
        """Its bytes, or None: no such program."""
        place = self.place / pathlib.PurePath(path).name
        place.write_text(source)
        target = self.place / "mutant.o"
        done = subprocess.run([*compiler[:1], *self.how, *compiler[1:], "-c",
                               place, "-o", target], cwd=ROOT,
                              capture_output=True)
        return target.read_bytes() if done.returncode == 0 else None

    def compile(self, mutant, compiler):
        """(is there an object, is it what it is without the change)."""
        key = mutant.path, *compiler
        source = text(mutant.path)
        if key not in self.originals:
            self.originals[key] = self.object_of(mutant.path, source, compiler)
        made = self.object_of(mutant.path, mutant.mutated(source), compiler)
        return made is not None, made == self.originals[key]

    def program(self, mutant, test):
        """A test's program: one that has the mutant inside is compiled."""
        source = self.inside.get(mutant.path, {}).get(test)
        if source is None:
            return self.folder / test
        target = self.place / test
        subprocess.run(["clang", f"-I{self.place}", *self.how, source,
                        self.place / mutating.SHARED,
                        self.folder / "libbackends.a", "-lcriterion", "-o",
                        target], cwd=ROOT, check=True)
        return target

    def kill(self, mutant):
        """Who kills it; "" nobody; SAME: it is none, by the compiler; None:
        nobody who takes no longer than the budget."""
        made, same = self.compile(mutant, ["clang"])
        if not made or same:
            return COMPILER if not made else SAME
        link(self.folder, [mutant.path], [self.place / "mutant.o"], self.place)
        left = self.budget
        for test in self.order(mutant):
            if left <= 0:
                break
            left -= self.programs.seconds.get(test, 0.2)
            if self.fails(self.program(mutant, test)):
                self.killed_by(mutant.path, test)
                return test
        if any(self.compile(mutant, compiler)[1] for compiler in COMPILERS):
            return SAME
        return "" if left > 0 else None

    def fails(self, program):
        return self.programs.fails(program, self.place)
