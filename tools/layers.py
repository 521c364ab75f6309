#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Who may include, call and touch what; lib/README.md has the lists."""
import re
import sys

from common import (Report, code, configure, files, functions, line_of, many,
                    run, text)
from start import start

FREESTANDING = {"stdbool.h", "stddef.h", "stdint.h", "cpu.h"}

# (what must not be found in the code, where it may, why)
DOORS = [
    (r"\bmem(cpy|set|move|cmp)\s*\(", ["lib/copy.c"], "calls mem*()"),
    (r"(->|\.)memory\s*\[|\*[\w>.-]*->memory\b"
     r"|(?<!char )\*\s*bounce_pool_memory\("
     r"|\bbounce_pool_memory\([^()]*\)\s*\[|\bshared\s*\["
     r"|(?<!char )(?<!void )\*shared\b",
     ["lib/copy.c"], "touches shared bytes"),
    (r"(->|\.)(share|unshare|detect|set_shared)\s*\(", ["lib/share.c"],
     "calls the monitor or set_shared"),
    (r"(->|\.)(map|unmap|flush|info)\s*\(", ["lib/iommu.c"],
     "calls an IOMMU's backend"),
    (r"\bcache\s*->\s*(clean|invalidate)\s*\(", ["lib/cache.c"],
     "calls env.cache"),
    (r"\(bounce_bus_t\)\s*\{", ["lib/window.c"], "makes a bounce_bus_t"),
    (r"\b(mapping|bus|run)[\w>.-]*\bbus\b[^=;,]*=[^=;]*\bgpa\b",
     ["lib/window.c"], "turns a gpa into a bus address"),
    (r"\batomic_(store|fetch|compare|exchange)\w*\([^;]*?"
     r"(free_chunks|(->|\.)chunk\[)",
     ["lib/tree.c", "lib/tree.h", "lib/instance.c"],
     "changes the words of the slots"),
    (r"\batomic_(store|fetch|compare|exchange)\w*\(\s*&?block->",
     ["lib/block.c", "lib/quick.h", "lib/instance.c"],
     "changes the words of the granules"),
    (r"\batomic_(store|fetch|compare|exchange)\w*\([^;,]*record\w*->state",
     ["lib/record.c", "lib/record.h", "lib/instance.c"],
     "changes a record's state"),
    (r"\b(atomic_|_Atomic\b|memory_order_)",
     [f"lib/{name}" for name in
      "tree.h tree.c pool.h pool.c block.c record.h record.c instance.h "
      "queue.h queue.c quick.h instance.c grow.c share.c space.c device.c "
      "revoke.c map.c mapping.c sync.c shared.c quota.c find.c secure.c "
      "stats.c change.c kept.c dynamic.c own.c iommu.c viommu.h viommu.c "
      "iommu_virtio.c tce.h "
      "iommu_tce.c zpci.h iommu_zpci.c".split()],
     "uses atomics"),
    (r"\batomic_(?!\w+_explicit\b|init\b|thread_fence\b)\w+\s*\(", [],
     "orders by omission: use the _explicit form"),
    (r"__(sync|atomic|c11_atomic)_\w+", [], "goes round <stdatomic.h>"),
    (r"\b(malloc|calloc|realloc|free|alloca|__builtin_alloca)\s*\(", [],
     "allocates"),
    (r"\b(float|double)\b", [], "computes in floating point"),
]


def block(name):
    """The words of a fenced block of lib/README.md."""
    match = re.search(rf"^```{name}\n(.*?)^```", text("lib/README.md"),
                      re.M | re.S)
    return match.group(1).split()


def includes(path):
    """(line, "<" or quote, name) of each include."""
    source = text(path)
    return [(line_of(source, m.start()), m.group(1), m.group(2)) for m in
            re.finditer(r'^\s*#\s*include\s*(["<])([^">]+)', source, re.M)]


