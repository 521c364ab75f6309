# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Which guests of the demo link a picolibc: configure.py --picolibc."""
import pathlib


def link(guests, pairs, own, pico):
    """Give the guests of a CPU, in @pairs of CPU=PREFIX, the picolibc that is
    installed there, and its sources @pico in place of their @own. Returns what
    is wrong, or nothing."""
    cpus = sorted({guest["cpu"] for guest in guests.values()})
    for pair in pairs:
        cpu, _, prefix = pair.partition("=")
        if cpu not in cpus or not prefix.startswith("/"):
            return (f"--picolibc {pair}: it takes CPU=/PREFIX, and guests are "
                    f"for {' '.join(cpus)}")
        for file in ("lib/libc.a", "include/picolibc.h"):
            if not (pathlib.Path(prefix) / file).is_file():
                return (f"--picolibc {pair}: there is no {prefix}/{file}: "
                        "name the folder that picolibc was installed in")
        for guest in guests.values():
            if guest["cpu"] == cpu:
                guest["libc"] = prefix
                for image in ("sources", "stage"):
                    if guest[image]:
                        guest[image] = [source for source in guest[image]
                                        if source not in own + pico] + pico
    return ""
