#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Each header compiles alone: C11 with gcc and clang, public ones as C++17,
and for each CPU with its cross compiler, which has no libc to lean on."""
import os
import sys
import tempfile

from common import Report, configure, files, many, run
import flags
from start import start

C11 = ["-x", "c", "-std=c11", "-ffreestanding", *flags.WARN.split()]
CXX = ["-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def jobs():
    """(header, command) of each way to compile a header alone."""
    host = configure.CPUS[configure.HOST].folder
    for header in files(".h", under=["include"]):
        for compiler in ("gcc", "clang"):
            yield header, [compiler, *C11]
        for compiler in ("g++", "clang++"):
            yield header, [compiler, *CXX]
    for header in files(".h", under=["lib"]):
        for compiler in ("gcc", "clang"):
            yield header, [compiler, *C11, f"-Iarch/{host}"]
    for header in files(".h", under=["tests"]):
        yield header, ["gcc", *C11, "-fhosted", "-D_GNU_SOURCE", "-Ilib",
                       "-Itests", "-Iarch/fake", f"-Iarch/{host}"]
    for header in files(".h", under=["arch"]):
        if header.endswith("/cpu.h"):
            continue
        yield header, ["gcc", *C11, "-fhosted", f"-Iarch/{host}", "-Ilib"]
    for cpu in configure.CPUS.values():
        # The compiler's own headers alone: no libc comes to its help.
        code, own = run(cpu.prefix + "gcc", "-print-file-name=include")
        alone = ["-nostdinc", "-isystem", own.strip()]
        for header in ["include/bounce/bounce.h", f"arch/{cpu.folder}/cpu.h",
                       *files(".h", under=["lib"])]:
            yield header, [cpu.prefix + "gcc", *C11, *cpu.flags.split(),
                           *alone, f"-Iarch/{cpu.folder}"]


def compile_alone(job):
    header, command = job
    # Twice, so that a lost include guard shows; then something to be external.
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        path = os.path.join(configure.ROOT, header)
        source.write(f'#include "{path}"\n#include "{path}"\n'
                     "extern int nothing;\n")
        source.flush()
        status, output = run(*command, "-Iinclude", "-fsyntax-only",
                             source.name)
    return header, command[0], status, output


def main():
    report = Report("headers")
    done = many(compile_alone, jobs())
    for header, compiler, status, output in done:
        if status:
            report.bad(header, f"{compiler}:\n{output.strip()}")
    headers = {job[0] for job in done}
    compilers = {job[1] for job in done}
    return report.end(f"{len(headers)} headers alone, {len(compilers)} "
                      f"compilers, {len(done)} compilations, public ones also "
                      "as C++17")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