def check_includes(report):
    order = block("layers")
    words = block("ceilings")
    ceiling = dict(zip(words[::2], words[1::2]))
    count = 0
    for path in files(".c", ".h", under=["lib", "arch", "include"]):
        folder, name = path.split("/")[0], path.split("/")[-1]
        if path.startswith("arch/fake/"):
            continue
        top = len(order)
        if folder == "lib" and name.endswith(".c"):
            if name not in ceiling:
                report.bad(path, "is not in the list of lib/README.md")
            top = order.index(ceiling.get(name, order[-1])) + 1
        elif folder == "lib":
            if name not in order:
                report.bad(path, "is not in the list of lib/README.md")
            top = order.index(name) if name in order else top
        for line, kind, target in includes(path):
            count += 1
            where = f"{path}:{line}"
            if kind == "<":
                atomic = target == "stdatomic.h" and path == "lib/atomic.h"
                own = target.startswith("bounce/") or target == "cpu.h"
                # For programs that link libfdt; no source of ours has it.
                own |= target == path.split("/")[-1] == "libfdt.h"
                if not (atomic or own or target in FREESTANDING):
                    report.bad(where, f"<{target}> is not freestanding")
                if target == "cpu.h" and folder == "include":
                    report.bad(where, "<cpu.h> is private")
            elif folder == "include":
                report.bad(where, "a public header includes <bounce/...> only")
            elif folder == "arch":
                if not (configure.ROOT / path).with_name(target).is_file():
                    report.bad(where, "a backend includes its own and "
                               "<bounce/...> only")
            elif target not in order:
                report.bad(where, f"{target} is not in lib/README.md's list")
            elif order.index(target) >= top:
                report.bad(where, f"{target} stands below what {name} may "
                           "include: lib/README.md")
    return count


def check_doors(report):
    count = 0
    for path in files(".c", ".h", under=["lib", "arch"]):
        if path.startswith("arch/fake/") or path == "lib/atomic.h":
            continue
        source = code(path)
        for pattern, doors, what in DOORS:
            count += 1
            # Declarations of mem*() and of hooks are not calls: copy.c, *.h.
            if path in doors or (path.endswith(".h") and doors in (
                    ["lib/share.c"], ["lib/copy.c"])):
                continue
            for match in re.finditer(pattern, source):
                report.bad(f"{path}:{line_of(source, match.start())}",
                           f"{what}: {' '.join(match.group().split())}")
        for name, _, first, last in functions(source):
            inside = source.splitlines()[first - 1:last]
            for line, content in enumerate(inside, first):
                if re.match(r"\s*#\s*(if|el|endif)", content):
                    report.bad(f"{path}:{line}", f"#if inside {name}()")
    return count


def implicit(source):
    """Plain access to an _Atomic is seq_cst: only the compiler sees it."""
    folder = configure.CPUS[configure.HOST].folder
    return source, run("clang", "-std=c11", "-ffreestanding", "-fsyntax-only",
                       "-Iinclude", f"-Iarch/{folder}", "-Werror",
                       "-Watomic-implicit-seq-cst", source)


def check_listed(report):
    listed = set(configure.listed())
    for path in files(".c", ".S", under=["lib", "arch", "tests", "fuzz",
                                         "examples", "tools"]):
        if path not in listed:
            report.bad(path, "is built by nothing: name it in configure.py")
    for path in listed:
        if not (configure.ROOT / path).is_file():
            report.bad(path, "is named in configure.py, and not there")
    for path in set(files(".h", under=["include"])) ^ set(configure.HEADERS):
        report.bad(path, "HEADERS of configure.py differs")
    return len(listed)


def main():
    report = Report("layers")
    count = check_includes(report)
    doors = check_doors(report)
    listed = check_listed(report)
    sources = [path for path in files(".c", under=["lib"])]
    for source, (status, output) in many(implicit, sources):
        if status:
            report.bad(source, next((line for line in output.splitlines()
                                     if "error:" in line), output.strip()))
    return report.end(f"{count} includes, {doors} doors tried, "
                      f"{len(sources)} files without implicit order, "
                      f"{listed} sources listed")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
