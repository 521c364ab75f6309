# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Three pictures of a run, by gnuplot: cost by size, failures by load, tails
by threads."""
import subprocess

from results import Trouble

STYLE = """\
set terminal svg size 760,520 font "sans,12" background "white"
set key below maxcols 3 maxrows 4
set grid
set style data linespoints
set pointsize 0.6
"""
# Colours that stay apart in grey, too.
COLOURS = {"atomics": "#888888", "copy": "#bbbbbb", "floor": "#888888",
           "claim": "#7fb2e5", "bounce": "#1f5fa8", "debian": "#b03020",
           "plain": "#e08050", "repaired": "#c0a030"}
MARKS = {1: 7, 2: 4, 3: 9, 4: 1}  # of the kinds of lines
NAMES = {"atomics": "two atomics", "copy": "the copy alone",
         "floor": "copy and two atomics", "claim": "libbounce, claim only",
         "bounce": "libbounce", "debian": "swiotlb (Debian)",
         "plain": "swiotlb, no DEBUG\\\\_FS", "repaired": "swiotlb, repaired"}
SIZES = ('set xtics ("16" 16, "64" 64, "512" 512, "1500" 1500, "4K" 4096, '
         '"16K" 16384, "64K" 65536, "256K" 262144, "1M" 1048576)\n'
         'set xrange [14:1200000]\n')


def draw(path, settings, curves):
    """curves: (name, colour, kind, [(x, y)]); none of them: no picture."""
    curves = [c for c in curves if c[3]]
    if not curves:
        return
    words, data = [], []
    for name, colour, kind, points in curves:
        words.append(f"'-' using 1:2 title \"{name}\" lw 2 lc rgb "
                     f"\"{colour}\" dt {kind} pt {MARKS[kind]}")
        data += [f"{x:g} {y:g}" for x, y in points] + ["e"]
    script = (f"{STYLE}set output \"{path}\"\n{settings}plot "
              + ", ".join(words) + "\n" + "\n".join(data) + "\n")
    try:
        done = subprocess.run(["gnuplot"], input=script, text=True,
                              capture_output=True, check=False)
    except OSError as error:
        raise Trouble(f"gnuplot: {error.strerror}") from error
    if done.returncode:
        raise Trouble(f"gnuplot: {done.stderr.strip().splitlines()[-1]}")


def curve(r, peer, x, y, **wanted):
    points = sorted((p[x], p[y]) for p in r.find(peer=peer, **wanted))
    return NAMES[peer], COLOURS[peer], 1, points


def by_size(r, path, title, how, peers):
    settings = (f'set title "{title}"\nset logscale xy\n'
                'set xlabel "bytes"\nset ylabel "ns a pair"\n' + SIZES)
    draw(path, settings,
         [curve(r, p, "size", "mean", kind="fixed", how=how, depth=1, lanes=1,
                align=0) for p in peers])


def by_load(r, path):
    settings = ('set title "Requests that fail, by load (one thread)"\n'
                'set xlabel "% of the pool that is claimed"\n'
                'set ylabel "% of requests"\nset yrange [0:]\n')
    curves = []
    for kind, mix in enumerate(r.values("mix", kind="mixed"), 1):
        for peer in ("bounce", "debian"):
            name, colour, _, points = curve(r, peer, "percent", "failed",
                                            kind="mixed", mix=mix, lanes=1)
            curves.append((f"{name}: {mix}", colour, kind, points))
    draw(path, settings, curves)


def tails(r, path):
    settings = ('set title "p99.9 of claim and release by threads: 4 KiB, '
                '32 outstanding"\nset logscale x 2\nset logscale y 10\n'
                'set xtics (1, 2, 4, 8)\nset xrange [0.9:9]\n'
                'set xlabel "threads (more than CPUs: they wait their turn)"\n'
                'set ylabel "ns (mean of 16 pairs)"\n')
    curves = []
    for kind, layout in ((1, "shared"), (2, "one")):
        for peer in ("atomics", "claim", "bounce", "debian", "repaired"):
            wanted = {"kind": "fixed", "how": "nothing", "size": 4096,
                      "depth": 32, "align": 0}
            name, colour, _, points = curve(r, peer, "lanes", "p999",
                                            layout=layout, **wanted)
            alone = r.get("p999", peer=peer, lanes=1, **wanted)
            if points and alone:
                points = [(1, alone)] + points
            where = "own areas" if layout == "shared" else "one area"
            if peer == "atomics" and layout == "one":
                continue
            curves.append((f"{name}: {where}", colour, kind, points))
    draw(path, settings, curves)


def write(r, folder):
    by_size(r, folder / "claim.svg", "Claim and release, one outstanding",
            "nothing", ["atomics", "claim", "bounce", "debian", "plain",
                        "repaired"])
    for how, words in (("to", "TO\\\\_DEVICE"), ("from", "FROM\\\\_DEVICE")):
        by_size(r, folder / f"{how}.svg",
                f"Map and unmap, {words}, one outstanding", how,
                ["copy", "floor", "bounce", "debian", "repaired"])
    by_load(r, folder / "failures.svg")
    tails(r, folder / "tails.svg")
