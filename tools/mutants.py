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


class Mutant:
    def __init__(self, path, where, source, span, new):
        self.path, self.where, self.new = path, where, new
        self.start, self.end = span
        self.line = line_of(source, self.start)
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        self.old_text = source[first:last].strip()
        self.text = (source[first:self.start] + new +
                     source[self.end:last]).strip()
        digest = hashlib.sha256(source.encode()).hexdigest()
        self.key = f"{path}:{self.start}:{new}:{digest[:16]}"

    def mutated(self, source):
        return source[:self.start] + self.new + source[self.end:]


def places(plain):
    """(name, first line, last line) of functions, and of macros with code."""
    found = [(name, first, last) for name, _, first, last in functions(plain)]
    for match in MACRO.finditer(plain):
        found.append((match.group(1), line_of(plain, match.start()),
                      line_of(plain, match.end())))
    return found


def mutants_of(path):
    """All of a file, in its order."""
    source, plain, found = text(path), code(path), []
    inside = places(plain)
    # Directives but for macros; and a macro's name and "#define".
    plain = re.sub(r"^[ \t]*#(?!define\b).*$",
                   lambda m: " " * len(m.group()), plain, flags=re.M)
    for pattern, replacements in RULES:
        for match in re.finditer(pattern, plain):
            line = line_of(plain, match.start())
            where = next((name for name, a, b in inside if a <= line <= b),
                         None)
            if where is None:
                continue
            for new in replacements:
                new = new or str(int(match.group(1)) + 1)
                found.append(Mutant(path, where, source, match.span(), new))
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
