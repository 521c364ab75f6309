#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run the proofs of tools/proofs.py on the sources as they ship.

Eva looks at every value that a device, a monitor or a caller can choose: 0
alarms means that none of them makes the code read or write outside. WP proves
the contracts that stand in the source; those of words, whose bits its provers
do not know, are proved by tools/words.py. A twin is code with a fault put in,
and each other proof is tried again with the fault that it names: both must
fail. One line a proof; ends with "N rows, M ok".

  prove.py [NAME...]
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import words
from acsl import Unknown
from common import ROOT
from proofs import PROOFS
from start import Trouble, start as start_tool

SECONDS = 280  # of one run of a tool
CPP = ("-Itests/prove -include tests/prove/frama.h -Iinclude -I{lib} "
       "-Iarch/x86")
# Of what C11 allows and Frama-C 25 cannot tell from a mistake, nothing.
COMMON = ["frama-c", "-machdep", "gcc_x86_64"]


def sources_of(proof, lib):
    return [re.sub(r"^lib/", f"{lib}/", source) for source in proof.sources]


def run(options, lib):
    """(exit code, output)."""
    try:
        done = subprocess.run([*COMMON,
                               f"-cpp-extra-args={CPP.format(lib=lib)}",
                               *options], cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, errors="replace",
                              stdout=subprocess.PIPE, timeout=SECONDS,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return 1, f"not done after {SECONDS} s"
    except FileNotFoundError:
        return 1, "no frama-c: ./configure.py --install prove"
    return done.returncode, done.stdout


def is_proved_elsewhere(line):
    """Of a contract that Eva used and could not prove."""
    # A static function of a header has a name of each file: with a number.
    named = re.search(r"function (\w+?)(?:_\d+)?: postcondition .*unknown",
                      line)
    return named is not None and any(named.group(1) in proof.functions
                                     for proof in PROOFS.values())


def eva(proof, lib):
    """(good, what was seen, the whole output)."""
    code, output = run([*sources_of(proof, lib), "-eva", "-eva-precision",
                        str(proof.precision), "-eva-split-return", "auto",
                        *proof.more, "-eva-no-show-progress",
                        "-eva-msg-key=-initial-state,-final-states"], lib)
    alarms = re.search(r"^  (\d+) alarms? generated", output, re.M)
    looked = re.search(r"(\d+) statements reached \(out of (\d+)\)", output)
    functions = re.search(r"(\d+) functions analyzed", output)
    if code or not (alarms and looked and functions):
        return None, "the analysis did not end", output
    count = int(alarms.group(1))
    # What depends on a contract holds only if it is proved.
    open_ends = [line for line in output.replace("Warning: \n ", "").split("\n")
                 if re.search("got status (?!valid)", line)
                 and not is_proved_elsewhere(line)]
    return count == 0 and not open_ends, (
        f"{functions.group(1)} functions, {looked.group(1)} of "
        f"{looked.group(2)} statements, {count} alarms"), output


def wp(proof, lib):
    code, output = run([*sources_of(proof, lib), "-wp", "-wp-rte",
                        "-wp-prover", "z3", "-wp-timeout", "20", "-wp-par", "2",
                        "-wp-fct", ",".join(proof.functions)], lib)
    goals = re.search(r"Proved goals:\s+(\d+) / (\d+)", output)
    if code or not goals:
        return None, "the prover did not end", output
    proved, count = map(int, goals.groups())
    return proved == count != 0, (f"{len(proof.functions)} functions, "
                                  f"{proved} of {count} goals"), output


def bits(proof, lib):
    try:
        proved, count, bad = words.prove(sources_of(proof, lib)[0], lib, proof,
                                         SECONDS)
    except (Unknown, FileNotFoundError) as trouble:
        return None, "the contract was not understood", f"error: {trouble}"
    return proved == count != 0, (f"{len(proof.functions)} functions, "
                                  f"{proved} of {count} goals"), "\n".join(bad)


METHODS = {"eva": eva, "wp": wp, "bits": bits}


def try_broken(proof):
    """What is seen when the library is broken; None if that is not noticed."""
    source, was, instead = proof.broken
    with tempfile.TemporaryDirectory() as folder:
        lib = shutil.copytree(ROOT / "lib", pathlib.Path(folder) / "lib")
        changed = lib / pathlib.Path(source).name
        text = changed.read_text()
        if text.count(was) != 1:
            raise Trouble(f"{source} has no line with {was!r} to break: say "
                          "another in tools/proofs.py")
        changed.write_text(text.replace(was, instead))
        good, seen, _ = METHODS[proof.method](proof, lib)
    return seen if good is False else None


def one(name, proof):
    """Print a row; True when it is as it should be."""
    start = time.time()
    good, seen, output = METHODS[proof.method](proof, "lib")
    if proof.twin:
        good, seen = good is False, f"{seen}, wanted"
    elif good:
        broken = try_broken(proof)
        good = broken is not None
        seen += f"; broken: {(broken or 'not noticed').split(', ')[-1]}"
    print(f"{proof.method:4} {name:10} {seen}, {time.time() - start:.0f} s"
          f"{'' if good else ': FAILED'}", flush=True)
    if not good:
        print("\n".join(line for line in output.splitlines()
                        if re.search(r"alarm|rror|Goal|goal|nvalid|nknown",
                                     line))[-4000:] or output[-2000:])
    return bool(good)


def main():
    names, began = sys.argv[1:], time.time()
    if not set(names) <= set(PROOFS):
        raise Trouble("the proofs are " + ", ".join(PROOFS))
    rows = [one(name, proof) for name, proof in PROOFS.items()
            if not names or name in names]
    print(f"all in {time.time() - began:.0f} s")
    print(f"{len(rows)} rows, {sum(rows)} ok")
    return 0 if rows and all(rows) else 1


if __name__ == "__main__":
    sys.exit(start_tool(main, __doc__, 0, None))
