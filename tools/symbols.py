#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What the object code may be: shipped archives and other ways to compile it.

  symbols.py ARCHIVE...     build/NAME/VARIANT/libbounce.a

For each archive: nothing undefined but mem* (and .TOC. on POWER), and it links
so; external names begin with bounce_; nothing writable, no constructor, no
vector or floating-point instruction. Where it is optimised: at most 512 bytes
of stack a function, of constant size. Where there is a call graph: no
recursion.
"""
import pathlib
import re
import sys

from common import Report, configure, many, run
from start import Trouble, start

STACK = 512
MEM = ["memcpy", "memmove", "memset", "memcmp"]
UNDEFINED = {*MEM, ".TOC."}
# GCC for POWER at -Os saves registers by functions that the ABI has every
# linker supply (64-bit ELF V2 ABI, "Register Save and Restore Functions").
BY_LINKER = re.compile(r"_(save|rest)gpr[01]_\d\d$")
# Writable only while a program is loaded: pointers in constant data, and the
# descriptors and table of contents of POWER.
RELOCATED = re.compile(r"\.(data\.rel\.ro|opd|toc|got)\b")

# cpu folder -> (operands, mnemonics) of vector and floating-point code.
# Targets of branches are hexadecimal and may look like a register: skipped.
FLOATING = {
    "x86": (r"%([xyz]mm|mm\d|st\b|k\d)", r"f|emms|ldmxcsr|stmxcsr"),
    "power": (r"\b(f|v|vs)\d+\b", r"lx?v|stx?v|v|xs|xv|lf|stf|mffs|mtfs"),
    "s390": (r"%[fv]\d+", r"v|[es]fpc|srnm"),
    "arm64": (r"\b[vqdshb]\d+\b", r"f(?!ence)|ucvtf|scvtf|dup"),
    "riscv": (r"\b(f[ast]\d+|v\d+)\b", r"f(?!ence)|v"),
}
JUMP = re.compile(r"b|c[bt]|tb|j|adr|%")


def variant(archive):
    """(Cpu, name) of an archive by its folder's name."""
    name = pathlib.Path(archive).parent.name
    cpu = name.split("-")[0]
    if cpu not in configure.CPUS:
        raise Trouble(f"{archive}: not in a folder that a CPU gave its name")
    return configure.CPUS[cpu], name


def symbols(report, archive, cpu, name):
    _, out = run(cpu.prefix + "nm", archive)
    defined = set(re.findall(r"^[0-9a-f]+ [A-TV-Z] (\S+)", out, re.M))
    undefined = set(re.findall(r"^\s+U (\S+)", out, re.M))
    for symbol in sorted(undefined - defined - UNDEFINED):
        if not (cpu.folder == "power" and name.endswith("-Os")
                and BY_LINKER.match(symbol)):
            report.bad(archive, f"leaves {symbol} undefined")
    for symbol in sorted(defined):
        if not symbol.lstrip(".").startswith("bounce_"):
            report.bad(archive, f"external name {symbol} lacks bounce_")
    if not defined:
        report.bad(archive, "holds nothing")
    return len(defined)


def link(report, archive, cpu):
    """All of it links with the four functions and nothing else."""
    given = [f"-Wl,--defsym={name}=0" for name in MEM]
    code, out = run(cpu.prefix + "gcc", *cpu.flags.split(), "-nostdlib",
                    "-static", "-no-pie", "-Wl,-e,0", "-Wl,--build-id=none",
                    *given, "-Wl,--whole-archive", archive, "-o", "/dev/null")
    if code:
        report.bad(archive, f"does not link:\n{out.strip()}")


def sections(report, archive, cpu):
    code, out = run(cpu.prefix + "readelf", "-SW", archive)
    if code:
        report.bad(archive, out.strip())
    for name, size, flags in re.findall(
            r"\] (\S+)\s+\S+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) \S+\s+([A-Z]*)",
            out):
        if int(size, 16) == 0 or "A" not in flags:
            continue
        if "W" in flags and not RELOCATED.match(name):
            report.bad(archive, f"{name} is writable, {int(size, 16)} bytes")
        if re.match(r"\.(init|fini|ctors|dtors)", name):
            report.bad(archive, f"has {name}")


