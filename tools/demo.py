#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Boot the bare-metal guests under QEMU and say what they proved.

    tools/demo.py --input input.img ppc64le=guest.bin,next.elf aarch64=guest.elf

Each guest shares pages with its ultravisor's real instruction, reads a whole
disk image through QEMU's virtio-blk devices and libbounce's slots, and writes
it to a second disk. There it finds a second image of itself, which it enters in
the end. It says what it saw on its console (the lines are described
in examples/guest/report.h); what it says of the disks is checked here, on the
host. One row a guest and device; the exit status is 0 only when all are ok.
"""

import argparse
import collections
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import threading

import counting
import output
from guests import (BESIDE_OPTIONS, CONFINED_AS, DISKS, EVERY_COMMAND, GUESTS,
                    IMAGE_BYTES, MOVED, NETWORK, NETWORK_OPTIONS, PAGES_GB,
                    SMP_MAPPINGS, WITHOUT_IMAGE)

# ---- what is run ------------------------------------------------------------

TIMEOUT_SECONDS = 240  # a bound on hanging: idle, a boot takes 6, loaded, 150
GUESTS_AT_ONCE = 2
WIDTH = 150


class Failure(Exception):
    """Something the user can mend; its text is one line."""


# ---- one guest --------------------------------------------------------------

WORD = re.compile(r'(\w+)=(?:"([^"]*)"|(\S*))')


def words_of(line):
    """The key=value words of a console line."""
    return {key: quoted or plain
            for key, quoted, plain in WORD.findall(line)}


def number(words, key):
    """A decimal number, or -1 when the guest did not give one."""
    text = words.get(key, "")
    return int(text) if text.isdecimal() else -1


class Run:
    """A guest while it runs, and what is known of it afterwards."""

    def __init__(self, guest, images, options):
        self.guest = guest
        self.image, *self.stage = images
        self.input = options.input
        self.output = os.path.join(options.work, f"{guest.name}-out.img")
        self.log = os.path.join(options.work, f"{guest.name}.log")
        self.percent = 0
        self.rows = {}
        self.controls = collections.defaultdict(list)
        self.requesters = collections.defaultdict(list)
        self.spaces = []
        self.counts = []  # of boots of their own
        self.problems = []  # of the whole guest
        self.done = None
        self.process = None
        self.late = False

    def command(self):
        """The command line: the machine, then the devices by role."""
        line = shlex.split(self.guest.command) + shlex.split(EVERY_COMMAND)
        line = [part.replace("{image}", self.image) for part in line]
        for role, name, writable, options in self.guest.disks:
            path = self.output if writable else self.input
            drive = ["if=none", f"id={name}", "format=raw",
                     "file=" + path.replace(",", ",,")]
            drive += [] if writable else ["readonly=on"]
            line += ["-drive", ",".join(drive)]
            line += self.device(role, "blk", f"drive={name}", options)
        line += ["-netdev", NETWORK]
        line += self.device(len(DISKS) + 1, "net", "netdev=net",
                            NETWORK_OPTIONS)
        # Last: a device that names no bus is put on any.
        return line + self.beside()

    def beside(self):
        """The options of what is on buses of its own."""
        line = shlex.split(self.guest.buses)
        disks = {**self.guest.beside, **self.guest.disks_more}
        for name, (place, _) in disks.items():
            line += ["-drive", f"if=none,id={name},format=raw,readonly=on,"
                     "file=" + self.input.replace(",", ",,"), "-device",
                     f"virtio-blk-pci,drive={name},{place},"
                     + BESIDE_OPTIONS]
        return line

    def device(self, role, kind, backend, options):
        """The options of a device at its place."""
        place = self.guest.place.format(role=role)
        return shlex.split(self.guest.before.format(role=role)) + [
            "-device", f"virtio-{kind}-{self.guest.bus},{backend},{place},"
            + options[self.guest.bus]]

    def kill(self):
        """End the emulator, if it is still there."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def give_up(self):
        """The guest did not come to an end."""
        self.late = True
        self.kill()

    def take(self, line):
        """One line of the console."""
        kind, _, rest = line.strip().partition(" ")
        words = words_of(rest)
        if kind == "progress":
            self.percent = max(0, min(100, number(words, "percent")))
        elif kind == "row":
            self.rows[words.get("device", "?")] = words
        elif kind == "control":
            self.controls[words.get("device", "?")].append(words)
        elif kind == "space":
            self.spaces.append(words.get("name", "?"))
        elif kind == "requester":
            self.requesters[words.get("device", "?")].append(words)
        elif kind == "done":
            self.done = words.get("ok")
        elif kind == "fail":
            self.problems.append("the guest says: " + words.get("text", "?"))

    def execute(self):
        """Boot, listen, and wait for the end, which comes in any case."""
        output.make(self.output, self.stage)
        command = self.command()
        self.counts = counting.boots(command, self.log)
        with open(self.log, "w", encoding="ascii", errors="replace") as log, \
                open(self.log + ".stderr", "w", encoding="ascii") as errors:
            log.write("$ " + shlex.join(command) + "\n")
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, text=True, encoding="ascii", errors="replace")
            timer = threading.Timer(TIMEOUT_SECONDS, self.give_up)
            timer.start()
            for line in self.process.stdout:
                log.write(line.rstrip("\r\n") + "\n")
                self.take(line)
            self.process.wait()
            timer.cancel()
        self.judge_end()

    def judge_end(self):
        """How the guest ended, as a whole."""
        status = self.process.returncode
        if self.late:
            self.problems.append(f"no end after {TIMEOUT_SECONDS} s, killed")
        elif status != 0:
            self.problems.append(f"QEMU ended with {status}")
        if self.done != "1":
            self.problems.append("the guest does not say that all is well")
        if self.spaces[:2] != ["main", "control"]:
            self.problems.append("the guest does not say what its spaces are")
        names = {control.get("name")
                 for controls in self.controls.values()
                 for control in controls}
        if names != self.guest.controls:
            odd = ", ".join(sorted(map(str, names ^ self.guest.controls)))
            self.problems.append(f"controls missing or unknown: {odd}")
        for device in set(self.controls) - set(self.guest.rows):
            self.problems += control_errors(self, device)


