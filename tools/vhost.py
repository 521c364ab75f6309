#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run libbounce against vhost-user devices, which are other processes.

    tools/vhost.py --input input.img build/vhost/vhost build/vhost/twin

Three runs of examples/vhost/: a file system goes through two processes of
qemu-storage-daemon; our malicious twin of it tells its lies, one a process; and
the daemon is killed in the middle of its work. The program says what it saw
(the lines are described in examples/guest/report.h); what it says of the disks
is checked here. One row a disk, lie and demand; the exit status is 0 only when
all are ok.
"""
import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time

IMAGE_BYTES = 16 << 20  # these four: examples/guest/disks.h
OUTPUT_BYTES = 17 << 20
CONTROL_BYTES = 4096
SECRET_TEXT = b"SECRET-KEEP-OUT!"
UNWRITTEN = b"\xee"  # the second disk before it is written
KILLED_BYTES = 4 << 20  # LANES * STRIPE_BYTES of examples/vhost/kills.c
KILLS = 1000
SECONDS = 240  # a bound on hanging: idle, all of it takes 25
WIDTH = 110
WORD = re.compile(r'([\w-]+)=(?:"([^"]*)"|(\S*))')


class Failure(Exception):
    """Something the user can mend; its text is one line."""


def words_of(line):
    """The key=value words of a line."""
    return {key: quoted or plain
            for key, quoted, plain in WORD.findall(line)}


class Rows:
    """What is shown, and counted."""

    def __init__(self):
        self.count = self.good = 0

    def add(self, what, text, errors):
        self.count += 1
        self.good += not errors
        print(textwrap.fill(
            f"{text}  " + ("ok" if not errors else "NOT OK"), WIDTH,
            initial_indent=f"  {what:<20}", subsequent_indent=" " * 22))
        for error in errors:
            print(f"{'':22}NOT OK: {error}")


class Run:
    """One run of the program, and what it said."""

    def __init__(self, options, *arguments):
        self.said = []  # (kind, words)
        self.problems = []
        command = [options.program, *map(str, arguments)]
        log = os.path.join(options.work, f"{arguments[0]}.log")
        start = time.monotonic()
        with open(log + ".stderr", "w", encoding="ascii") as errors:
            done = subprocess.run(command, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=errors,
                                  text=True, errors="replace", check=False,
                                  timeout=SECONDS)
        self.seconds = time.monotonic() - start
        with open(log, "w", encoding="ascii", errors="replace") as out:
            out.write(done.stdout)
        for line in done.stdout.splitlines():
            kind, _, rest = line.partition(" ")
            self.said.append((kind, words_of(rest)))
            if kind in ("fail", "demand"):
                self.problems.append(line)
        if done.returncode != 0 or not any(
                kind == "done" and words.get("ok") == "1"
                for kind, words in self.said):
            self.problems.append(f"{arguments[0]} ended with "
                                 f"{done.returncode}: see {log}")

    def lines(self, kind):
        return [words for said, words in self.said if said == kind]

    def show(self, rows):
        """Its controls; and the run as a whole, if that went wrong."""
        for control in self.lines("control"):
            rows.add(control.get("name", "?"), control.get("text", "?"),
                     [] if control.get("ok") == "1" else ["see above"])
        if self.problems:
            rows.add("the whole", "", self.problems)


def digest_of(path, most=IMAGE_BYTES):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(most)).hexdigest()


def file_system_errors(path):
    """What e2fsck says of the second disk."""
    e2fsck = shutil.which("e2fsck", path=os.environ.get("PATH", os.defpath)
                          + ":/usr/sbin:/sbin")
    if e2fsck is None:
        raise Failure("e2fsck is missing: install the package e2fsprogs")
    checked = subprocess.run([e2fsck, "-fn", path], capture_output=True,
                             check=False)
    return [] if checked.returncode == 0 else ["e2fsck is not content"]


def image(options, rows):
    """A file system, through two devices."""
    output = os.path.join(options.work, "output.img")
    with open(output, "wb") as disk:
        disk.write(UNWRITTEN * OUTPUT_BYTES)
    print("a file system, through qemu-storage-daemon and back")
    run = Run(options, "image", options.input, output)
    digest = digest_of(options.input)
    for row in run.lines("row"):
        errors = []
        if row.get("digest") != digest:
            errors.append("the digest is not the image's")
        if (row.get("verdict"), row.get("share_calls_io")) != ("bounce", "0"):
            errors.append("it did not bounce, or shared pages meanwhile")
        if row.get("device") == "out0":
            errors += file_system_errors(output)
            if digest_of(output) != digest:
                errors.append("the second disk is not the image")
        rows.add(row.get("device", "?"),
                 f"{row.get('mappings')} mappings, {row.get('bytes_in')} bytes "
                 f"in, {row.get('bytes_out')} out, sha256 "
                 f"{row.get('digest', '?')[:12]}", errors)
    run.show(rows)
    with open(output, "rb") as disk:
        disk.seek(IMAGE_BYTES)
        rest = disk.read()
    errors = ["no"] if SECRET_TEXT in rest or rest.strip(UNWRITTEN) else []
    rows.add("second disk", "no byte behind the image was written", errors)


def lies(options, rows):
    """The twin."""
    print("the malicious twin: lie, what was reported, slots in use afterwards")
    Run(options, "lies", options.twin).show(rows)


def kills(options, rows):
    """Death and return."""
    disk = os.path.join(options.work, "killed.img")
    with open(disk, "wb") as file:
        file.truncate(KILLED_BYTES)
    print(f"the daemon, killed {options.kills} times (seed {options.seed})")
    run = Run(options, "kills", disk, options.kills, options.seed)
    digest = digest_of(disk, KILLED_BYTES)
    for siege in run.lines("siege"):
        rows.add("siege", f"{siege.get('kills')} kills in {run.seconds:.0f} s, "
                 f"{siege.get('busy')} with requests in flight; "
                 f"{siege.get('completed')} requests done, "
                 f"{siege.get('again')} of them submitted again",
                 [] if siege.get("digest") == digest
                 else ["the disk is not the model"])
    run.show(rows)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="examples/vhost, built")
    parser.add_argument("twin", help="its malicious device, built")
    parser.add_argument("--input", required=True,
                        help="the disk image, made by tools/image.py")
    parser.add_argument("--work", default="build/vhost",
                        help="folder for disks and logs")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    options = parse_arguments()
    rows = Rows()
    try:
        if shutil.which("qemu-storage-daemon") is None:
            raise Failure("qemu-storage-daemon is missing: install the package "
                          "qemu-system-common")
        if not os.path.isfile(options.input):
            raise Failure(f"{options.input} is missing: make it with "
                          f"tools/image.py {options.input}")
        os.makedirs(options.work, exist_ok=True)
        image(options, rows)
        lies(options, rows)
        kills(options, rows)
    except (Failure, OSError) as failure:
        print(f"vhost: {failure}", file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired:
        print(f"vhost: no end after {SECONDS} s, killed", file=sys.stderr)
        return 1
    print(f"\n{rows.count} rows, {rows.good} ok")
    return 0 if rows.good == rows.count else 1


if __name__ == "__main__":
    sys.exit(main())
