# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What tools/mutate.py changes, and what docs/mutants.md says of it.

A row of the list names a file, a function (or a macro), what the changed line
has in it that it had not before, and why nobody can tell:

  | `lib/pool.c` | `claim_large` | `i <= pool->slab_count` | why none can tell |
"""
import hashlib
import re

from common import ROOT, code, functions, line_of, text

FILES = ["lib/pool.c", "lib/map.c", "lib/share.c", "lib/window.c",
         "lib/policy.c", "lib/used.c"]
LIST = "docs/mutants.md"
ROW = re.compile(r"^\| `([^`]+)` \| `(\w+)` \| `(.+?)` \| (.+) \|$", re.M)
# What is looked for in code without comments and strings, and what it becomes:
# a comparison moved by one, and turned round; None: a number one up.
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
    (r"(?<![\w.])(\d+)(?=[uUlL]*\b)(?![\w.]*x)", [None]),
]
MACRO = re.compile(r"^#define (\w+)\b(.*(?:\\\n.*)*)", re.M)


def bare(source):
    """Without comments, and with one space for any."""
    source = re.sub(r"/\*.*?\*/", " ", source, flags=re.S)
    return re.sub(r"\s+", " ", source)


class Mutant:
    """@body: where the function, or macro, begins and ends in @source."""

    def __init__(self, path, where, source, body, span, new):
        self.path, self.where, self.new = path, where, new
        self.start, self.end = span
        self.line = line_of(source, self.start)
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        self.old_text = source[first:last].strip()
        self.text = (source[first:self.start] + new +
                     source[self.end:last]).strip()
        # The same in a file that changes elsewhere.
        digest = hashlib.sha256(bare(source[body[0]:body[1]]).encode())
        at = len(bare(source[body[0]:self.start]))
        self.key = f"{path}:{where}:{at}:{new}:{digest.hexdigest()[:16]}"

    def mutated(self, source):
        return source[:self.start] + self.new + source[self.end:]


def places(plain):
    """(name, where it begins and ends) of functions, and macros with code."""
    starts = [0] + [match.end() for match in re.finditer("\n", plain)]
    starts += [len(plain)] * 2
    found = [(name, starts[first - 1], starts[last])
             for name, _, first, last in functions(plain)]
    return found + [(match.group(1), *match.span())
                    for match in MACRO.finditer(plain)]


def mutants_of(path):
    """All of a file, in its order."""
    source, plain, found = text(path), code(path), []
    inside = places(plain)
    # Directives but for macros; and a macro's name and "#define".
    plain = re.sub(r"^[ \t]*#(?!define\b).*$",
                   lambda m: " " * len(m.group()), plain, flags=re.M)
    for pattern, replacements in RULES:
        for match in re.finditer(pattern, plain):
            place = next((one for one in inside
                          if one[1] <= match.start() < one[2]), None)
            if place is None:
                continue
            for new in replacements:
                new = new or str(int(match.group(1)) + 1)
                found.append(Mutant(path, place[0], source, place[1:],
                                    match.span(), new))
    return sorted(found, key=lambda m: (m.start, m.new))


def escaped(line):
    return line.replace("|", "\\|")


class Argued:
    """The rows of docs/mutants.md, and which mutants each speaks for."""

    def __init__(self):
        self.rows = ROW.findall(text(LIST)) if (ROOT / LIST).is_file() else []

    def row(self, mutant):
        """The row that speaks for a mutant, or None."""
        for row in self.rows:
            path, where, words, _ = row
            # "<" is not in "<=".
            words = re.escape(words.replace("\\|", "|")) + r"(?![=<>&|])"
            if (path, where) == (mutant.path, mutant.where) and \
                    re.search(words, mutant.text) and \
                    not re.search(words, mutant.old_text):
                return row
        return None
