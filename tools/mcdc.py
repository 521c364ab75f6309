#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Does each condition of the checks decide by itself, in some test?

  mcdc.py FOLDER PROGRAM...    FOLDER: the objects, by clang-19 with
                               -fcoverage-mcdc

Runs the unit tests and asks llvm-cov-19 which conditions of a decision with
two or more have changed its outcome while the others stood still (modified
condition/decision coverage). All of them must have, in WHOLE files, and on the
ways by which anything is judged: every public call, every function called
*_valid, and JUDGES. What cannot be, is argued in docs/coverage.md:

  | `lib/sync.c` | `sync_held` | 2 | why no test gets there |

file, function, and the most conditions that it may leave open.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import docs
import run as runner
from common import (ROOT, Report, code, files, fresh, functions, many,
                    shipped, text)
from start import Trouble, start

LIST = "docs/coverage.md"
ROW = re.compile(r"^\| `([^`]+)` \| `(\w+)` \| (\d+) \| ([^|]+) \|$", re.M)
WHOLE = ("lib/policy.c", "lib/window.c", "lib/used.c", "lib/virtio.c")
# Who judges and is neither public nor called *_valid.
JUDGES = {
    "lib/base.h": ["bounce_is_power", "bounce_inside", "bounce_is_low_mask"],
    "lib/device.c": ["check"],
    "lib/fdt.c": ["version_fits", "take_blocks", "check_structure"],
    "lib/find.c": ["locate", "take"],
    "lib/grow.c": ["is_whole", "is_taken", "is_retired_as"],
    "lib/map.c": ["bounce_map_prepare", "unmap"],
    "lib/mapping.c": ["bounce_mapping_look_up"],
    "lib/mapping.h": ["mapping_look_up", "mapping_pointer"],
    "lib/open.c": ["is_open"],
    "lib/shared.c": ["commit", "find_home", "free_shared", "judge_wish"],
    "lib/sync.c": ["sync_any", "sync_held"],
    "lib/topology.c": ["judge", "numbers_clash", "numbers_fit", "are_apart",
                       "place_taken"],
    "lib/viommu.c": ["usable"],
}


def wanted(path, name, public):
    return (path in WHOLE or name.endswith("_valid") or name in public
            or name in JUDGES.get(path, ()))


def count(report, folder, programs):
    """Run all programs; the one profile of all that they ran."""
    raw = fresh(pathlib.Path(folder) / "raw")

    def one(program):
        # %m: the processes of a program, which are many, add up in one file.
        name = raw / f"{pathlib.Path(program).name}.%m.profraw"
        return program, subprocess.run(
            [*runner.steady(), f"./{program}", "-j1"], cwd=ROOT, timeout=600,
            env={**os.environ, "LLVM_PROFILE_FILE": str(name)},
            stdin=subprocess.DEVNULL, capture_output=True).returncode
    for program, status in many(one, programs):
        if status:
            report.bad(program, f"failed, exit {status}")
    profile = raw / "all.profdata"
    subprocess.run(["llvm-profdata-19", "merge", "-sparse", "-o", profile,
                    *raw.glob("*.profraw")], check=True)
    return profile


def records(profile, programs, sources):
    """file -> {place: [did each condition decide?]}; the best of a place, for
    an inline function has one in each program."""
    objects = [word for program in programs[1:]
               for word in ("-object", program)]
    done = subprocess.run(
        ["llvm-cov-19", "export", "-skip-expansions", "-skip-functions",
         f"-instr-profile={profile}", programs[0], *objects, *sources],
        cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
    found = {}
    for one in json.loads(done.stdout)["data"][0]["files"]:
        path = pathlib.Path(one["filename"])
        path = path.relative_to(ROOT) if path.is_absolute() else path
        places = found.setdefault(str(path), {})
        for record in one["mcdc_records"]:
            place, new = tuple(record[:4]), record[6]
            old = places.get(place, [False] * len(new))
            places[place] = [a or b for a, b in zip(old, new)]
    return found


def argued(report):
    rows = {}
    for path, name, conditions, _ in ROW.findall(text(LIST)):
        if not (ROOT / path).is_file() or name not in [
                one[0] for one in functions(code(path))]:
            report.bad(LIST, f"{path} has no {name}()")
        rows[path, name] = int(conditions)
    return rows


def tell(report, found, public):
    """What is open of what is wanted; (conditions, decided, open, functions)
    of that, and the same two of all of it."""
    rows, seen = argued(report), set()
    total, everything = [0, 0, 0, 0], [0, 0]
    for path, places in sorted(found.items()):
        names = {line: name for name, _, first, last in functions(code(path))
                 for line in range(first, last + 1)}
        lost, one = {}, [0, 0]
        for place, decided in sorted(places.items()):
            name = names.get(place[0])
            if not name:
                continue  # of a macro, and counted where it is used
            everything[0] += len(decided)
            everything[1] += sum(decided)
            if not wanted(path, name, public):
                continue
            one[0] += len(decided)
            one[1] += sum(decided)
            seen.add((path, name))
            for i, good in enumerate(decided, 1):
                if not good:
                    lost.setdefault(name, []).append(f"{place[0]}.{i}")
        total[0] += one[0]
        total[1] += one[1]
        if one[0]:
            print(f"{one[1]:4} of {one[0]:4}  {path}")
        for name, where in lost.items():
            most = rows.pop((path, name), 0)
            fine = len(where) <= most
            total[2] += 0 if fine else len(where)
            print(f"{'':14}{'argued' if fine else 'OPEN  '} {name}(): "
                  f"line.condition {' '.join(where)}")
            if not fine:
                report.bad(path, f"{name}(): {len(where)} conditions decide "
                           f"nothing by themselves, {most} argued in {LIST}")
    for path, name in sorted(rows):
        print(f"{path}: {name}() is decided; its row in {LIST} may go")
    for path, names in JUDGES.items():
        have = [one[0] for one in functions(code(path))]
        for name in names:
            if name not in have:
                report.bad("tools/mcdc.py", f"{path} has no {name}()")
    total[3] = len(seen)
    return total, everything


def main():
    report = Report("mcdc")
    folder, programs = sys.argv[1], sys.argv[2:]
    for program in programs:
        if not (ROOT / program).is_file():
            raise Trouble(f"{program}: is missing: ninja mcdc builds it")
    sources = [source for source in shipped() if source.endswith(".c")]
    public = {one[0] for header in files(".h", under=["include"])
              for one in docs.prototypes(header)}
    found = records(count(report, folder, programs), programs,
                    sources + list(path for path in JUDGES
                                   if path.endswith(".h")))
    total, everything = tell(report, found, public)
    if not total[0]:
        report.bad("mcdc", "found no decision")
    return report.end(
        f"{total[3]} functions, {total[1]} of {total[0]} conditions decide by "
        f"themselves, {total[0] - total[1] - total[2]} are argued for; in all "
        f"of the library {everything[1]} of {everything[0]}")


if __name__ == "__main__":
    sys.exit(start(main, __doc__, 2, None))
