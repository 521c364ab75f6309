# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What the checks share: which files there are, and how to report."""
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import configure  # noqa: E402  the list of what is built
from start import Trouble  # noqa: E402

FOLDERS = ("include", "lib", "arch", "tests", "fuzz", "examples")


class Report:
    """Problems, one line each, and a last line that says what was looked at."""

    def __init__(self, name):
        self.name = name
        self.problems = []

    def bad(self, where, what):
        self.problems.append(f"{where}: {what}")

    def end(self, looked_at):
        for problem in self.problems:
            print(problem)
        print(f"{self.name}: {looked_at}; {len(self.problems)} problems")
        return 1 if self.problems else 0


def files(*suffixes, under=FOLDERS):
    """Files of the project by suffix, as paths relative to ROOT, sorted."""
    return sorted(path.relative_to(ROOT).as_posix()
                  for folder in under for path in (ROOT / folder).rglob("*")
                  if path.suffix in suffixes)


def text(path):
    return (ROOT / path).read_text()


def blank(match):
    """Spaces for a match, so that places stay what they were."""
    return re.sub(r"[^\n]", " ", match.group())


def code(path):
    """A C file's text without comments and strings; lines stay."""
    pattern = r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, text(path), flags=re.S)


def line_of(source, offset):
    return source.count("\n", 0, offset) + 1


def functions(source):
    """(name, parameters, first line, last line) of each definition in a file
    laid out by clang-format: the body's braces stand in the first column."""
    found = []
    for body in re.finditer(r"^\{.*?^\}", source, re.M | re.S):
        head = source[:body.start()]
        # Back to the end of what stands before the definition.
        start = max(head.rfind(end) for end in (";\n", "}\n", "\n\n")) + 1
        head = head[start:]
        match = re.search(r"(\w+)\(", head)
        if not match or re.match(r"\s*(struct|enum|union)\s+\w+\s*$", head):
            continue
        skipped = len(head) - len(head.lstrip())
        name, names = match.group(1), parameters(head[match.end():])
        if name == "Test" and len(names) > 1:  # Criterion: suite, sentence
            name, names = names[1], []
        found.append((name, names,
                      line_of(source, start + skipped),
                      line_of(source, body.end())))
    return found


def parameters(rest):
    """Names between a "(" that was read and its ")"."""
    depth, part, parts = 1, "", []
    for char in rest:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            break
        if char == "," and depth == 1:
            parts.append(part)
            part = ""
        else:
            part += char
    parts.append(part)
    names = []
    for one in parts:
        pointer = re.search(r"\(\*\s*(\w+)\s*\)", one)
        words = re.findall(r"\w+", one)
        if words and words != ["void"]:
            names.append(pointer.group(1) if pointer else words[-1])
    return names


def many(work, items):
    """Run work on each item, a process for each CPU at a time; in order."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


def fresh(folder):
    """An empty folder to write to; what was in it is gone, if it is ours."""
    folder = pathlib.Path(folder).resolve()
    if folder.exists() and ROOT / "build" not in folder.parents:
        raise Trouble(f"{folder}: is there, and not below build/; name another")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def run(*command):
    """(exit code, all that it printed)."""
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    return done.returncode, done.stdout


def shipped():
    """source -> the arch folder whose cpu.h it is compiled with."""
    found = {}
    for cpu in configure.CPUS.values():
        for source in cpu.sources:
            found.setdefault(source, cpu.folder)
    return found