def instructions(report, archive, cpu):
    # An instruction that objdump has no name for is as long as it says.
    more = ["-M", "insnlength"] if cpu.folder == "s390" else []
    _, out = run(cpu.prefix + "objdump", "-d", "--no-show-raw-insn", *more,
                 archive)
    operands, mnemonics = map(re.compile, FLOATING[cpu.folder])
    count, where = 0, ""
    for line in out.splitlines():
        if line.endswith(">:"):
            where = line.split("<")[1][:-2]
        match = re.match(r"\s+[0-9a-f]+:\t(\S+)(?:\s+(.*))?$", line)
        if not match:
            continue
        count += 1
        name, rest = match.group(1), match.group(2) or ""
        rest = re.sub(r"<[^>]*>|#.*|//.*", "", rest)
        if mnemonics.match(name) or (not JUMP.match(name)
                                     and operands.search(rest)):
            report.bad(archive, f"{where}(): {name} {rest.strip()}")
    if count == 0:
        report.bad(archive, "no instruction was disassembled")
    return count


def stack(report, folder):
    """Bytes of the hungriest function, from the compiler's own account."""
    most = (0, "")
    for path in sorted(folder.rglob("*.su")):
        for line in path.read_text().splitlines():
            place, size, kind = line.split("\t")
            name = place.split(":")[-1]
            most = max(most, (int(size), name))
            if int(size) > STACK or kind != "static":
                report.bad(path, f"{name}() takes {size} bytes, {kind}")
    return most


def cycle(calls):
    """A function that can reach itself by direct calls, or None."""
    state = {}

    def visit(name):
        state[name] = 1
        for callee in calls.get(name, ()):
            if state.get(callee) == 1 or (callee not in state
                                          and visit(callee)):
                return True
        state[name] = 2
        return False
    return next((name for name in calls if name not in state and visit(name)),
                None)


def recursion(report, folder):
    """How many functions the call graph has; 0 where there is none."""
    calls = {}
    for path in sorted(folder.rglob("*.ci")):
        graph = path.read_text()
        for name in re.findall(r'^node: \{ title: "([^"]+)"', graph, re.M):
            calls.setdefault(name, set())
        for source, target in re.findall(
                r'sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
            calls.setdefault(source, set()).add(target)
    name = cycle(calls)
    if name:
        report.bad(folder, f"recursion: {name}() can call itself")
    return len(calls)


def look(archive):
    cpu, name = variant(archive)
    report = Report(name)
    folder = pathlib.Path(archive).parent
    found = symbols(report, archive, cpu, name)
    link(report, archive, cpu)
    sections(report, archive, cpu)
    count = instructions(report, archive, cpu)
    most = (0, "") if name.endswith("-O0") else stack(report, folder)
    return report, found, count, most, recursion(report, folder)


def main():
    report = Report("symbols")
    archives = sys.argv[1:]
    for archive in archives:
        if not pathlib.Path(archive).is_file():
            raise Trouble(f"{archive}: is missing: ninja check builds it")
        if pathlib.Path(archive).read_bytes()[:8] != b"!<arch>\n":
            raise Trouble(f"{archive}: is no archive")
    looks = many(look, archives)
    for one in looks:
        report.problems += one[0].problems
    nodes = sum(one[4] for one in looks)
    if nodes == 0:
        report.bad("call graph", "there is none")
    size, name = max(one[3] for one in looks)
    if size == 0:
        report.bad("stack usage", "there is none")
    return report.end(
        f"{len(archives)} archives, {len(configure.CPUS)} CPUs, "
        f"{sum(one[2] for one in looks)} instructions, "
        f"{max(one[1] for one in looks)} external names, most stack {size} "
        f"bytes in {name}(), {nodes} functions without recursion")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 1, None))
