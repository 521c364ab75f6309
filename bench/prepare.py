#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Make the Linux peers' sources, out of what a Debian package installs.

  bench/prepare.py FOLDER

FOLDER gets swiotlb.c and three of its headers, unpacked from the tar file of
linux-source-6.12 and not modified; repaired.c, a copy with first fit and with
areas on cache lines of their own; and for every other header that swiotlb.c
names a line that includes bench/shim/kernel.h. Nothing of it enters the tree.
"""
import hashlib
import os
import pathlib
import re
import sys
import tarfile

TAR = pathlib.Path("/usr/src/linux-source-6.12.tar.xz")
PACKAGE = "linux-source-6.12"
SOURCE = "kernel/dma/swiotlb.c"
HEADERS = ["include/linux/swiotlb.h", "include/linux/iommu-helper.h",
           "include/linux/dma-direction.h"]

# What the repaired twin has that swiotlb.c has not: (how often, what, by what).
REPAIRS = [
    # First fit: the search begins at 0, so the hot slots are used again.
    (1, r"^\tarea->index = wrap_area_index\(.*\);\n", ""),
    # One area, one cache line: two CPUs' locks do not disturb one another.
    (1, r"(struct io_tlb_area \{\n(?:.*\n)*?\})(;\n)",
     r"\1 __attribute__((aligned(64)))\2"),
]


class Trouble(Exception):
    """Something that one line can tell."""


def unpack(folder):
    """The package's files, by path; stops reading when it has them all."""
    wanted = {f"{PACKAGE}/{path}": path for path in [SOURCE, *HEADERS]}
    texts = {}
    if not TAR.is_file():
        raise Trouble(f"no {TAR}: install the package {PACKAGE}")
    try:
        with tarfile.open(TAR) as tar:
            for member in tar:
                path = wanted.pop(member.name, None)
                if path:
                    texts[path] = tar.extractfile(member).read().decode()
                if not wanted:
                    break
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise Trouble(f"{TAR}: {error}") from error
    if wanted:
        raise Trouble(f"{TAR} lacks {', '.join(wanted)}")
    return texts


def repaired(source):
    for count, what, by_what in REPAIRS:
        source, found = re.subn(what, by_what, source, flags=re.M)
        if found != count:
            raise Trouble(f"{SOURCE} is not as expected: {found} matches of "
                          f"{what!r}, not {count}")
    return source


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise Trouble("one argument: the folder to write to")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    texts = unpack(folder)
    source = texts[SOURCE]
    write(folder / "swiotlb.c", source)
    write(folder / "repaired.c", repaired(source))
    own = {path.removeprefix("include/") for path in HEADERS}
    for path in HEADERS:
        write(folder / path, texts[path])
    for text in texts.values():
        for name in re.findall(r"^#\s*include <([\w/.-]+)>", text, re.M):
            if name not in own:
                write(folder / "include" / name, "#include <kernel.h>\n")
    digest = hashlib.sha256(source.encode()).hexdigest()
    write(folder / "sha256", digest + "\n")
    print(f"{PACKAGE}: {SOURCE}, sha256 {digest[:16]}...")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Trouble, OSError) as trouble:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {trouble}")
