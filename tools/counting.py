# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What bouncing costs, for tools/demo.py: instructions of a sector, counted by
QEMU; copies of a byte; and the share of time that it takes."""
import subprocess
import threading

# An instruction takes a nanosecond of the guest's clocks: nothing else does.
OPTIONS = ["-icount", "shift=0"]
BOOTS = 2
LINES = 2  # of `count`, in each boot
SECONDS = 60  # a bound on hanging: idle, a boot takes 2
SPREAD = 0.1  # of an instruction a sector: a tick of the slowest clock
DIRECTIONS = {"in0": "in", "out0": "out"}  # row: what is counted for it
COPIES = (0.999, 1.001)  # for each byte that a device reports
COPIED = ("in0", "out0", "in1")  # rows of which all bytes bounce


def boot(command, log):
    """The `count` lines of one boot, which ends when they are there."""
    with open(log, "w", encoding="ascii", errors="replace") as out:
        process = subprocess.Popen(
            command + OPTIONS, stdin=subprocess.DEVNULL, stderr=out,
            stdout=subprocess.PIPE, text=True, encoding="ascii",
            errors="replace")
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        lines = []
        for line in process.stdout:
            out.write(line.rstrip("\r\n") + "\n")
            if line.startswith("count "):
                lines.append(dict(word.split("=", 1)
                                  for word in line.split()[1:]))
            if len(lines) == LINES:
                break
        process.kill()
        process.wait()
        timer.cancel()
    return lines


def boots(command, log):
    """Of all boots."""
    return [line for number in range(BOOTS)
            for line in boot(command, f"{log}.count{number}")]


def counted(run, device):
    """Instructions of a sector, each time that they were counted."""
    word = DIRECTIONS.get(device)
    try:
        return [int(line[word]) * run.guest.rate / int(line["sectors"])
                for line in run.counts] if word else []
    except (KeyError, ValueError, ZeroDivisionError):
        return []


def ratio(row, word, other):
    """One number of a row for each of another, or nothing."""
    numbers = [row.get(key, "") for key in (word, other)]
    if not all(number.isdecimal() and int(number) for number in numbers):
        return None
    return int(numbers[0]) / int(numbers[1])


# ---- cells of the table ----

def instructions(run, row):
    """Of a sector, in the direction of this row."""
    each = counted(run, row.get("device"))
    return f"{sum(each) / len(each):.0f}" if each else "-"


def copies(row):
    """Bytes copied for each byte moved: from the device, and to it."""
    both = [ratio(row, f"bytes_{way}", f"moved_{way}") for way in ("in", "out")]
    return "/".join("-" if one is None else f"{one:.2f}" for one in both) \
        if any(both) else "-"


def share(row):
    """Percent of the passes' time in bounce_map() and bounce_unmap()."""
    part = ratio(row, "bounce_ticks", "pass_ticks")
    return "-" if part is None else f"{100 * part:.0f} %"


# ---- what is demanded ----

def errors(run, row):
    """What is wrong with the cost of a row."""
    device = row["device"]
    said = []
    if device in DIRECTIONS:
        each = counted(run, device)
        if len(each) != BOOTS * LINES or max(each) - min(each) > SPREAD:
            said.append("a sector's instructions are not the same each time")
        if not 0 < (ratio(row, "bounce_ticks", "pass_ticks") or 0) < 1:
            said.append("no share of time")
    for way in ("in", "out") if device in COPIED else ():
        one = ratio(row, f"bytes_{way}", f"moved_{way}")
        if one is None or not COPIES[0] <= one <= COPIES[1]:
            said.append(f"not one copy of each byte {way}")
    return said
