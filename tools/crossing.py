# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How configure.py builds the unit tests for other CPUs: the shipped archive,
the fake machine, tests/mini in place of Criterion, and all tests in one
program, since each test is a static function."""
import pathlib

from flags import CROSS, CROSS_STRESS, METAL

QEMU = ("-m 1G -accel tcg -display none -serial none -monitor none "
        "-semihosting-config enable=on,target=native,arg= -kernel")


def process(cpu, emulator):
    """Programs for Linux; static, so that no sysroot is needed."""
    return {"cpu": cpu, "prefix": "", "metal": False, "run": emulator,
            "flags": "-pthread", "objects": [], "start": [], "link": "-static",
            "libs": ""}


def metal(cpu, prefix, picolibc, run, *, ram, options, entry="_start",
          start=(), variant=""):
    """Programs for a bare machine, with picolibc and semihosting. Of its builds
    the fast one: the other copies and fills byte by byte."""
    library = f"{picolibc}/lib/release/{variant}"
    places = " ".join(
        f"-Wl,--defsym={name}={value if name.endswith('size') else ram + value}"
        for name, value in METAL.items())
    return {
        "cpu": cpu, "prefix": prefix, "metal": True, "run": f"{run} {QEMU}",
        "flags": f"{options} -isystem {picolibc}/include",
        "objects": list(start), "start": [f"{library}crt0-semihost.o"],
        "link": "-nostdlib -static -no-pie -Wl,--build-id=none "
        f"-Wl,-e,{entry} -T {picolibc}/lib/picolibc.ld {places}",
        "libs": f"-Wl,--start-group {library}libc.a {library}libsemihost.a "
        "-lgcc -Wl,--end-group"}


def missing(lists, about):
    """What cannot run there: reason -> sources."""
    found = {"needs the trap flag of an x86-64 CPU": lists.NEED_X86}
    if about["metal"]:
        found["needs pages that trap"] = lists.NEED_PAGES
        found["needs threads"] = lists.STRESS
    return found


class Crosses:
    def __init__(self, builder):
        self.m, self.builder, self.p = builder.m, builder, builder.p

    def link(self, name, about, program, objs, cc):
        """A program of objects, the common ones, and the shipped archive."""
        return self.m.build(
            f"$builddir/cross/{name}/{program}", "link", about["start"] + objs
            + [f"$builddir/cross/{name}/libcommon.a",
               self.builder.shipped[about["cpu"]]],
            cc=cc, flags=f"{about['flags']} {about['link']}",
            libs=about["libs"])

    def programs(self, name, about):
        """(kind of run, program) of each."""
        p, folder, cpu = self.p, f"cross/{name}", self.p.CPUS[about["cpu"]]
        lost = sum(missing(p, about).values(), [])
        cc = (about["prefix"] or cpu.prefix) + "gcc"

        def compiled(sources, **more):
            return self.builder.objects(
                folder, [s for s in sources if s not in lost],
                ["tools-cross-test"], cc=cc, **more, flags="$cross "
                f"-Iarch/{cpu.folder} {about['flags']}")

        def linked(program, objs):
            return self.link(name, about, program, objs, cc)

        support = [s for s in p.SUPPORT
                   if not about["metal"] or s not in p.NEED_THREADS]
        self.m.build(f"$builddir/{folder}/libcommon.a", "ar",
                     compiled(p.FAKE + p.BACKENDS + support))
        runner = compiled(p.MINI + (p.MINI_METAL if about["metal"] else
                                    p.MINI_PROCESS) + about["objects"])
        yield "tap", linked("unit", runner + compiled(
            [s for s in p.TESTS + p.ATTACKS if s not in p.OWN_CODE]))
        for test in p.OWN_CODE:
            yield "tap", linked(pathlib.PurePath(test).stem,
                                runner + compiled([test]))
        for test in p.STRESS:
            for obj in compiled([test], more=CROSS_STRESS):
                yield "program", linked(pathlib.PurePath(test).stem, [obj])

    def build(self):
        m, results = self.m, []
        m.comment("The unit tests on other CPUs: emulated processes and bare "
                  "machines; tools/cross.py says what each has.")
        m.var("cross", CROSS)
        for name, about in self.p.CROSSES.items():
            runs = [self.builder.run(
                "cross-test", f"{name}-{pathlib.PurePath(program).name}", kind,
                f"{about['run']} {program}", [program])
                for kind, program in self.programs(name, about)]
            m.build(f"cross-{name}", "total", runs, name=f"cross-{name}",
                    adds="cross.py")
            results += runs
        m.build("cross-test", "total", results, name="cross-test",
                adds="cross.py")