def last_lines(path, count):
    """The end of a log, for a guest that did not reach its own."""
    if not os.path.isfile(path):
        return []
    with open(path, encoding="ascii", errors="replace") as log:
        lines = [line.rstrip() for line in log]
    return [line for line in lines if not line.startswith("$ ")][-count:]


# ---- what is demanded -------------------------------------------------------


def smp_errors(row):
    """What is wrong with the mappings of two CPUs."""
    second = number(row, "mappings_second")
    first = number(row, "mappings") - second
    return [f"CPU {cpu} made few mappings"
            for cpu, count in enumerate((first, second))
            if count < SMP_MAPPINGS]


def moved_errors(row):
    """What is wrong with the bytes that a row's device moved."""
    word, least = MOVED[row["device"]]
    if number(row, word) < least:
        return [f"fewer than {least} {word}"]
    return []


def window_errors(row):
    """What is wrong with the IOMMU's calls of a window that is filled."""
    calls = number(row, "window_calls_io")
    if row["window"] == "static":
        return ["calls of the IOMMU during I/O"] if calls != 0 else []
    if calls <= 0:
        return ["no calls of the IOMMU"]
    return ["more calls than pages"] if calls_gb(row) > PAGES_GB else []


def used_row_errors(run, row, digest):
    """What is wrong with the row of a device that was used."""
    errors = []
    device = row["device"]
    if row.get("digest") != ("-" if device in WITHOUT_IMAGE else digest):
        errors.append("the digest is not the image's")
    errors += smp_errors(row) if device == "smp" else moved_errors(row)
    for key in ("pages_shared", "mappings", "high_water_chunks", "pool_bytes",
                "peak_in_flight"):
        if number(row, key) <= 0:
            errors.append(f"{key} says nothing")
    if (number(row, "share_calls_start") > 0) != run.guest.monitor:
        errors.append("share calls without a monitor, or none to one")
    # The guest itself plays the liar.
    confined = "none" if device == "liar" else \
        run.guest.confined[CONFINED_AS.get(device, device)]
    if row.get("confined") != confined:
        errors.append(f"not confined by {confined}")
    if "window" in row:
        errors += window_errors(row)
    if device == "out0":
        errors += output.errors(run.output, run.input, confined)
    if device == "handover":
        errors += output.stage_errors(run.output)
    return errors + counting.errors(run, row)


