#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Make the page of a run: bench/page.md with its tables filled in, and plots.

  bench/report.py RESULTS FOLDER       FOLDER/benchmarks.md, FOLDER/benchmarks/
"""
import pathlib
import re
import shutil
import sys

import plot
import targets
from results import Trouble, load
from targets import name_of

PAGE = pathlib.Path(__file__).resolve().parent / "page.md"
NAMES = {"bounce": "libbounce", "claim": "libbounce, claim",
         "debian": "swiotlb", "plain": "no DEBUG_FS", "repaired": "repaired",
         "atomics": "2 atomics", "copy": "copy", "floor": "copy + 2 atomics",
         "empty": "the loop itself"}
LAYOUTS = {"own": "own pools", "shared": "shared pool",
           "queues": "a queue each", "one": "one restricted pool",
           "queue": "one pool, one queue"}


def number(x):
    if x is None:
        return "-"
    if x >= 10000:
        return f"{x / 1000:.1f}k"
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}"


def times(a, b):
    return f"{a / b:.1f}" if a and b else "-"


def table(head, rows):
    if not rows:
        return "(not measured in this run)"
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |"
                              for row in rows])


def fixed(r, what="mean", **wanted):
    return r.get(what, **{"kind": "fixed", "align": 0, "lanes": 1, **wanted})


# ---- the tables, by the names that page.md has ----


def table_targets(r):
    return table(["", "what", "wanted", "measured (the worst)", "why not"],
                 [["reached" if good else "**missed**", what, wanted, got,
                   "" if good else targets.why(what)]
                  for what, wanted, got, good in targets.judge(r)])


def table_about(r):
    rows = [[k, v] for k, v in r.about.items()]
    for x in r.find(kind="noise"):
        rows.append([f"a fixed piece of work of {x['spin_ns']:.0f} ns, CPU "
                     f"{x['lane']:.0f}", f"p50 {x['p50']:.2f}, p90 "
                     f"{x['p90']:.2f}, p99 {x['p99']:.2f}, p99.9 "
                     f"{x['p999']:.2f} times its shortest"])
    handovers = sorted(x["handover_ns"] for x in r.find(kind="noise"))
    if handovers:
        rows.append(["a cache line from one CPU to the other, ns",
                     f"{handovers[0]:.0f} to {handovers[-1]:.0f} in this run"])
    first = (r.find(kind="noise") or [{}])[0]
    if first:
        rows.append(["resolution of the clock, ns", f"{first['clock_ns']:.0f}"])
        rows.append(["threads at real-time priority",
                     "yes" if first["realtime"] else "no"])
    return table(["", ""], rows)


def table_claims(r):
    rows = []
    for size in r.values("size", kind="fixed", how="nothing", lanes=1, align=0):
        for depth in r.values("depth", kind="fixed", how="nothing", lanes=1,
                              size=size, align=0):
            one = {"size": size, "how": "nothing", "depth": depth}
            mean = {p: fixed(r, peer=p, **one) for p in plan_claims()}
            rows.append([name_of(size), f"{depth:.0f}",
                         *(number(mean[p]) for p in plan_claims()),
                         times(mean["debian"], mean["claim"])])
    return table(["size", "outst.", *(NAMES[p] for p in plan_claims()),
                  "swiotlb / claim"], rows)


def plan_claims():
    return ["atomics", "claim", "bounce", "debian", "plain", "repaired"]


def copies(r, how, only=None, **more):
    peers = ["copy", "floor", "bounce", "debian", "plain", "repaired"]
    rows = []
    for size in only or r.values("size", kind="fixed", how=how, lanes=1):
        for depth in (1, 32, 256):
            one = {"size": size, "how": how, "depth": depth, **more}
            mean = {p: fixed(r, peer=p, **one) for p in peers}
            if mean["bounce"] is None or (depth == 256 and size != 4096):
                continue
            rows.append([name_of(size), depth,
                         *(number(mean[p]) for p in peers),
                         number(fixed(r, "p99", peer="bounce", **one)),
                         number(fixed(r, "p999", peer="bounce", **one)),
                         times(mean["debian"], mean["bounce"])])
    return table(["size", "outst.", *(NAMES[p] for p in peers),
                  "libbounce p99", "p99.9", "swiotlb / libbounce"], rows)


def table_to(r):
    return copies(r, "to")


def table_from(r):
    return copies(r, "from")


def table_both(r):
    return copies(r, "both", only=(64, 4096, 65536))


def table_align(r):
    return copies(r, "to", only=(512, 4096, 65536), align=4095)


def table_born(r):
    return table(["size", "outst.", "libbounce, ns", "p99.9"],
                 [[name_of(x["size"]), f"{x['depth']:.0f}", number(x["mean"]),
                   number(x["p999"])]
                  for x in r.find(kind="fixed", peer="bounce", how="born")])


def table_threads(r):
    peers = ["atomics", "claim", "bounce", "debian", "repaired"]
    rows = []
    for layout in r.values("layout", kind="fixed", how="nothing", lanes=2):
        for size in r.values("size", kind="fixed", how="nothing", lanes=2):
            for lanes in r.values("lanes", kind="fixed", layout=layout):
                one = {"layout": layout, "size": size, "lanes": lanes,
                       "how": "nothing", "depth": 32}
                if lanes == 1 or (lanes > 2 and size != 4096):
                    continue
                mean = {p: fixed(r, peer=p, **one) for p in peers}
                rows.append([LAYOUTS[layout], name_of(size), f"{lanes:.0f}",
                             *(number(mean[p]) for p in peers),
                             number(fixed(r, "mops", peer="claim", **one)),
                             number(fixed(r, "mops", peer="debian", **one)),
                             times(mean["debian"], mean["claim"])])
    return table(["pool", "size", "threads", *(NAMES[p] for p in peers),
                  "Mops/s, claim", "Mops/s, swiotlb", "swiotlb / claim"], rows)


def table_cold(r):
    peers = ["copy", "floor", "bounce", "debian", "repaired"]
    rows = []
    for how in r.values("how", kind="cold"):
        for size in r.values("size", kind="cold"):
            mean = {p: r.get("mean", kind="cold", peer=p, how=how, size=size)
                    for p in peers}
            rows.append([how, name_of(size), *(number(mean[p]) for p in peers),
                         times(mean["debian"], mean["bounce"])])
    return table(["way", "size", *(NAMES[p] for p in peers),
                  "swiotlb / libbounce"], rows)


def table_cross(r):
    rows = []
    for x in r.find(kind="cross", call="map"):
        if x["size"] not in (64, 4096, 65536) or (x["how"], x["size"]) == (
                "to", 64):
            continue
        other = r.get("p999", **{k: x[k] for k in
                                 ("kind", "peer", "layout", "size", "how")},
                      call="unmap")
        rows.append([LAYOUTS[x["layout"]], x["how"], name_of(x["size"]),
                     NAMES[x["peer"]], number(x["mops"]), number(x["p50"]),
                     number(x["p999"]), number(other)])
    return table(["pool", "way", "size", "", "Mops/s, both threads",
                  "map p50, ns", "map p99.9", "unmap p99.9"], rows)


def table_mixed(r):
    rows = []
    for lanes in r.values("lanes", kind="mixed"):
        for mix in r.values("mix", kind="mixed"):
            for x in r.find(kind="mixed", mix=mix, percent=90, lanes=lanes):
                rows.append([mix, f"{lanes:.0f}", NAMES[x["peer"]],
                             f"{x['failed']:.3f}",
                             f"{x['overlooked']:.0f}"
                             if x["peer"] in ("claim", "bounce")
                             and lanes == 1 else "",
                             number(x["mean"]), number(x["p50"]),
                             number(x["p99"]), number(x["p999"]),
                             f"{x['per_byte']:.2f}"])
    return table(["mix", "threads", "", "failed, %", "though a run was free",
                  "ns an attempt", "p50", "p99", "p99.9",
                  "pool bytes for a byte"], rows)


def table_full(r):
    rows = []
    for x in r.find(kind="full", call="unmap"):
        rows.append([NAMES[x["peer"]], "somebody asks" if x["lanes"] == 2
                     else "nobody asks", number(x["p50"]), number(x["p99"]),
                     number(x["p999"]), number(x["worst"]),
                     number(x["vain_us"]) if x["vain_us"] else ""])
    return table(["", "meanwhile", "unmap p50, ns", "p99", "p99.9", "worst",
                  "us to be refused"], rows)


def table_stopped(r):
    rows = [[NAMES[x["peer"]], LAYOUTS[x["layout"]], f"{x['stops']:.0f}",
             f"{x['waits']:.0f}", number(x["longest_us"]),
             f"{x['kept']:.2f}", f"{x['kept_least']:.2f}"]
            for x in r.find(kind="stopped")]
    return table(["", "pool", "stops", "that held the other up",
                  "its longest operation, us", "its speed, of before",
                  "in the worst stop"], rows)


def table_bytes(r):
    sizes = r.values("size", kind="footprint")
    rows = [[NAMES[p], *(f"{r.get('bytes', kind='footprint', peer=p, size=s):.0f}"
                         for s in sizes),
             f"{r.get('percent', kind='metadata', peer=p):.2f} %",
             f"{r.get('calls', kind='monitor', peer=p):.0f}"]
            for p in r.values("peer", kind="monitor")]
    return table(["", *(name_of(s) for s in sizes), "metadata, of the pool",
                  "monitor calls, GB of I/O"], rows)


def table_instructions(r):
    rows = [[NAMES[x["peer"]], name_of(x["size"]), x["how"],
             f"{x['count']:.0f}"] for x in r.find(kind="instructions")]
    return table(["", "size", "way", "instructions of a pair"], rows)


# ---- the page ----


def page(r):
    def fill(match):
        maker = globals().get(f"table_{match.group(1)}")
        if maker is None:
            raise Trouble(f"page.md: no table {match.group(1)}")
        return maker(r)
    text = PAGE.read_text().split("-->\n", 1)[1]
    return re.sub(r"\{\{(\w+)\}\}", fill, text)


def verdicts(r):
    found = targets.judge(r)
    missed = [x for x in found if not x[3]]
    lines = [f"missed: {what}: {got}; wanted {wanted}"
             for what, wanted, got, _ in missed]
    return "\n".join(lines + [f"targets: {len(found) - len(missed)} of "
                              f"{len(found)} reached"])


def write(r, folder):
    plots = folder / "benchmarks"
    plots.mkdir(parents=True, exist_ok=True)
    plot.write(r, plots)
    (folder / "benchmarks.md").write_text(page(r))


def publish(folder, docs):
    docs.mkdir(exist_ok=True)
    (docs / "benchmarks").mkdir(exist_ok=True)
    shutil.copy(folder / "benchmarks.md", docs)
    for file in (folder / "benchmarks").glob("*.svg"):
        shutil.copy(file, docs / "benchmarks")


def main():
    if len(sys.argv) != 3:
        raise Trouble("two arguments: a file of results, and a folder")
    write(load(sys.argv[1]), pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    try:
        main()
    except (Trouble, OSError) as trouble:
        sys.exit(f"report.py: {trouble}")
