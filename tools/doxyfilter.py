#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Doxygen's input filter: our comments in, doxygen's commands out.

  doxyfilter.py FILE    writes the header to stdout

A public header keeps one form, for people: "name() - does.", "@param: text",
paragraphs that begin with a word like "Context:", and after "Return:" each code
with its meaning. A comment above a struct, a field, an enumerator or a macro,
or behind it on its line, describes it; one above a few lines describes them
all. Doxygen wants all of this marked. Each function becomes a group of its own,
so that it gets a page of its own, in HTML and for man; a group may not have the
name of a struct, and then ends in _call.
"""
import re
import sys

from start import start

# Paragraphs with a title of their own; Return has a command.
TITLES = ("Result", "Context", "Cost", "Ordering", "Source")
CODES = re.compile(r"(BOUNCE_\w+(?:, BOUNCE_\w+)*)(,?)(?:\s+(.*))?$")


def words(text):
    """@name in a sentence is a parameter; nothing else is markup."""
    text = re.sub(r"([\\<>#%&$])", r"\\\1", text)
    return re.sub(r"@(\w+(?:->\w+)*)", r"\\p \1", text)


def returned(lines):
    """The lines after "Return:" as \\return and \\retval."""
    out, codes = [], []
    for line in lines:
        found = CODES.match(line.strip()) if line.startswith("  ") else None
        if not found:
            out.append(words(line.strip()))
            continue
        codes += found.group(1).split(", ")
        if found.group(2):
            continue  # "A, B," goes on in the next line
        meaning = words(found.group(3) or "")
        out += [f"\\retval {code} {meaning or 'done.'}" for code in codes[:-1]]
        out.append(f"\\retval {codes[-1]} {meaning or 'done.'}")
        codes = []
    if out and out[0] and not out[0].startswith("\\retval"):
        out[0] = "\\return " + out[0]
    return out


def function(comment, name, source, file):
    """A block above a prototype."""
    group = f"{name}_call" if f"\nstruct {name} {{" in source else name
    comment = comment.replace("head of this file", f"head of {file}")
    lines = [re.sub(r"^ \* ?", "", line)
             for line in comment.split("\n")[1:-1]]
    out, brief = [], ""
    while lines:
        line = lines.pop(0)
        title = re.match(r"(\w+):(?:\s+(.*))?$", line)
        parameter = re.match(r"@(\w+):\s*(.*)", line)
        if line.startswith(f"{name}() - "):
            brief = words(line[len(f"{name}() - "):])
        elif parameter:
            out.append(f"\\param {parameter.group(1)} "
                       f"{words(parameter.group(2))}")
        elif title and title.group(1) == "Return":
            end = next((i for i, one in enumerate(lines)
                        if re.match(r"(\w+):( |$)", one)), len(lines))
            out += returned([title.group(2) or "", *lines[:end]])
            del lines[:end]
        elif title and title.group(1) in TITLES:
            out += [f"\\par {title.group(1)}:", words(title.group(2) or "")]
        else:
            out.append(words(line.strip()))
    return (f"/** \\defgroup {group} {name}()\n\\brief {brief}\n\\{{ */\n"
            f"/** \\brief {brief}\n" + "\n".join(out) + "\n*/")


def described(body):
    """A description: its first sentence is the brief one."""
    body = words(body.strip())
    first = re.match(r"(.*?[^.][.:;])\s*(?:\n|\s(?=[A-Z@\\]))(.*)$", body, re.S)
    if not first or first.group(1).count("\n\n"):
        return f"\\brief {body}"
    return f"\\brief {first.group(1)}\n\n{first.group(2)}"


def inner(comment):
    """The text of a comment, without its frame."""
    return "\n".join(re.sub(r"^\s*\* ?", "", line) if i else line.strip()
                     for i, line in enumerate(comment[2:-2].split("\n")))


def plain(comment, behind):
    body = inner(comment)
    body = re.sub(r"^\w+\(\)(?:, \w+\(\))* - ", "", body.strip())
    body = re.sub(r"^@(\w+): ", r"@\1: ", body, flags=re.M)
    if behind:
        return f"/**< \\brief {words(body)} */"
    return f"/** {described(body)} */"


def head(comment, name):
    """The comment that opens a file."""
    brief, _, rest = inner(comment).strip().partition("\n\n")
    return (f"/** \\file {name}\n\\brief "
            f"{words(brief.replace(f'{name} - ', '', 1))}\n\n{words(rest)} */")


def name_of(line):
    """What a line declares, when it declares something, or None."""
    found = (re.match(r"#define (\w+) ", line) or
             re.search(r"\(\*(\w+)\)\(", line) or
             re.match(r"\t[\w *]*?\b(\w+)(?:\[\w+\])?;", line) or
             re.match(r"\t(BOUNCE_\w+)(?: = [^,]*)?,", line))
    return found.group(1) if found else None


def see(line, what):
    """A declaration that is described elsewhere; a hook may go on in the next
    line, so its comment stands above."""
    if line.endswith(","):
        return f"\t/** \\brief see {what}. */\n{line}"
    return f"{line} /**< \\brief see {what}. */"


def spread(text):
    """A line without a comment of its own has the one of its neighbours above;
    a field without any is described with its struct."""
    out, first, owner = [], None, None
    fresh = inside = False  # a comment that describes what comes; within one
    for line in text.split("\n"):
        name = None if inside or line.startswith("/**") else name_of(line)
        if "/**" in line or inside:
            fresh = fresh or (not inside and "/**<" not in line)
            first = None
            inside = "*/" not in line
        elif line.startswith(("struct ", "enum ", "}")) or not line.strip():
            owner = line.split()[1] if line[:7] == "struct " else None \
                if line[:1] == "}" else owner
            fresh, first = False, None
        elif name and fresh:
            first, fresh = name, False
        elif name and (first or owner):
            line = see(line, first or f"struct {owner}")
        out.append(line)
    return "\n".join(out)


def convert(source, path):
    name = path.split("/")[-1]
    out, place, opened = [], 0, False
    for found in re.finditer(r"/\*.*?\*/", source, re.S):
        out.append(source[place:found.start()])
        place, comment = found.end(), found.group()
        before = source[source.rfind("\n", 0, found.start()) + 1:found.start()]
        after = source[place:]
        prototype = re.match(r"\n[^;{]*?\b(\w+)\([^;]*;", after)
        if "SPDX" in comment or before.lstrip().startswith("#include"):
            out.append(comment)
        elif not opened:
            opened = True
            out.append(head(comment, name))
        elif comment.startswith("/**") and prototype:
            out += [function(comment, prototype.group(1), source, name),
                    prototype.group(), "\n/** \\} */"]
            place += prototype.end()
        elif not before.strip() and after.startswith("\n\n"):
            out.append(comment)  # a heading, about nothing in particular
        else:
            out.append(plain(comment, before.strip() != ""))
    return spread("".join(out) + source[place:])


def main():
    with open(sys.argv[1]) as file:
        print(convert(file.read(), sys.argv[1]), end="")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 1, 1))
