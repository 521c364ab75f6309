#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Run the simulation's cells, draw them, and put the table into docs/scale.md.

  scale.py PROGRAM FOLDER     PROGRAM is bench/scale's, FOLDER for its lines

Each cell is a process, as many at a time as there are CPUs. The same cell gives
the same line, on any machine: one is run twice and compared. Exit status 1:
they differ, or a cell did not run.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCUMENT = ROOT / "docs" / "scale.md"
PICTURES = ROOT / "docs" / "scale"
SEED = 1
LONGEST = 600  # seconds of a cell
NAMES = {"libbounce": ("libbounce", "#1f5fa8"),
         "areas": ("locked areas", "#b03020")}
STYLE = """\
set terminal svg size 760,460 font "sans,12" background "white"
set key below maxcols 4
set grid
set style data linespoints
set pointsize 0.6
set logscale x 2
set logscale y 10
"""

# ---- what is run: design, CPUs, GiB, percent, nodes, aware ------------------

BY_CPUS = [(design, cpus, 4, percent, 1, 0) for design in NAMES
           for percent in (50, 75) for cpus in (1, 4, 16, 64, 256)]
BY_POOL = [(design, cpus, gib, 50, 1, 0) for design in NAMES
           for cpus in (64, 256) for gib in (1, 4, 16)]
BY_LOAD = [(design, 64, 1, percent, 1, 0) for design in NAMES
           for percent in (25, 50, 75, 90)]
BY_NODE = [("libbounce", 256, 16, percent, 4, aware)
           for percent in (50, 75) for aware in (0, 1)]
# Longest first.
CELLS = sorted(set(BY_CPUS + BY_POOL + BY_LOAD + BY_NODE),
               key=lambda c: (c[0] != "areas", -c[3], -c[1]))


class Trouble(Exception):
    """One line: what is wrong, and what to do."""


def output(program, *words):
    try:
        done = subprocess.run([program, *map(str, words)], text=True,
                              capture_output=True, timeout=LONGEST,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"{program}: {error}") from error
    if done.returncode:
        raise Trouble(f"{program} {' '.join(map(str, words))}: "
                      + (done.stderr.strip() or f"exit {done.returncode}"))
    return done.stdout.split()


def simulate(program):
    """{cell: {column: text}}"""
    columns = output(program)
    found = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = pool.map(lambda c: output(program, *c, SEED), CELLS)
        for done, (cell, line) in enumerate(zip(CELLS, lines), 1):
            found[cell] = dict(zip(columns, line))
            print(f"scale: {done} of {len(CELLS)}: {' '.join(line)}", flush=True)
    again = dict(zip(columns, output(program, *CELLS[-1], SEED)))
    if again != found[CELLS[-1]]:
        raise Trouble("the same seed gave another line")
    return found


# ---- pictures ---------------------------------------------------------------


def draw(path, title, x, y, curves):
    words, data = [], []
    for name, colour, kind, points in curves:
        words.append(f"'-' title \"{name}\" lw 2 lc rgb \"{colour}\" dt {kind}"
                     " pt 7")
        data += [f"{a} {b}" for a, b in points] + ["e"]
    script = (f"{STYLE}set output \"{path}\"\nset title \"{title}\"\n"
              f"set xlabel \"{x}\"\nset ylabel \"{y}\"\n"
              f"plot {', '.join(words)}\n" + "\n".join(data) + "\n")
    try:
        done = subprocess.run(["gnuplot"], input=script, text=True,
                              capture_output=True, check=False)
    except OSError as error:
        raise Trouble("gnuplot is missing: ./configure.py --install scale"
                      ) from error
    if done.returncode:
        raise Trouble(f"gnuplot: {done.stderr.strip()}")


def curves(found, cells, axis, column, by):
    result = []
    for design, (name, colour) in NAMES.items():
        for kind, value in enumerate(sorted({c[by] for c in cells}), 1):
            points = [(c[axis], found[c][column]) for c in cells
                      if c[0] == design and c[by] == value]
            unit = "% in use" if by == 3 else " CPUs"
            result.append((f"{name}, {value}{unit}", colour, kind, points))
    return result


def pictures(found):
    PICTURES.mkdir(exist_ok=True)
    draw(PICTURES / "cpus.svg", "A claim, by CPUs: 4 GiB", "CPUs",
         "ns, mean", curves(found, BY_CPUS, 1, "claim_ns", 3))
    draw(PICTURES / "transfers.svg", "Cache lines moved, by CPUs: 4 GiB",
         "CPUs", "transfers a claim and release",
         curves(found, BY_CPUS, 1, "transfers", 3))
    draw(PICTURES / "pool.svg", "A claim, by the pool's size: half in use",
         "GiB", "ns, mean", curves(found, BY_POOL, 2, "claim_ns", 1))


# ---- the table --------------------------------------------------------------

HEAD = ("| design | CPUs | GiB | in use, % | claim, ns | p99, ns | release, ns "
        "| transfers | retries | words | failed, % | million pairs a second |")
NODE_HEAD = ("| told of nodes | in use, % | claim, ns | transfers | of those "
             "from another node | slots of the own node, % |")


def rule(head):
    return "|" + " --- |" * (head.count("|") - 1)


def rows(found, cells):
    keys = ("cpus", "gib", "percent", "claim_ns", "claim_p99_ns",
            "release_ns", "transfers", "retries", "words", "failed_percent",
            "mpairs")
    return ["| " + " | ".join([NAMES[c[0]][0]]
                              + [found[c][key] for key in keys]) + " |"
            for c in cells]


def tables(found):
    order = list(dict.fromkeys(BY_CPUS + BY_POOL + BY_LOAD))
    lines = [HEAD, rule(HEAD), *rows(found, order), "", NODE_HEAD,
             rule(NODE_HEAD)]
    for cell in BY_NODE:
        said = found[cell]
        lines.append("| " + " | ".join(
            ["yes" if cell[5] else "no"] + [said[key] for key in (
                "percent", "claim_ns", "transfers", "far",
                "local_percent")]) + " |")
    return "\n".join(lines)


def write(found):
    text = DOCUMENT.read_text()
    begin, end = "<!-- scale.py: begin -->", "<!-- scale.py: end -->"
    whole = re.sub(f"{begin}.*{end}",
                   lambda _: f"{begin}\n\n{tables(found)}\n\n{end}", text,
                   flags=re.S)
    DOCUMENT.write_text(whole)


def main():
    if len(sys.argv) != 3:
        print("scale.py: name the program, and a folder for its lines")
        return 1
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = simulate(sys.argv[1])
        (folder / "cells.txt").write_text("".join(
            " ".join(cell.values()) + "\n" for cell in found.values()))
        pictures(found)
        write(found)
    except Trouble as trouble:
        print(f"scale: {trouble}")
        return 1
    print(f"scale: {len(found)} cells, seed {SEED}; docs/scale.md has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