def requester_errors(run, device):
    """What is wrong with the IDs that a device behind bridges was seen with;
    the guest compares them, and here they are what they must be."""
    said = run.requesters.get(device, [])
    seen = tuple(words.get("seen") for words in said)
    computed = tuple(words.get("computed") for words in said)
    ids = run.guest.beside[device][1]
    return [] if seen == computed == ids else ["it is seen with other IDs"]


def control_errors(run, device):
    """The controls of a device, or of the pool, that failed."""
    return [f"control {control.get('name')}: {control.get('text')}"
            for control in run.controls[device] if control.get("ok") != "1"]


def row_errors(run, device, digest):
    """What is wrong with a row; nothing when it is ok."""
    row = run.rows.get(device)
    if row is None:
        return ["no such row"]
    errors = []
    verdict = run.guest.rows[device]
    if row.get("verdict") != verdict:
        errors.append(f"the verdict should be {verdict}")
    if not row.get("reason"):
        errors.append("no reason for the verdict")
    if number(row, "share_calls_io") != 0:
        errors.append("share calls during I/O")
    if verdict != "refuse":
        errors += used_row_errors(run, row, digest)
    if device in run.guest.beside:
        errors += requester_errors(run, device)
    errors += control_errors(run, device)
    return errors + (["the guest as a whole, see below"]
                     if run.problems else [])


# ---- what is shown ----------------------------------------------------------

# Heading, width (negative: left), and the text of a cell.
COLUMNS = (
    ("guest", -14, lambda run, row: run.guest.name),
    ("bus", -5, lambda run, row: row.get("transport", "?")),
    ("device", -12, lambda run, row: row.get("device", "?")),
    ("verdict", -8, lambda run, row: row.get("verdict", "?")),
    ("confined", -9, lambda run, row: row.get("confined", "?")),
    ("pages", 6, lambda run, row: row.get("pages_shared", "?")),
    ("calls", 6, lambda run, row: row.get("share_calls_start", "?")),
    ("in I/O", 7, lambda run, row: row.get("share_calls_io", "?")),
    ("window", 9, lambda run, row: row.get("window", "-")),
    ("per GB", 8, lambda run, row: calls_gb(row)),
    ("mappings", 9, lambda run, row: row.get("mappings", "?")),
    ("bytes in", 10, lambda run, row: row.get("bytes_in", "?")),
    ("bytes out", 10, lambda run, row: row.get("bytes_out", "?")),
    ("high", 5, lambda run, row: row.get("high_water_chunks", "?")),
    ("pool:byte", 10, lambda run, row: pool_per_byte(row)),
    ("copies", 11, lambda run, row: counting.copies(row)),
    ("time", 6, lambda run, row: counting.share(row)),
    ("instr", 7, lambda run, row: counting.instructions(run, row)),
    ("digest", 14, lambda run, row: row.get("digest", "?")[:12]),
    ("libc", 14, lambda run, row: row.get("libc", "?")),
    ("controls", 9, lambda run, row: controls_held(run, row)),
)
LEGEND = (
    "pages: share granules shared (POWER 64 KiB, s390x 4 KiB). calls, in I/O: "
    "calls to the ultravisor before and during I/O. high: most chunks of 256 "
    "KiB in use. pool:byte: bytes of pool for each byte in flight at the "
    "peak. copies: bytes copied for each byte that the device reported, and "
    "for each that it was given to read (entry: half of them, before it is "
    "secure, went direct). time: share of the passes spent in bounce_map() and "
    "bounce_unmap(). instr: instructions to map and unmap a sector, counted "
    "under -icount shift=0 in boots of their own, twice in each of two; the "
    "guest's memcpy is among them. window, per GB: the library fills the "
    "IOMMU's window once (static) or with each mapping (dynamic); calls of the "
    "IOMMU for each GB that was read. confined by: TCE, IOAT, VIOMMU: QEMU's "
    "own IOMMU, which the guest's model of the ultravisor tells what is "
    "shared; model: that model, asked for every descriptor before the device "
    "is told (aarch64 has no ultravisor: there the library's list of shared "
    "ranges). "
    "libc: what the guest is linked with; none: the four mem*() functions are "
    "its own. "
    "smp: two CPUs map and unmap at once; mappings and bytes are both CPUs', "
    "digest and pool:byte are of in0, which CPU 0 reads meanwhile."
)


