#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How long, how wide and how complex: limits are errors, questions are shown.

Functions: 70 lines at most, a question above 40; 5 parameters; a cyclomatic
complexity of 10 as pmccabe counts it, but for those of COMPLEX. Files: 600
lines at most, a question above 400.
"""
import statistics
import sys

from common import Report, code, files, functions, run, text
from start import start

LINES, LINES_ASKED = 70, 40
FILE_LINES, FILE_LINES_ASKED = 600, 400
PARAMETERS = 5
# Public calls, each made once a program or device, whose arguments are all
# different in kind: a struct would only repeat their names.
WIDER = {"bounce_init": 6, "bounce_alloc": 6}
COMPLEXITY = 10
# More, with the reason. Shipped code first.
COMPLEX = {
    "bounce_block_claim": (11, "the places of a search, in their order"),
    "claim_large": (11, "slabs near and far, sealed or not, in their order"),
    "bounce_mapping_claim": (11, "which unit decides, and the ways to the "
                             "next: one sentence"),
    "call_sync": (14, "a fuzzer's and a test's: a way for each wrong call"),
    "when_protected": (12, "the policy's table once more, row by row"),
    "finish": (12, "a fuzzer's: ends all kinds of what is live"),
    "judge": (13, "the oracle's and an attack's predicates, in a row"),
    "addresses_of": (11, "nested loops over all that may be combined"),
    "model_unmap": (11, "the model's rules of one call, in one place"),
    "bounce_power_hcall": (11, "a test's hypervisor: a case for each call"),
    "open_port": (11, "a guest's: the steps of virtio's initialisation"),
    "take_ip": (11, "a guest's: the checks of one header, in its order"),
    "packet_told": (11, "a guest's: the same of what a packet says"),
    "main": (11, "a program's: its arguments, one after the other"),
    "sync": (13, "a soak's: a way for each answer"),
    "believed": (11, "a test's: what is kept of pages against the truth"),
}
SHOWN = 5  # of the most complex functions


def main():
    report = Report("sizes")
    sources = files(".c", ".h")
    lengths, asked, complexities = [], [], []
    for path in sources + files(".py", under=["tools"]) + ["configure.py"]:
        lines = text(path).count("\n")
        if lines > FILE_LINES:
            report.bad(path, f"{lines} lines, {FILE_LINES} at most")
        elif lines > FILE_LINES_ASKED:
            asked.append(f"{path} {lines}")
    for path in sources:
        for name, parameters, first, last in functions(code(path)):
            length = last - first + 1
            lengths.append(length)
            if length > LINES:
                report.bad(f"{path}:{first}", f"{name}(): {length} lines, "
                           f"{LINES} at most")
            elif length > LINES_ASKED:
                asked.append(f"{name}() {length}")
            most = WIDER.get(name, PARAMETERS)
            if len(parameters) > most:
                report.bad(f"{path}:{first}", f"{name}(): {len(parameters)} "
                           f"parameters, {most} at most")
    _, table = run("pmccabe", *[p for p in sources if p.endswith(".c")])
    for line in table.splitlines():
        fields = line.split("\t")
        if len(fields) < 6 or not fields[0].isdigit():
            report.bad("pmccabe", line)
            continue
        where = fields[5].rsplit(": ", 1)
        complexities.append((int(fields[0]), where[-1]))
        most = COMPLEX.get(where[-1], (COMPLEXITY,))[0]
        if int(fields[0]) > most:
            report.bad(where[0], f"{where[-1]}(): complexity {fields[0]}, "
                       f"{most} at most")
    for question in asked:
        print(f"long: {question} lines")
    print("most complex: " + ", ".join(
        f"{name}() {value}" for value, name in
        sorted(complexities, reverse=True)[:SHOWN]))
    if not lengths or not complexities:
        report.bad("sizes", "no function was found")
    return report.end(
        f"{len(sources)} C files, {len(lengths)} functions, median "
        f"{statistics.median(lengths or [0]):.0f} and most "
        f"{max(lengths, default=0)} lines, most complexity "
        f"{max(complexities, default=(0,))[0]}, {len(asked)} questions")


if __name__ == "__main__":
    sys.exit(start(main, __doc__))
