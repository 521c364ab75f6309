# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How configure.py builds what looks at the shipped archive one instruction at
a time: programs of tests/step/, linked with it. For an x86-64 host under Linux.
"""
FLAGS = ("-std=c11 -D_GNU_SOURCE -g -O2 -pthread -Wall -Wextra -Wshadow "
         "-Wstrict-prototypes -Wvla -Werror -Iinclude -Ilib -Iarch/fake "
         "-Itests -Itests/attacks -Iarch/x86")
HOST = "x86_64"


class Steps:
    def __init__(self, builder):
        self.m, self.builder, self.lists = builder.m, builder, builder.p

    def program(self, name, aside, flags):
        """A program of tests/step/ and the archive, as it is shipped."""
        b = self.builder
        objs = b.objects("step", [f"tests/step/{name}.c"], ["tools-test"],
                         flags=flags, cc="gcc")
        return self.m.build(f"$builddir/step/{name}", "link",
                            objs + aside + [b.shipped[HOST]], cc="gcc",
                            flags=flags + " -no-pie")

    def results(self):
        """Stamps of all of it."""
        b, p = self.builder, self.lists
        if b.host != HOST:
            return []
        self.m.comment("The shipped archive, one instruction at a time.")
        aside = self.m.build("$builddir/step/libaside.a", "ar", b.objects(
            "step", p.FAKE + p.SUPPORT + p.STEP_TRAPS, ["tools-test"],
            flags=FLAGS, cc="gcc"))
        found = b.tested("program", [self.program(name, [aside], FLAGS)
                                     for name in p.STEPS])
        loads = self.program("loads", [], FLAGS)
        return found + [b.run(
            "test", "lackey", "check", f"python3 -B tools/lackey.py {loads} "
            f"{b.shipped[HOST]} $builddir/{HOST}/lib", [loads])]
