# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Which objects, archives, programs and runs are made of the lists in
configure.py. This file has no list of its own."""
import pathlib

import crossing
import exploring
import fuzzing
import scaling
import mutating
import stepping
from flags import (BENCH_FLAGS, BENCH_LINUX, GUEST_LINK, LINUX_FLAGS)


def stem(path):
    return pathlib.PurePath(path).stem


class Builder:
    """Knows this project: which objects, archives and programs there are."""

    def __init__(self, m, args, lists):
        self.m = m
        self.host = args.host
        self.native = (args.host, args.cc) == (lists.HOST, "clang")
        self.p = lists  # configure.py: what there is

    def objects(self, folder, sources, after, rule="cc", **more):
        return [self.m.build(f"$builddir/{folder}/{s[:-2]}.o", rule, [s],
                             after=after, **more) for s in sources]

    def archive(self, folder, cpu, cc, more):
        """The shipped sources, compiled one way; cc "" is what ships: $cc for
        this machine, the GCC of each other CPU."""
        native = cpu == self.host or cc == "clang"
        prefix = "" if cpu == self.host else self.p.CPUS[cpu].prefix
        rule = "" if native else "cross-"
        if cc == "clang" and cpu != self.host:
            more += f" --target={prefix[:-1]}"
        elif cc != "clang":
            cc = "$cc" if native and not cc else prefix + "gcc"
        after = [] if not native else ["tools-lib" if cc == "$cc"
                                       else "tools-check"]
        objs = self.objects(folder, self.p.CPUS[cpu].sources, after,
                            rule + "cc", cc=cc, flags=f"$free ${cpu}",
                            more=more)
        return self.m.build(f"$builddir/{folder}/libbounce.a", rule + "ar",
                            objs, cc=cc, ar=prefix + "ar")

    def library(self):
        self.m.comment("The library: freestanding, one archive a CPU.")
        self.shipped = {cpu: self.archive(cpu, cpu, "", "-O2")
                        for cpu in self.p.CPUS}
        self.m.build("lib", "phony", self.shipped.values())

    def run(self, target, name, kind, command, needs, tools="", **more):
        """One test or check; returns its stamp."""
        out = f"$builddir/results/{target}/{name}"
        return self.m.build(out, "run", needs=needs, name=f"{target}: {name}",
                            kind=kind, what=command,
                            after=[f"tools-{tools or target}"], **more)

    def program(self, folder, source, flags, libs, after, **more):
        objs = self.objects(folder, [source], after, flags=flags, **more)
        return self.m.build(f"$builddir/{folder}/{stem(source)}", "link",
                            objs + libs[:1], flags=flags,
                            libs=" ".join(libs[1:]), **more)

    def suite(self, folder, target, sources, libs, **more):
        """Each source a program with all of the library; returns those."""
        p = self.p
        common = p.LIB + p.NONE + p.FAKE + p.BACKENDS + p.SUPPORT
        after, flags = [f"tools-{target}"], "$" + folder
        archive = f"$builddir/{folder}/libtest.a"
        objs = self.objects(folder, common, after, flags=flags, **more)
        self.m.build(archive, "ar", objs)
        return [self.program(folder, source, flags, [archive, *libs],
                             after, **more) for source in sources]

    def tested(self, kind, programs):
        """Each program run for `ninja test`; returns stamps."""
        return [self.run("test", stem(program), kind, program, [program])
                for program in programs]

    def tests(self):
        m = self.m
        m.comment("Unit tests: the whole library and the fake machine, with "
                  "ASan and UBSan; one Criterion binary a file.")
        results = self.tested("criterion", self.suite(
            "asan", "test", self.p.TESTS + self.p.ATTACKS, ["-lcriterion"]))
        results += self.tested("criterion", self.suite(
            "stepped", "test", self.p.STEPPED, ["-lcriterion"], cc="clang"))
        attacks = {stem(s) for s in self.p.ATTACKS + self.p.STEPPED}
        steps = stepping.Steps(self).results()
        m.build("attack", "total", steps + [
            result for result in results if stem(result) in attacks],
            name="attack")
        m.build("step", "total", steps, name="step")
        results += steps
        both = ["$builddir/asan/libtest.a", "-lcriterion", "-lfdt"]
        results += self.tested("criterion", [self.program(
            "asan", self.p.LIBFDT, "$asan", both, ["tools-test"])])
        exe = self.program("asan", self.p.README, "$asan", both[:1],
                           ["tools-test"])
        results += self.tested("program", [exe])
        m.comment("Stress programs: TSan, under which Criterion cannot start.")
        results += self.tested("program", self.suite(
            "tsan", "test", self.p.STRESS, [], cc="clang"))
        results += [self.run("test", "soak", "program", exe, [exe]) for exe
                    in [self.soak("tsan", cc="clang")]]
        if self.native:
            results.append(self.instructions())
        m.comment("The library as embedders test it: free slots trap.")
        results += self.tested("program", self.suite(
            "poison", "test", self.p.POISON, [], cc="clang"))
        for result in results:
            # `ninja soak` is the long one.
            if stem(result) == "soak":
                continue
            m.build(stem(result), "total", [result], name=stem(result))
        m.build("test", "total", results, name="test")

    def instructions(self):
        """Counts, not times: no load of the machine changes them. But another
        CPU or compiler does: only as it is shipped."""
        m, lists = self.m, self.p
        m.comment("What the usual mapping costs, in instructions.")
        way = self.objects("instructions", [lists.COUNTED], ["tools-test"],
                           flags="$plain")
        unbound = self.objects("instructions", [lists.UNBOUND],
                               ["tools-test"], flags=f"$free ${self.host} "
                               "-Ilib", more="-O2")
        exes = [m.build(f"$builddir/instructions/{name}", "link",
                        objs + [self.shipped[self.host]], flags="$plain")
                for name, objs in (("counted", way),
                                   ("unbound", way + unbound))]
        bounds = lists.COUNTED.replace("main.c", "bounds.txt")
        return self.run("test", "instructions", "tap",
                        "python3 -B tools/instructions.py "
                        + " ".join(exes + [bounds]),
                        exes + [bounds, "tools/instructions.py"])

    def soak(self, folder, **more):
        """One program of all of tests/soak; a folder with a libtest.a."""
        objs = self.objects(folder, self.p.SOAK, ["tools-test"],
                            flags="$" + folder, **more)
        return self.m.build(f"$builddir/{folder}/soak", "link",
                            objs + [f"$builddir/{folder}/libtest.a"],
                            flags="$" + folder, **more)

    def long_soak(self):
        """10^8 operations take minutes (CONTRIBUTING.md), so `ninja test` has
        10^6 of them, under TSan."""
        m = self.m
        m.comment("The soak at length, without sanitizers.")
        self.suite("soak", "test", [], [])
        exe = self.soak("soak")
        m.build("soak", "console", needs=[exe], name="SOAK",
                what=f"{exe} 100000000")

    def proofs(self):
        m = self.m
        m.comment("Frama-C: Eva and WP; tools/prove.py.")
        result = self.run("prove", "prove", "rows",
                          "python3 -B tools/prove.py", [], pool="console")
        m.build("prove", "total", [result], name="prove")

    def coverage(self):
        m = self.m
        m.comment("The unit tests once more, counting lines and branches.")
        counted = [test for test in self.p.TESTS
                   if test not in self.p.OTHER_ATOMICS]
        programs = self.suite("coverage", "coverage", counted,
                              ["-lcriterion"], cc="gcc")
        result = self.run("coverage", "coverage", "check",
                          "python3 -B tools/coverage.py $builddir/coverage "
                          + " ".join(programs), programs, pool="console")
        m.build("coverage", "total", [result], name="coverage")

    def mcdc(self):
        m = self.m
        m.comment("And once more, counting what each condition decides.")
        counted = [test for test in self.p.TESTS
                   if test not in self.p.OTHER_ATOMICS]
        programs = self.suite("mcdc", "mcdc", counted, ["-lcriterion"],
                              cc="clang-19")
        result = self.run("mcdc", "mcdc", "check", "python3 -B tools/mcdc.py "
                          "$builddir/mcdc " + " ".join(programs), programs,
                          pool="console")
        m.build("mcdc", "total", [result], name="mcdc")

    def docs(self):
        m = self.m
        m.comment("The reference of the public headers: HTML and man pages.")
        result = self.run("docs", "reference", "check", "python3 -B tools/"
                          f"reference.py $builddir/docs {self.p.VERSION}", [])
        m.build("docs", "total", [result], name="docs")

    def checks(self):
        m = self.m
        m.comment("Variants of the code, and the checks.")
        archives = [*self.shipped.values()] + [
            self.archive(name, cpu, cc, more)
            for name, cpu, cc, more in self.p.VARIANTS]
        m.var("archives", " ".join(archives))
        m.var("shipped", self.shipped[self.host])
        m.var("all", " ".join(self.shipped.values()))
        needs = {"$archives": archives, "$shipped": [self.shipped[self.host]],
                 "$all": self.shipped.values()}
        results = [
            self.run("check", name, "check", f"python3 -B {command}",
                     needs.get(command.split()[-1], []))
            for name, command in self.p.CHECKS.items()]
        m.build("check", "total", results, name="check")

    def examples(self):
        m = self.m
        m.comment("What a person runs.")
        exe = self.program("examples", self.p.EXPLAIN, "$plain",
                           [self.shipped[self.host]], ["tools-explain"])
        m.build("explain", "console", needs=[exe, "tools/spaces.py"],
                what=f"{exe} && python3 -B tools/spaces.py $builddir/demo",
                name="EXPLAIN")
        m.build("install", "console", needs=["lib"], name="INSTALL",
                what=f"python3 -B tools/install.py $builddir {self.host} "
                f"{self.p.VERSION} $prefix")
        m.build("help", "console", name="HELP",
                what="python3 -B configure.py --targets")

    def guest_link(self, name, about, objs, script, place=""):
        """One image of a guest, from objects."""
        libc = about["libc"]
        return self.m.build(
            f"$builddir/guest/{name}.elf", "link",
            [*objs, self.shipped[about["cpu"]]], [script],
            cc=self.p.CPUS[about["cpu"]].prefix + "gcc",
            flags=f"{GUEST_LINK}{place} -T {script}",
            libs=f"{libc}/lib/libc.a -lgcc" if libc else "")

    def guest_stage(self, name, about, objs, more):
        """The second image, and the object by which the first knows it."""
        m, cpu = self.m, self.p.CPUS[about["cpu"]]
        elf = self.guest_link(
            f"{name}-stage", about, [objs[s] for s in about["stage"]],
            self.p.STAGE_SCRIPT,
            f" -Wl,--defsym=stage_at={about['stage_at']:#x}")
        path = m.build(f"$builddir/guest/{name}-stage.bin", "strip", [elf],
                       objcopy=cpu.prefix + "objcopy")
        known = m.build(f"$builddir/guest/{name}-stage.c", "digest", [path],
                        ["tools/stage.py"])
        return path, m.build(f"{known[:-2]}.o", "cc", [known], **more)

    def guest(self, name, about):
        """Paths: the image that QEMU boots, and the one that this enters."""
        m, cpu, libc = self.m, self.p.CPUS[about["cpu"]], about["libc"]
        more = {"cc": cpu.prefix + "gcc", "flags": f"$guest ${about['cpu']} "
                f"-I{about['folder']}"
                + (f" -isystem {libc}/include" if libc else "")}
        sources = list(dict.fromkeys(about["sources"] + about["stage"]))
        objs = dict(zip(sources, self.objects(f"guest/{name}", sources,
                                              ["tools-demo"], **more)))
        first, second = [objs[s] for s in about["sources"]], []
        if about["stage"]:
            path, known = self.guest_stage(name, about, objs, more)
            first, second = first + [known], [path]
        elf = self.guest_link(name, about, first, about["script"])
        if about["raw"]:
            elf = m.build(f"$builddir/guest/{name}.bin", "raw", [elf],
                          objcopy=cpu.prefix + "objcopy")
        return [elf, *second]

    def demo(self):
        m = self.m
        m.comment("Bare-metal guests, booted by tools/demo.py.")
        images = {name: self.guest(name, about)
                  for name, about in self.p.GUESTS.items()}
        disk = self.disk("demo")
        self.run("demo", "demo", "rows", "python3 -B tools/demo.py --input "
                 + " ".join([disk, "--work $builddir/demo", *(
                     f"{name}={','.join(paths)}"
                     for name, paths in images.items())]),
                 [disk, *sum(images.values(), [])], pool="console")
        m.build("demo", "total", ["$builddir/results/demo/demo"], name="demo")

    def disk(self, target):
        """The image with a file system, for this target's own tools."""
        path = f"$builddir/{target}/input.img"
        return self.m.build(path, "console", needs=["tools/image.py"],
                            after=[f"tools-{target}"], name="DISK",
                            what=f"python3 -B tools/image.py {path}")

    def vhost(self):
        m, after = self.m, ["tools-vhost"]
        m.comment("A process whose devices are processes: tools/vhost.py.")
        program, twin = (self.objects("vhost", sources, after, flags="$hosted")
                         for sources in (self.p.VHOST, self.p.TWIN))
        shared = [f"$builddir/vhost/{s[:-2]}.o" for s in self.p.TWIN_MORE]
        exes = [m.build(f"$builddir/vhost/{name}", "link", objs,
                        flags="-pthread")
                for name, objs in (
                    ("vhost", program + [self.shipped[self.host]]),
                    ("twin", twin + shared))]
        disk = self.disk("vhost")
        self.run("vhost", "vhost", "rows", "python3 -B tools/vhost.py "
                 f"--input {disk} --work $builddir/vhost " + " ".join(exes),
                 [disk, *exes], pool="console")
        m.build("vhost", "total", ["$builddir/results/vhost/vhost"],
                name="vhost")

    def linux_peer(self, name, source, config):
        """swiotlb.c and our adaptor as one object with one symbol."""
        m = self.m
        folder = f"$builddir/bench/{name}"
        after = [f"{BENCH_LINUX}/swiotlb.c"]
        objs = [m.build(f"{folder}/swiotlb.o", "cc",
                        [f"{BENCH_LINUX}/{source}"], cc="gcc", more=config,
                        flags=LINUX_FLAGS + " -mgeneral-regs-only -w")]
        objs += [m.build(f"{folder}/{stem(path)}.o", "cc", [path], after=after,
                         cc="gcc", flags=LINUX_FLAGS + " -Wall -Wextra",
                         more=f"{config} -DPEER={name}")
                 for path in self.p.BENCH_PEER]
        return m.build(f"{folder}.o", "peer", objs, symbol=f"peer_{name}")

    def bench(self):
        m = self.m
        m.comment("The benchmark; bench/run.py measures and writes the page.")
        m.rule("unpack", f"python3 -B bench/prepare.py {BENCH_LINUX}",
               description="UNPACK $out")
        m.rule("peer", "ld -r -o $out.all $in && objcopy "
               "--keep-global-symbol=$symbol $out.all $out",
               description="PEER $out")
        m.build(f"{BENCH_LINUX}/swiotlb.c {BENCH_LINUX}/repaired.c", "unpack",
                needs=["bench/prepare.py"], after=["tools-bench"])
        objs = [self.linux_peer(*peer) for peer in self.p.LINUX_PEERS]
        objs += self.objects("bench", self.p.BENCH, ["tools-bench"],
                                flags=f"{BENCH_FLAGS} "
                                f"-Iarch/{self.p.CPUS[self.host].folder}")
        exe = m.build("$builddir/bench/bounce-bench", "link",
                      objs + [self.shipped[self.host]], flags="-pthread",
                      libs="-lm")
        for name, more in (("bench", ""), ("bench-quick", " --quick")):
            m.build(name, "console", needs=[exe], name=name.upper(),
                    what=f"python3 -B bench/run.py {exe} $builddir/bench"
                    + more)

    def everything(self):
        self.library()
        self.tests()
        self.checks()
        crossing.Crosses(self).build()
        self.long_soak()
        self.coverage()
        self.mcdc()
        self.proofs()
        self.docs()
        self.examples()
        self.demo()
        self.vhost()
        self.bench()
        exploring.Explorer(self).build()
        scaling.build(self)
        fuzzing.Fuzzers(self).build()
        mutating.Mutants(self).build()
