# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Files of results: a line each, name=value; "# name: value" says where from."""
import pathlib

# What a line is about; everything else in it was measured.
KEYS = ["kind", "peer", "layout", "lanes", "pool", "align", "size", "how",
        "depth", "mix", "percent", "call", "lane"]
WORDS = {"kind", "peer", "layout", "how", "mix", "call"}


class Trouble(Exception):
    """Something that one line can tell."""


def parse(line):
    """A line's dictionary; numbers are numbers."""
    found = {}
    for word in line.split():
        name, equals, value = word.partition("=")
        if not equals:
            raise Trouble(f"not name=value: {word!r}")
        found[name] = value if name in WORDS else float(value)
    return found


def key_of(result):
    # A metadata line's percent was measured, a mixed line's was asked for.
    skip = {"percent"} if result.get("kind") == "metadata" else set()
    return tuple((name, result[name]) for name in KEYS
                 if name in result and name not in skip)


class Results:
    """All lines of a run, to be asked by what they are about."""

    def __init__(self):
        self.about = {}
        self.all = []

    def add(self, line):
        if line.startswith("#"):
            name, _, value = line[1:].partition(":")
            self.about[name.strip()] = value.strip()
        elif line.strip():
            self.all.append(parse(line))

    def find(self, **wanted):
        return [r for r in self.all
                if all(r.get(k) == v for k, v in wanted.items())]

    def get(self, what, **wanted):
        """One number, or None."""
        found = self.find(**wanted)
        return found[0].get(what) if found else None

    def values(self, name, **wanted):
        """The different values of a name, in order of size or appearance."""
        seen = {r[name]: None for r in self.find(**wanted) if name in r}
        return list(seen) if name in WORDS else sorted(seen)


def load(path):
    results = Results()
    try:
        text = pathlib.Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path}: {getattr(error, 'strerror', error)}") from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            results.add(line)
        except (Trouble, ValueError) as error:
            raise Trouble(f"{path}:{number}: {error}") from error
    if not results.all:
        raise Trouble(f"{path}: no result in it")
    return results