def calls_gb(row):
    """Calls of the IOMMU for each GB that went through a window."""
    if "window" not in row:
        return "-"
    return number(row, "window_calls_io") * (1 << 30) // number(row, "io_bytes")


def pool_per_byte(row):
    """How much pool there was for each byte in flight at the peak."""
    pool, flight = number(row, "pool_bytes"), number(row, "peak_in_flight")
    return f"{pool / flight:.2f}" if pool > 0 and flight > 0 else "-"


def controls_held(run, row):
    """Controls of a device that came out as they should, of how many."""
    controls = run.controls[row.get("device")]
    if not controls:
        return "-"
    held = sum(control.get("ok") == "1" for control in controls)
    return f"{held}/{len(controls)}"


def cell(text, width):
    """A cell of a given width, negative for left."""
    return f"{text:<{-width}}" if width < 0 else f"{text:>{width}}"


def wrapped(lead, text):
    """A sentence below the table."""
    return textwrap.fill(text, WIDTH, initial_indent=lead,
                         subsequent_indent=" " * len(lead))


def show_table(results):
    """The rows; each with its verdict's reason on the line below."""
    print("".join(cell(name, width) for name, width, _ in COLUMNS) + "  ok")
    for run, device, errors in results:
        row = run.rows.get(device, {"device": device})
        line = "".join(cell(text(run, row), width)
                       for _, width, text in COLUMNS)
        print(line + ("  yes" if not errors else "  NO"))
        if row.get("reason"):
            print(wrapped("            why: ", row["reason"]))
        for error in errors:
            print(wrapped("            NOT OK: ", error))


def show_requesters(runs):
    """By which requester IDs devices behind bridges were seen."""
    if any(run.requesters for run in runs):
        print("\nrequester IDs behind bridges: the device's own, computed, "
              "in the IOMMU's event")
    for run in runs:
        for device, rounds in run.requesters.items():
            ids = ("/".join(words.get(key, "?").rjust(4, "0")
                            for key in ("own", "computed", "seen"))
                   for words in rounds)
            print(f"  {run.guest.name:<13} {device:<12}"
                  + ", renumbered ".join(ids))


def show_controls(runs):
    """What was tried on purpose, and what came of it."""
    print("\ncontrols")
    for run in runs:
        for device, controls in run.controls.items():
            for control in controls:
                held = "ok" if control.get("ok") == "1" else "NOT OK"
                print(wrapped(f"  {run.guest.name:<13} {device:<12}"
                              f"{control.get('name', '?'):<17}{held:<7}",
                              control.get("text", "")))


def show_deaths(runs):
    """The end of the console of each guest that went wrong as a whole."""
    for run in runs:
        if not run.problems:
            continue
        print()
        for problem in run.problems:
            print(wrapped(f"{run.guest.name} NOT OK: ", problem))
        for path in (run.log, run.log + ".stderr"):
            print(f"end of {path}:")
            for line in last_lines(path, 12):
                print("  | " + line)


