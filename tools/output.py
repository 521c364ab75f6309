# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The second disk of a guest: what is on it before, and must be afterwards."""
import os
import shutil
import subprocess

from guests import (CONTROL_BYTES, FIRST_TEXT, IMAGE_BYTES, NEXT_TEXT,
                    OUTPUT_BYTES, PUBLIC_TEXT, SECRET_TEXT, STAGE_AT,
                    TEXTS_AT, UNWRITTEN)


def make(path, stage):
    """Full of bytes that nobody wrote, but for the second image."""
    with open(path, "wb") as disk:
        disk.write(UNWRITTEN * OUTPUT_BYTES)
        for image in stage:
            disk.seek(STAGE_AT)
            with open(image, "rb") as file:
                disk.write(file.read())


def file_system_errors(path):
    """What e2fsck says of it, if it is there to be asked."""
    path_list = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    e2fsck = shutil.which("e2fsck", path=path_list)
    if e2fsck is None:
        return []
    checked = subprocess.run([e2fsck, "-fn", path], capture_output=True,
                             check=False)
    return [] if checked.returncode == 0 else ["e2fsck is not content"]


def errors(path, image, confined):
    """What is wrong with it, where @image was to be copied."""
    with open(path, "rb") as disk, open(image, "rb") as wanted:
        copied, rest = disk.read(IMAGE_BYTES), disk.read()
        if copied != wanted.read():
            return ["the second disk is not the image"]
    said = file_system_errors(path)
    if SECRET_TEXT in rest:
        said.append("the secret is on the second disk")
    # These give zeros for a private page; the others let nothing happen.
    text = b"\0" if confined in ("TCE", "VIOMMU") else PUBLIC_TEXT
    if rest[:CONTROL_BYTES] != text * (CONTROL_BYTES // len(text)):
        said.append("the bytes of private_read are not as they should be")
    return said


def stage_errors(path):
    """What is wrong with the texts of the two images."""
    said = []
    with open(path, "rb") as disk:
        for at, text in zip(TEXTS_AT, (FIRST_TEXT, NEXT_TEXT)):
            disk.seek(at)
            if disk.read(CONTROL_BYTES) != text * (CONTROL_BYTES // len(text)):
                said.append(f"{text.decode()} is not on the second disk")
    return said
