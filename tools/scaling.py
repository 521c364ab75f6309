# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How configure.py builds the simulation of many CPUs: the library's sources
with each atomic access reported to bench/scale/machine.c first.
"""
PLAIN = ("-std=c11 -D_GNU_SOURCE -g -O2 -Wall -Wextra -Wshadow "
         "-Wstrict-prototypes -Wvla -Werror -Iinclude -Ilib -Ibench/scale "
         "-include bench/scale/access.h -ffunction-sections")


def build(builder):
    m, lists = builder.m, builder.p
    m.comment("A simulation of many CPUs: docs/scale.md.")
    flags = f"{PLAIN} -Iarch/{lists.CPUS[builder.host].folder}"
    objs = builder.objects("scale/lib", lists.LIB + lists.NONE,
                           ["tools-scale"], cc="clang",
                           flags=f"{flags} -Dmemset=scale_memset")
    objs += builder.objects("scale/own", lists.SCALE, ["tools-scale"],
                            cc="clang", flags=flags)
    exe = m.build("$builddir/scale/scale", "link", objs, cc="clang",
                  flags="-Wl,--gc-sections")
    m.build("scale", "console", needs=[exe, "bench/scale/scale.py"],
            name="SCALE",
            what=f"python3 -B bench/scale/scale.py {exe} $builddir/scale")
