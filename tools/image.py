#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Make the disk image that the guests read: a file system full of real files.

    tools/image.py build/demo/input.img

It holds this repository's files, the licences and the C headers that every
Debian machine with a compiler has, in a fixed order, up to 16 MiB. No root and
no mount: debugfs writes the files into what mke2fs made. (mke2fs -d would do it
in one step, but takes the change times and the order of entries from the file
system that the folder happens to be on.)

The same files give the same bytes: UUID, hash seed and all times are fixed, and
owners and modes are made equal. The image is built twice and compared.
"""

import argparse
import filecmp
import os
import shutil
import subprocess
import sys

IMAGE_BYTES = 16 << 20  # GUEST_IMAGE_BYTES in examples/guest/disks.h
BLOCK_BYTES = 1024
INODES = 4096
CONTENT_LEAST = 8 << 20
# Room for superblocks, bitmaps, inodes and directories is left aside.
BLOCKS_FOR_FILES = IMAGE_BYTES // BLOCK_BYTES - 1400
FILES_MOST = INODES - 400
FILE_MOST = 1 << 20

UUID = "6c696262-6f75-4e63-8000-000000000001"
HASH_SEED = "6c696262-6f75-4e63-8000-000000000002"
TIME = "1700000000"  # seconds since 1970: every time in the file system

# Folder in the image, folder of the machine, and whether to go below it.
SYSTEM_SOURCES = [
    ("licences", "/usr/share/common-licenses", False),
    ("include", "/usr/include", False),
    ("include/linux", "/usr/include/linux", True),
    ("include/asm-generic", "/usr/include/asm-generic", True),
    ("include/drm", "/usr/include/drm", True),
    ("include/rdma", "/usr/include/rdma", True),
    ("include/sound", "/usr/include/sound", True),
    ("include/scsi", "/usr/include/scsi", True),
    ("include/video", "/usr/include/video", True),
    ("include/c++", "/usr/include/c++", True),
    ("python", os.path.dirname(os.__file__), True),  # if headers are few
]
SKIPPED_FOLDERS = {"build", "__pycache__", "node_modules", "site-packages",
                   "dist-packages"}


class Failure(Exception):
    """Something the user can mend; its text is one line."""


def tool(name):
    """The path of a tool of e2fsprogs, which an ordinary user's PATH lacks."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise Failure(f"{name} is missing: install the package e2fsprogs")
    return found


def run(command, **options):
    """Run a tool that says nothing when all is well."""
    environment = dict(os.environ, E2FSPROGS_FAKE_TIME=TIME, LC_ALL="C")
    done = subprocess.run(command, env=environment, capture_output=True,
                          text=True, check=False, **options)
    if done.returncode != 0:
        lines = (done.stderr.strip() or "no message").splitlines()
        raise Failure(f"{os.path.basename(command[0])}: {lines[-1]}")
    return done


def walk(folder, deep):
    """Every file of a folder, by name, in an order that does not depend."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if deep
                            and f not in SKIPPED_FOLDERS
                            and not f.startswith("."))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(path, name), folder)


def repository_files(root):
    """What git knows, in its order; every file when there is no git."""
    try:
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z"],
                                capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        listed = b""
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    return names or list(walk(root, True))


def candidates(root):
    """Pairs: name in the image, file of the machine."""
    for name in repository_files(root):
        yield os.path.join("repository", name), os.path.join(root, name)
    for place, folder, deep in SYSTEM_SOURCES:
        for name in walk(folder, deep):
            yield os.path.join(place, name), os.path.join(folder, name)


def blocks_of(size):
    """Blocks a file takes: its own, and those that list them."""
    blocks = -(-size // BLOCK_BYTES)
    pointers = BLOCK_BYTES // 4
    return blocks + (0 if blocks <= 12 else 2 + blocks // pointers)


def usable(name, path):
    """A plain file that debugfs can be told of."""
    plain = os.path.isfile(path) and not os.path.islink(path)
    return (plain and os.access(path, os.R_OK)
            and not any(c in name + path for c in '"\n\\')
            and 0 < os.path.getsize(path) <= FILE_MOST)


def choose(root):
    """The files that fit, and their bytes."""
    chosen, blocks, content = {}, 0, 0
    for name, path in candidates(root):
        if name in chosen or not usable(name, path):
            continue
        size = os.path.getsize(path)
        if blocks + blocks_of(size) > BLOCKS_FOR_FILES:
            continue
        if len(chosen) == FILES_MOST:
            break
        chosen[name] = path
        blocks += blocks_of(size)
        content += size
    if content < CONTENT_LEAST:
        raise Failure(f"only {content >> 20} MiB of files found: install "
                      "linux-libc-dev and libc6-dev")
    return chosen, content


def script(chosen):
    """The commands that make debugfs write the files."""
    lines, made = [], {""}
    for name, path in chosen.items():
        folder = ""
        for part in os.path.dirname(name).split("/"):
            parent, folder = folder, f"{folder}/{part}"
            if folder not in made:
                made.add(folder)
                lines += [f'cd "{parent or "/"}"', f'mkdir "{part}"']
        # Names are of the current folder: `write` knows no others.
        lines += [f'cd "{folder}"',
                  f'write "{path}" "{os.path.basename(name)}"',
                  f'set_inode_field "{os.path.basename(name)}" mode 0100644',
                  f'set_inode_field "{os.path.basename(name)}" uid 0',
                  f'set_inode_field "{os.path.basename(name)}" gid 0']
    return "\n".join(lines) + "\n"


def build(path, chosen):
    """One image, from nothing."""
    if os.path.exists(path):
        os.unlink(path)
    run([tool("mke2fs"), "-q", "-t", "ext2", "-b", str(BLOCK_BYTES),
         "-N", str(INODES), "-I", "128", "-m", "0", "-L", "libbounce",
         "-U", UUID, "-E", f"hash_seed={HASH_SEED},root_owner=0:0,"
         "lazy_itable_init=0", path, str(IMAGE_BYTES // BLOCK_BYTES)])
    written = run([tool("debugfs"), "-w", "-f", "-", path],
                  input=script(chosen))
    # debugfs ends with 0 whatever happened; its errors follow its banner.
    complaints = [line for line in written.stderr.splitlines()
                  if line and not line.startswith("debugfs ")]
    if complaints:
        raise Failure(f"debugfs: {complaints[0]}")
    run([tool("e2fsck"), "-fn", path])


def make(output, root):
    """Build the image twice; put it in its place when both are the same."""
    chosen, content = choose(root)
    folder = os.path.dirname(os.path.abspath(output))
    os.makedirs(folder, exist_ok=True)
    trials = [f"{output}.{number}" for number in (1, 2)]
    try:
        for trial in trials:
            build(trial, chosen)
        if not filecmp.cmp(*trials, shallow=False):
            raise Failure("two builds from the same files differ")
        os.replace(trials[0], output)
    finally:
        for trial in trials:
            if os.path.exists(trial):
                os.unlink(trial)
    print(f"{output}: {len(chosen)} files, {content} bytes of content, "
          "built twice, equal")


def main():
    """Parse the arguments; every failure is one line."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(
        description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the image to make")
    parser.add_argument("--root", default=here,
                        help="the repository whose files go in")
    arguments = parser.parse_args()
    try:
        if not os.path.isdir(arguments.root):
            raise Failure(f"{arguments.root}: is no folder")
        make(arguments.output, arguments.root)
    except (Failure, OSError) as failure:
        print(f"image: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