class Progress:
    """Percent a guest: one line in place on a terminal, else a few lines."""

    STEP = 50  # percent between two plain lines

    def __init__(self, runs):
        self.runs = runs
        self.terminal = sys.stdout.isatty()
        self.said = None

    def show(self):
        """Say how far everyone is, if it is worth saying."""
        parts = [f"{run.guest.name} {run.percent:3} %" for run in self.runs]
        line = "   ".join(parts)
        if self.terminal:
            print("\r" + line, end="", flush=True)
            return
        steps = [run.percent // self.STEP for run in self.runs]
        if steps != self.said:
            self.said = steps
            print(line, flush=True)

    def end(self):
        """Leave the line."""
        if self.terminal:
            print()


# ---- the whole --------------------------------------------------------------


def parse_arguments():
    """What to run, and where."""
    parser = argparse.ArgumentParser(
        description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guests", nargs="+", metavar="NAME=IMAGE",
                        help="a guest's program: ppc64le=...; and behind a "
                        "comma its second image, if it has one")
    parser.add_argument("--input", required=True,
                        help="the disk image, made by tools/image.py")
    parser.add_argument("--work", default="build/demo",
                        help="folder for disks and console logs")
    parser.add_argument("--row", default="", metavar="TEXT",
                        help="show only rows with TEXT in guest/device")
    return parser.parse_args()


def check_input(path):
    """The image must be one that the guests can read whole."""
    if not os.path.isfile(path):
        raise Failure(f"{path} is missing: make it with tools/image.py {path}")
    if os.path.getsize(path) != IMAGE_BYTES:
        raise Failure(f"{path} is not {IMAGE_BYTES} bytes: make it with "
                      f"tools/image.py {path}")


def plan(options):
    """The runs that were asked for, all of which can start."""
    known = {guest.name: guest for guest in GUESTS}
    runs = []
    check_input(options.input)
    for argument in options.guests:
        name, _, images = argument.partition("=")
        images = images.split(",")
        if name not in known or len(images) != known[name].images:
            raise Failure(f"{argument} is not NAME=IMAGE, with the second image"
                          " behind a comma where there is one, and a name of "
                          + ", ".join(known))
        emulator = known[name].command.split()[0]
        if shutil.which(emulator) is None:
            raise Failure(f"{emulator} is missing: install the package "
                          + known[name].package)
        for image in images:
            if not os.path.isfile(image):
                raise Failure(f"{image} is missing: build the guests with "
                              "ninja")
        if any(options.row in f"{name}/{device}"
               for device in known[name].rows):
            runs.append(Run(known[name], images, options))
    if not runs:
        raise Failure(f"no row has {options.row} in its name")
    os.makedirs(options.work, exist_ok=True)
    return runs


def execute(runs):
    """Run all guests, a few at a time."""
    places = threading.Semaphore(GUESTS_AT_ONCE)

    def one(run):
        with places:
            try:
                run.execute()
            except OSError as error:
                run.problems.append(str(error))

    threads = [threading.Thread(target=one, args=(run,), daemon=True)
               for run in runs]
    progress = Progress(runs)
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            progress.show()
            for thread in threads:
                thread.join(0.1)
        progress.show()
    finally:
        progress.end()
        for run in runs:
            run.kill()


def judge(runs, options):
    """Every row that should be there: run, device, errors."""
    with open(options.input, "rb") as image:
        digest = hashlib.sha256(image.read()).hexdigest()
    print(f"image {options.input}, {IMAGE_BYTES} bytes, sha256 {digest}\n")
    return [(run, device, row_errors(run, device, digest))
            for run in runs for device in run.guest.rows
            if options.row in f"{run.guest.name}/{device}"]


def main():
    """Boot, judge, show."""
    options = parse_arguments()
    try:
        runs = plan(options)
        execute(runs)
        results = judge(runs, options)
    except (Failure, OSError) as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    show_table(results)
    show_requesters(runs)
    show_controls(runs)
    show_deaths(runs)
    good = sum(not errors for _, _, errors in results)
    print()
    print(textwrap.fill(LEGEND, WIDTH))
    print(f"\n{len(results)} rows, {good} ok")
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
