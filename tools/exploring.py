# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How configure.py builds the explorer: the library's own sources, compiled so
that each access to memory is a call that tests/explorer/ answers.
"""
PLAIN = ("-std=c11 -D_GNU_SOURCE -DBOUNCE_DEBUG -g -O2 -Wall -Wextra -Wshadow "
         "-Wstrict-prototypes -Wvla -Werror -Iinclude -Ilib -Itests/explorer")
# Backends of other CPUs, whose instructions a scenario plays.
IOMMUS = ["lib/iommu_tce.c", "lib/iommu_zpci.c"]
# Atomics by the header, plain accesses by the compiler (no library of TSan's is
# linked), what copy.c moves by name; a failed assertion is a finding.
ATOMICS = "-include tests/explorer/atomics.h"
WATCHED = (f"{ATOMICS} -fsanitize=thread "
           "-mllvm -tsan-instrument-func-entry-exit=0 "
           "-Dmemcpy=explorer_memcpy -Dmemset=explorer_memset "
           "-ftrap-function=explorer_trap")


class Explorer:
    def __init__(self, builder):
        self.m, self.builder, self.lists = builder.m, builder, builder.p

    def objects(self, folder, sources, more):
        cpu = self.lists.CPUS[self.builder.host].folder
        return self.builder.objects(f"explorer/{folder}", sources,
                                    ["tools-explore"], cc="clang",
                                    flags=f"{PLAIN} -Iarch/{cpu} {more}")

    def build(self):
        m, lists = self.m, self.lists
        m.comment("The explorer: every order that C11 allows, of the library's "
                  "own code.")
        objs = self.objects("lib", lists.LIB + lists.NONE + IOMMUS, WATCHED)
        objs += self.objects("engine", lists.EXPLORER, "")
        objs += self.objects("scenarios", lists.SCENARIOS, ATOMICS)
        exe = m.build("$builddir/explorer/explorer", "link", objs, cc="clang")
        results = [self.builder.run("explore", group, "tap", f"{exe} {group}",
                                    [exe], tools="explore")
                   for group in lists.EXPLORED]
        m.build("explore", "total", results, name="explore")
        # One switch and one stale access more: forty minutes.
        m.build("explore-long", "console", needs=[exe], name="EXPLORE-LONG",
                what=" && ".join(f"{exe} --long {group}"
                                 for group in lists.EXPLORED
                                 if group != "litmus"))
