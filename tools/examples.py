#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Is every example in the documents C that compiles, and does it run?

  examples.py FOLDER ARCHIVE    FOLDER: to write to; ARCHIVE: this machine's

Each ```c block of a document stands under a comment that says what it is:

  <!-- example: NAME.c -->     a file; blocks of one name are joined, in order
  <!-- example: NAME.h -->     a header that the document's files may include
  <!-- example: cpu.h -->      one that all of lib/ is compiled with, too
  <!-- example: fragment -->   statements: they see `bounce`, `pool`, `space`,
                               `device`, `queue`, `used` and `bridge`, and
                               return an enum bounce_err
  <!-- PATH -->                a part of that file of the project, to the letter

Files and fragments are compiled by gcc and clang with the library's warnings.
A file with main() is linked with the document's other files and ARCHIVE, and
run: 0 is success. What it writes is kept in FOLDER/DOCUMENT.
"""
import pathlib
import re
import subprocess
import sys

from common import (ROOT, Report, configure, files, fresh, many, run,
                    text)
import flags
from start import Trouble, start

BLOCK = re.compile(r"^(?:<!-- (.*?) -->\n)?```c\n(.*?)^```", re.M | re.S)
COMPILERS = ("gcc", "clang")
FLAGS = f"-std=c11 -D_GNU_SOURCE {flags.WARN} -Iinclude"
AROUND = """\
#include <bounce/bounce.h>

enum bounce_err fragment(struct bounce *bounce, struct bounce_pool *pool,
			 struct bounce_space *space,
			 struct bounce_device *device,
			 struct bounce_queue *queue, struct bounce_used *used,
			 struct bounce_function *bridge);
enum bounce_err fragment(struct bounce *bounce, struct bounce_pool *pool,
			 struct bounce_space *space,
			 struct bounce_device *device,
			 struct bounce_queue *queue, struct bounce_used *used,
			 struct bounce_function *bridge)
{
(void)bounce, (void)pool, (void)space, (void)device, (void)queue, (void)used;
(void)bridge;
#line %d "%s"
%s
return BOUNCE_OK;
}
"""


def blocks(report, document, folder):
    """Write a document's blocks; the names of what is to be compiled."""
    said = text(document)
    parts, quoted = {}, 0
    for match in BLOCK.finditer(said):
        what, block = match.groups()
        line = said.count("\n", 0, match.start(2)) + 1
        example = re.fullmatch(r"example: ([\w.]+)", what or "")
        if not example:
            where = f"{document}:{line}"
            if not what or not (ROOT / what).is_file():
                report.bad(where, "a C block that says not what it is")
            elif block not in text(what):
                report.bad(where, f"is not what stands in {what}")
            quoted += 1
            continue
        name = example.group(1)
        if name == "fragment":
            name = f"fragment{line}.c"
            block = AROUND % (line, document, block)
        else:
            block = f'#line {line} "{document}"\n{block}'
        parts.setdefault(name, []).append(block)
    for name, one in parts.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(one))
    return sorted(parts), quoted


def compile_one(job):
    compiler, flags, source, out = job
    code, output = run(compiler, *flags.split(), "-c", str(source), "-o", out)
    return source, compiler, code, output


def jobs(folder, names, cpu):
    """What is to be compiled of one document."""
    own = "cpu.h" in names
    flags = f"{FLAGS} -I{folder} -I{folder if own else f'arch/{cpu}'}"
    wanted = [(folder / name, "-O2") for name in names if name.endswith(".c")]
    if own:  # the whole library, as it is shipped
        wanted += [(ROOT / source, "-O2 -ffreestanding -Ilib")
                   for source in configure.LIB]
    return [(compiler, f"{flags} {more}", source,
             str(folder / f"{source.stem}-{compiler}.o"))
            for source, more in wanted for compiler in COMPILERS]


def start_program(report, document, folder, archive, names):
    """Link and run a document's program, once for each compiler."""
    sources = [name for name in names if name.endswith(".c")
               and not name.startswith("fragment")]
    if not any("int main(" in (folder / name).read_text() for name in sources):
        return 0
    for compiler in COMPILERS:
        program = folder / f"program-{compiler}"
        objects = [str(folder / f"{name[:-2]}-{compiler}.o")
                   for name in sources]
        code, output = run(compiler, *objects, archive, "-o", str(program))
        if code == 0:
            code = subprocess.run([str(program)], timeout=60,
                                  stdin=subprocess.DEVNULL).returncode
            output = f"its program ended with {code}"
        if code:
            report.bad(document, f"{compiler}: {output.strip()}")
    return 1


def main():
    archive = sys.argv[2]
    cpu = configure.CPUS.get(pathlib.Path(archive).parent.name)
    if not cpu or not pathlib.Path(archive).is_file():
        raise Trouble(f"{archive}: not build/NAME/CPU/libbounce.a: ninja lib")
    folder = fresh(sys.argv[1])
    report, files_written, quotes, programs = Report("examples"), 0, 0, 0
    documents = files(".md", under=["docs", "lib", "arch", "examples"])
    for document in ["README.md", "CONTRIBUTING.md", "SECURITY.md", *documents]:
        place = folder / document.replace("/", "-").removesuffix(".md")
        names, quoted = blocks(report, document, place)
        quotes += quoted
        files_written += len(names)
        problems = len(report.problems)
        for source, compiler, code, output in many(
                compile_one, jobs(place, names, cpu.folder)):
            if code:
                report.bad(document, f"{compiler}: {source.name}:\n"
                           f"{output.strip()}")
        if names and len(report.problems) == problems:
            programs += start_program(report, document, place,
                                      archive, names)
    if not files_written:
        report.bad("examples", "found no example")
    return report.end(f"{files_written} files and fragments compiled by "
                      f"{' and '.join(COMPILERS)}, {programs} programs run, "
                      f"{quotes} quotations")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, 2))
