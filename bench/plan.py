# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What is measured: the calls of bounce-bench, in order; see bench/main.c."""

SIZES = [16, 64, 512, 1500, 4096, 16384, 65536]
BIG = [262144, 1048576]
LINUX = ["debian", "plain", "repaired"]
CLAIMS = ["atomics", "claim", "bounce", *LINUX]
COPIES = ["copy", "floor", "bounce", *LINUX]
MIXES = ["packets", "blocks", "uniform", "trace"]


def words(**values):
    """key=a,b,c for each."""
    return [f"{key}={','.join(map(str, value)) if isinstance(value, list) else value}"
            for key, value in values.items()]


def call(title, kind, **values):
    return title, [kind, *words(**values)]


def noise():
    return call("the machine's noise", "noise", lanes=2, ms=250)


def one_thread(sizes, big, rounds, depths):
    for title, extra in (("", {}),
                         (", NVMe's alignment mask", {"align": 4095})):
        some = [s for s in sizes if s >= 512] if extra else sizes
        yield call("claim and release" + title, "fixed", peers=CLAIMS,
                   sizes=some, hows=["nothing"], depths=depths, rounds=rounds,
                   **extra)
        yield call("map and unmap with data" + title, "fixed", peers=COPIES,
                   sizes=some, hows=["to"] if extra else ["to", "from", "both"],
                   depths=depths, rounds=rounds, **extra)
    yield call("claim and release, large", "fixed", peers=CLAIMS, sizes=big,
               hows=["nothing"], depths=[d for d in depths if d <= 32],
               rounds=rounds)
    yield call("claim and release, large and many", "fixed", peers=CLAIMS,
               sizes=big, hows=["nothing"], pool=512, rounds=rounds,
               depths=[d for d in depths if d > 32] or depths[-1:])
    yield call("map and unmap with data, large", "fixed", peers=COPIES,
               sizes=big, hows=["to", "from", "both"], ms=12, rounds=rounds,
               depths=[d for d in depths if d <= 32])
    yield call("born-shared buffers", "fixed", peers=["bounce", "atomics"],
               sizes=[64, 4096, 65536], hows=["born"], depths=[1, 32],
               rounds=rounds)


def threads(lanes, layouts, sizes, rounds):
    for count in lanes:
        for layout in layouts:
            yield call(f"{count} threads, {layout}", "fixed", lanes=count,
                       layout=layout, peers=CLAIMS, sizes=sizes,
                       hows=["nothing"], depths=[32], rounds=rounds,
                       ms=4 if count <= 2 else 20)
    for layout in layouts:
        yield call(f"2 threads with data, {layout}", "fixed", lanes=2,
                   layout=layout, peers=COPIES, hows=["to", "from"],
                   sizes=[s for s in sizes if 1500 <= s <= 65536],
                   depths=[32], rounds=rounds)


def hands(sizes, rounds):
    yield call("slots out of the caches", "cold",
               peers=["copy", "floor", "bounce", "debian", "repaired"],
               sizes=sizes, hows=["to", "from"], rounds=rounds)
    for layout in ["queues", "one"]:
        yield call(f"map here, unmap there, {layout}", "cross", lanes=2,
                   layout=layout, hows=["nothing", "to"], depths=[32],
                   peers=["bounce", "debian", "repaired"],
                   sizes=[s for s in sizes if s <= 65536], rounds=rounds)


def mixed(lanes, mixes, percents, rounds):
    for count in lanes:
        peers = ["claim", "bounce", "debian", "repaired"]
        for mix in mixes:
            for percent in percents:
                yield call(f"mixed sizes: {mix}, {percent} %, {count} thr.",
                           "mixed", lanes=count, layout="queues", mixes=[mix],
                           percents=[percent], ms=20, rounds=rounds,
                           peers=(["empty"] if count == 1 else []) + peers)


def holdups(rounds, stops):
    for lanes in [1, 2]:
        yield call(f"unmap beside a full pool, {lanes} thr.", "full",
                   lanes=lanes, layout="queues", rounds=rounds, ms=30,
                   peers=["bounce", "debian", "repaired"])
    for layout in ["one", "queues"]:
        yield call(f"a stopped thread, {layout}", "stopped", lanes=2,
                   layout=layout, sizes=[1500], hows=["nothing"], depths=[32],
                   count=stops, peers=["atomics", "bounce", "debian"])


def account(gigabytes):
    yield call("bytes and calls", "account", monitored=1, count=gigabytes,
               sizes=SIZES, peers=["bounce", "debian", "repaired"])


def full():
    yield noise()
    yield from one_thread(SIZES, BIG, 5, [1, 32, 256])
    yield from threads([2, 4, 8], ["own", "shared", "one", "queue"],
                       [64, 1500, 4096, 65536, 262144], 5)
    yield noise()
    yield from hands([64, 512, 1500, 4096, 16384, 65536, 262144], 5)
    yield from mixed([1, 2], MIXES, [50, 60, 70, 80, 90, 95], 3)
    yield from holdups(5, 20)
    yield from account(1)
    yield noise()


def quick():
    yield noise()
    yield from one_thread([64, 1500, 4096, 65536], BIG[:1], 3, [1, 32])
    yield from threads([2], ["own", "one"], [64, 4096, 262144], 3)
    yield from hands([64, 4096, 65536], 3)
    yield from mixed([1], ["packets", "blocks", "trace"], [90], 2)
    yield from holdups(2, 5)
    yield from account(1)
    yield noise()


# Instructions of a pair: (peer, size, how).
COUNTED = [("claim", 64, "nothing"), ("claim", 4096, "nothing"),
           ("claim", 262144, "nothing"), ("claim", 1048576, "nothing"),
           ("bounce", 64, "nothing"), ("bounce", 4096, "nothing"),
           ("bounce", 262144, "nothing"), ("bounce", 64, "to"),
           ("bounce", 4096, "to"), ("bounce", 64, "born"),
           ("debian", 64, "nothing"), ("debian", 4096, "nothing"),
           ("debian", 262144, "nothing"), ("debian", 64, "to"),
           ("repaired", 64, "nothing"), ("repaired", 4096, "nothing"),
           ("empty", 64, "nothing")]
COUNTED_QUICK = [c for c in COUNTED if c[0] in ("claim", "bounce")][:6]
