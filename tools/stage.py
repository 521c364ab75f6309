#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Write what a guest's first image knows of its second: length and SHA-256.

  stage.py SECOND OUT     a file of that image, and one of C to be written

The C is what examples/guest/stage.h declares.
"""
import hashlib
import sys

from start import Trouble, start

BYTES_MOST = 768 << 10  # GUEST_STAGE_BYTES in examples/guest/disks.h


def main():
    with open(sys.argv[1], "rb") as file:
        image = file.read()
    if len(image) > BYTES_MOST:
        raise Trouble(f"{sys.argv[1]}: has {len(image)} bytes, and there is "
                      f"room for {BYTES_MOST}: leave something out of it")
    digest = ", ".join(f"{byte}" for byte in hashlib.sha256(image).digest())
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write('#include "stage.h"\n\n'
                  f"const uint32_t stage_file_bytes = {len(image)};\n"
                  "const unsigned char stage_file_digest[SHA256_BYTES] = "
                  f"{{ {digest} }};\n")
    return 0


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, 2))
