# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How configure.py builds what tools/mutate.py runs: the unit tests, linked
with the library as a shared object, so that a mutant is one compilation and one
link. Without sanitizers, which take four times as long: what only they would
find counts as not found.
"""
import flags

SHARED = "libtested.so"
LINK = f"-shared -Wl,-soname,{SHARED}"  # programs look for it by this name


# What `ninja mutate-quick` builds and runs: those that kill most.
QUICK = """test_address test_cache test_direct test_dynamic test_dynamic_ends
           test_edges test_fdt_windows test_home test_lane test_map test_own
           test_own_life test_packed test_partial test_place test_policy
           test_pool test_pool_large test_pool_order test_pool_slabs
           test_quick test_ranges test_reached test_review test_share
           test_share_edges
           test_starts test_stats test_sync test_unmap test_urgent test_used
           test_ways test_window""".split()


def tests(lists):
    """Whole programs of the library's own unit tests; one that compiles library
    code in would not see a mutant."""
    return [source for source in lists.TESTS
            if source not in lists.OTHER_ATOMICS]


def sources(lists):
    """What is in the shared object; backends want what only their test has."""
    return lists.LIB + lists.NONE + lists.FAKE + lists.SUPPORT


def cflags(cpu):
    return f"{flags.OBSERVED} -Itests/attacks -Iarch/{cpu} -fPIC"


class Mutants:
    def __init__(self, builder):
        self.m, self.builder, self.lists = builder.m, builder, builder.p

    def programs(self):
        """The tests; they find the shared object by its name."""
        p, m = self.lists, self.m
        how = cflags(p.CPUS[self.builder.host].folder)

        def objects(listed):
            return self.builder.objects("mutate", listed, ["tools-test"],
                                        flags=how, cc="clang")
        backends = m.build("$builddir/mutate/libbackends.a", "ar",
                           objects(p.BACKENDS))
        shared = m.build(f"$builddir/mutate/{SHARED}", "link",
                         objects(sources(p)), cc="clang",
                         flags=f"{how} {LINK}")
        return [m.build(f"$builddir/mutate/{source.split('/')[-1][:-2]}",
                        "link", objects([source]) + [backends, shared],
                        flags=how, libs="-lcriterion", cc="clang")
                for source in tests(p)]

    def build(self):
        m = self.m
        m.comment("Mutants: tools/mutate.py changes, compiles and runs; orders "
                  "are weakened in the explorer, by tools/weaken.py.")
        programs = self.programs()
        few = [one for one in programs if one.rsplit("/", 1)[1] in QUICK]
        m.build("mutate-programs", "phony", programs)
        m.build("mutate-few", "phony", few)
        explorer = "$builddir/explorer/explorer"
        orders = self.builder.run(
            "mutate", "orders", "hours",
            f"python3 -B tools/weaken.py {explorer} $builddir/mutate",
            [explorer], pool="console", tools="explore")
        tool = "python3 -B tools/mutate.py $builddir/mutate"
        for target, more, beside, needs in (
                ("mutate", "", [orders], "mutate-programs"),
                ("mutate-quick", " --quick", [], "mutate-few")):
            result = self.builder.run(target, target, "hours", tool + more,
                                      [needs], pool="console", tools="test")
            m.build(target, "total", [*beside, result], name=target)
