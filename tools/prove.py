#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run the proofs of configure.py: Frama-C on the sources as they ship.

Eva looks at every value that a device, a monitor or a caller can choose: 0
alarms means that none of them makes the code read or write outside. WP proves
the contracts that stand in the source. A twin is code with a fault put in: the
analysis must find it. One line a proof; ends with "N rows, M ok".
"""
import re
import subprocess
import sys
import time

from common import ROOT, configure
from start import start as start_tool

SECONDS = 280  # of one proof; all of them stay under five minutes
CPP = ("-Itests/prove -include tests/prove/frama.h -Iinclude -Ilib "
       "-Iarch/x86")
# Of what C11 allows and Frama-C 25 cannot tell from a mistake, nothing.
COMMON = ["frama-c", "-machdep", "gcc_x86_64", f"-cpp-extra-args={CPP}"]


def run(options):
    """(exit code, output)."""
    try:
        done = subprocess.run(COMMON + options, cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, errors="replace",
                              stdout=subprocess.PIPE, timeout=SECONDS,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return 1, f"not done after {SECONDS} s"
    except FileNotFoundError:
        return 1, "no frama-c: ./configure.py --install prove"
    return done.returncode, done.stdout


def eva(proof):
    """(good, what was seen, the whole output)."""
    code, output = run([*proof.sources, "-eva", "-eva-precision",
                        str(proof.precision), "-eva-split-return", "auto",
                        "-eva-no-show-progress",
                        "-eva-msg-key=-initial-state,-final-states"])
    alarms = re.search(r"^  (\d+) alarms? generated", output, re.M)
    looked = re.search(r"(\d+) statements reached \(out of (\d+)\)", output)
    functions = re.search(r"(\d+) functions analyzed", output)
    unknown = re.search(r"of the logical properties reached have been proven",
                        output)
    if code or not (alarms and looked and functions):
        return False, "the analysis did not end", output
    count = int(alarms.group(1))
    # What depends on a contract holds only if Eva, or WP, has proved it.
    whole = unknown is None or "100% of the logical" in output
    good = (count > 0) if proof.twin else (count == 0 and whole)
    return good, (f"{functions.group(1)} functions, {looked.group(1)} of "
                  f"{looked.group(2)} statements, {count} alarms"
                  + (", wanted" if proof.twin else "")), output


def wp(proof):
    code, output = run([*proof.sources, "-wp", "-wp-rte", "-wp-prover", "z3",
                        "-wp-timeout", "20", "-wp-par", "2", "-wp-fct",
                        ",".join(proof.functions)])
    goals = re.search(r"Proved goals:\s+(\d+) / (\d+)", output)
    if code or not goals:
        return False, "the prover did not end", output
    proved, count = map(int, goals.groups())
    return proved == count != 0, (f"{len(proof.functions)} functions, "
                                  f"{proved} of {count} goals"), output


def main():
    began, rows, good = time.time(), 0, 0
    for name, proof in configure.PROOFS.items():
        start = time.time()
        ok, seen, output = (wp if proof.functions else eva)(proof)
        rows += 1
        good += ok
        print(f"{'wp ' if proof.functions else 'eva'} {name:10} {seen}, "
              f"{time.time() - start:.0f} s{'' if ok else ': FAILED'}",
              flush=True)
        if not ok:
            print("\n".join(line for line in output.splitlines()
                            if re.search(r"alarm|rror|Goal|nvalid|nknown",
                                         line))[-4000:] or output[-2000:])
    print(f"all in {time.time() - began:.0f} s")
    print(f"{rows} rows, {good} ok")
    return 0 if rows and good == rows else 1


if __name__ == "__main__":
    sys.exit(start_tool(main, __doc__))
