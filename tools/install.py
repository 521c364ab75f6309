#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Install headers, archives and libbounce.pc; for `ninja install`.

  install.py BUILD HOST VERSION PREFIX

Writes below $DESTDIR, if it is set, which is part of no installed text; $PREFIX
goes before the prefix that was configured.
This machine's archive is PREFIX/lib/libbounce.a, that of another CPU, where it
was built, PREFIX/lib/libbounce/CPU/libbounce.a.
"""
import os
import pathlib
import shutil
import sys

from common import ROOT, configure
from start import start

PC = """\
prefix={prefix}
libdir=${{prefix}}/lib
includedir=${{prefix}}/include

Name: libbounce
Description: bounce buffers for devices in secure virtual machines
Version: {version}
Libs: -L${{libdir}} -lbounce
Cflags: -I${{includedir}}
"""


def main():
    build, host, version, prefix = sys.argv[1:]
    prefix = os.environ.get("PREFIX", prefix)
    top = pathlib.Path(os.environ.get("DESTDIR", "") + "/" + prefix)
    written = []

    def put(source, place):
        place = top / place
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, str):
            place.write_text(source)
        else:
            shutil.copyfile(source, place)
        place.chmod(0o644)
        written.append(place)

    try:
        for header in configure.HEADERS:
            put(ROOT / header, header)
        put(ROOT / build / host / "libbounce.a", "lib/libbounce.a")
        for cpu in configure.CPUS:
            archive = ROOT / build / cpu / "libbounce.a"
            if cpu != host and archive.is_file():
                put(archive, f"lib/libbounce/{cpu}/libbounce.a")
        put(PC.format(prefix=prefix, version=version),
            "lib/pkgconfig/libbounce.pc")
    except OSError as error:
        print(f"install: {error.filename}: {error.strerror}")
        return 1
    print(f"install: {len(written)} files in {top}")
    return 0


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 4, 4))
