#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Write the ninja manifest: the one list of what is built, and how.

  ./configure.py                        write ./build.ninja (committed)
  ./configure.py --check                fail when ./build.ninja is stale
  ./configure.py --install test         install what `ninja test` and `ninja
                                        check` need; also: demo, docs, all
  ./configure.py --name gcc --cc gcc    write build/gcc.ninja, then
  ninja -f build/gcc.ninja test

Without options the output depends on this file alone, never on the machine, so
that build.ninja can be committed. Options only ever write a file in build/.
"""
import argparse
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import packages  # noqa: E402
from manifest import TARGETS, Manifest, rules  # noqa: E402

VERSION = "0.1.0"

# ---- what is built: add a file here, and nowhere else ----------------------


def named(folder, names):
    """Sources of a folder; C where nothing else is said."""
    return [f"{folder}/{name}" if "." in name else f"{folder}/{name}.c"
            for name in names.split()]


LIB = named("lib", """copy window record pool block instance grow share space
                      policy virtio used device map mapping shared stats
                      tree sync sg find quota secure revoke change
                      topology fdt fdt_dma""")
NONE = named("arch/none", "none")  # in every archive
POWER = named("arch/power", "ultravisor ucall.S")
S390 = named("arch/s390", "uv uvc.S")

# For tests only: the fake machine, backends that also compile on the host, and
# what several tests use.
FAKE = named("arch/fake", "fake device")
BACKENDS = ["arch/power/ultravisor.c", "arch/s390/uv.c"]
SUPPORT = named("tests", "support threads model oracle blobs")

# Criterion, one binary each, ASan + UBSan.
TESTS = named("tests", """
    test_address test_alias test_alloc test_arch test_attach test_base
    test_bytes test_copy test_device test_direct test_epoch test_fdt
    test_fdt_dma test_fdt_windows test_find test_function test_generation
    test_grow test_grow_race test_guard test_handle test_instance test_leak
    test_list test_map test_meta_size test_negotiate test_packed test_place
    test_policy test_pool test_pool_search test_pool_slabs test_pool_steps
    test_pressure test_quota test_ranges test_record test_reserve test_review
    test_revoke test_secure test_sg test_sg_join test_share test_shared
    test_space test_sync test_taint test_topology test_unmap test_urgent
    test_used test_virtio test_window""")

# Plain programs with threads, one binary each, TSan.
STRESS = named("tests/stress", """find_map pool_grow pool_owners revoke_map
                                  sync_unmap unmap_twice""")
POISON = ["tests/poison.c"]  # ASan and -DBOUNCE_POISON (lib/poison.h)

# Hosted programs: the second links the shipped archive.
README = "examples/readme.c"
EXPLAIN = "examples/explain.c"
LIBFDT = "tests/test_libfdt.c"  # a unit test; links libfdt besides

HEADERS = named("include/bounce", """arch.h bounce.h device.h env.h fdt.h
    libfdt.h map.h policy.h pool.h space.h topology.h types.h virtio.h""")


class Cpu:
    """A CPU the library is built for: how, and with which backend."""

    def __init__(self, folder, prefix, backend, flags):
        self.folder = folder  # of arch/: where its cpu.h is
        self.prefix = prefix  # of the GNU tools
        self.sources = LIB + NONE + backend
        self.flags = flags


# No vector or floating-point register, no helper from the compiler's own
# library, code that runs at any address and on the oldest CPU that matters:
#  x86_64  -fPIE is relative to the program counter: it links into a kernel at
#          the top of memory as well as into a hosted program. No red zone:
#          interrupt handlers run on the same stack.
#  ppc64   power8 is the oldest that runs little-endian.
#  s390x   z196 has the atomic AND (release is wait-free) and no vectors yet;
#          the ultravisor call came with z15.
#  aarch64 atomics inline, and no unaligned access: it faults with the MMU off.
#  riscv64 the base without floating point; no __riscv_save_* calls.
CPUS = {
    "x86_64": Cpu("x86", "x86_64-linux-gnu-", [],
                  "-mgeneral-regs-only -mno-red-zone -fcf-protection=none "
                  "-fPIE"),
    "powerpc64le": Cpu("power", "powerpc64le-linux-gnu-", POWER,
                       "-mcpu=power8 -mno-vsx -mno-altivec -msoft-float "
                       "-fno-pic"),
    "powerpc64": Cpu("power", "powerpc64-linux-gnu-", POWER,
                     "-mcpu=power8 -mabi=elfv1 -mno-vsx -mno-altivec "
                     "-msoft-float -fno-pic"),
    "s390x": Cpu("s390", "s390x-linux-gnu-", S390,
                 "-march=z196 -mno-vx -msoft-float -fno-pic"),
    "aarch64": Cpu("arm64", "aarch64-linux-gnu-", [],
                   "-march=armv8-a -mgeneral-regs-only -mno-outline-atomics "
                   "-mstrict-align -fno-pic"),
    "riscv64": Cpu("riscv", "riscv64-linux-gnu-", [],
                   "-march=rv64imac -mabi=lp64 -mcmodel=medany "
                   "-mno-save-restore -fno-pic"),
}
HOST = "x86_64"  # of the committed manifest; --host names another

# Bare-metal guests of `ninja demo`, linked with the archive of their CPU. A raw
# image is what QEMU loads as firmware; the other is loaded as an ELF file.
GUEST = named("examples/guest", """main blk churn control driver duel fail image
                                   lies net network packet pair pattern report
                                   secure sha256 smp vring""")
NO_LIBC = named("examples/guest", "mem print")
PICOLIBC = named("examples/guest", "picolibc")
PCI = named("examples/guest", "virtio_pci pci_bars")
TREE = named("examples/guest", "pci_tree tree")
PSERIES = GUEST + NO_LIBC + PCI + TREE + named(
    "examples/guest/power", "start.S cpu model pci rtas second")
Z = GUEST + NO_LIBC + named("examples/guest/s390x",
                            "start.S console cpu model monitor second")
ARM = GUEST + PICOLIBC + PCI + TREE + named(
    "examples/guest", "ecam") + named("examples/guest/aarch64",
                                      "start.S cpu second")
X86 = GUEST + NO_LIBC + PCI + named("examples/guest", "ecam") + named(
    "examples/guest/x86_64", "start.S cpu second")
VIOMMU = named("examples/guest", "mapped viommu")


def image(cpu, folder, sources, more, **other):
    """A guest's image, from a folder's link.ld unless another is named."""
    return {"cpu": cpu, "folder": f"examples/guest/{folder}", "raw": False,
            "script": f"examples/guest/{folder}/link.ld", "libc": "",
            "sources": sources + named(f"examples/guest/{folder}", more),
            **other}


RAW = {"raw": True, "script": "examples/guest/power/link.ld"}
LIBC = {"libc": "/usr/lib/picolibc/aarch64-linux-gnu"}
GUESTS = {
    "ppc64le": image("powerpc64le", "ppc64le", PSERIES, "endian", **RAW),
    "ppc64": image("powerpc64", "ppc64", PSERIES, "endian", **RAW),
    "s390x": image("s390x", "s390x", Z, "ccw channel virtio_ccw"),
    "s390x-zpci": image("s390x", "s390x", Z + PCI[:1], "ioat zpci"),
    "aarch64": image("aarch64", "aarch64", ARM + named(
        "examples/guest", "forced"), "plain", **LIBC),
    "aarch64-iommu": image("aarch64", "aarch64", ARM + VIOMMU, "translated",
                           **LIBC),
    "x86_64": image("x86_64", "x86_64", X86 + VIOMMU, "translated"),
}

# What `ninja check` runs: name -> command. $archives are the code variants.
CHECKS = {
    "manifest": "configure.py --check",
    "symbols": "tools/symbols.py $archives",
    "layers": "tools/layers.py",
    "headers": "tools/headers.py",
    "docs": "tools/docs.py",
    "examples": "tools/examples.py $builddir/documents $shipped",
    "sources": "tools/sources.py",
    "sizes": "tools/sizes.py",
    "names": "tools/names.py",
    "format": "tools/format.py",
    "analyzer": "tools/analyze.py clang",
    "fanalyzer": "tools/analyze.py gcc",
    "cppcheck": "tools/analyze.py cppcheck",
}

# ---- what it needs ---------------------------------------------------------

# A program, or a file; the Debian package that brings it; the targets that use
# it. The cross compilers are not among what `lib` must have.
TOOLS = """
    ninja                       ninja-build     lib explain test check demo
    clang                       clang           lib explain test check
    gcc                         gcc             test check
    g++                         g++             check
    ar                          binutils        lib explain test check
    /usr/include/stdlib.h       libc6-dev       explain test check
    /usr/include/criterion/criterion.h  libcriterion-dev  test
    /usr/include/libfdt.h       libfdt-dev                test check
    /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-*.a \
                                libclang-rt-14-dev  test
    clang-format                clang-format    check
    cppcheck                    cppcheck        check
    pmccabe                     pmccabe         check
    powerpc64le-linux-gnu-gcc   gcc-powerpc64le-linux-gnu   check demo
    powerpc64-linux-gnu-gcc     gcc-powerpc64-linux-gnu     check demo
    s390x-linux-gnu-gcc         gcc-s390x-linux-gnu         check demo
    aarch64-linux-gnu-gcc       gcc-aarch64-linux-gnu       check demo
    riscv64-linux-gnu-gcc       gcc-riscv64-linux-gnu       check
    qemu-system-ppc64           qemu-system-ppc             demo
    qemu-system-s390x           qemu-system-misc            demo
    x86_64-linux-gnu-gcc        gcc                         demo
    qemu-system-aarch64         qemu-system-arm             demo
    qemu-system-x86_64          qemu-system-x86             demo
    /usr/lib/picolibc/aarch64-linux-gnu/lib/libc.a \
                                picolibc-aarch64-linux-gnu  demo
    mke2fs                      e2fsprogs                   demo
    doxygen                     doxygen                     docs
    gcovr                       gcovr                       coverage
    gcov                        gcc                         coverage
    /usr/include/criterion/criterion.h  libcriterion-dev    coverage
    ninja                       ninja-build                 bench
    clang                       clang                       bench
    gcc                         gcc                         bench
    objcopy                     binutils                    bench
    /usr/include/stdlib.h       libc6-dev                   bench
    valgrind                    valgrind                    bench
    gnuplot                     gnuplot-nox                 bench
    /usr/src/linux-source-6.12.tar.xz  linux-source-6.12    bench
"""
INSTALL = {  # --install: what -> the targets whose tools it brings
    "demo": ["demo"],
    "test": ["lib", "explain", "test", "check"],
    "docs": ["docs", "coverage"],
    "bench": ["bench"],
    "all": ["lib", "explain", "test", "check", "demo", "docs", "coverage",
            "bench"],
}
PACKAGES, NEEDS = {}, {target: [] for target in INSTALL["all"]}
for tool, package, *targets in map(str.split, TOOLS.strip().splitlines()):
    PACKAGES[tool] = package
    for target in targets:
        NEEDS[target].append(tool)

# ---- how it is built -------------------------------------------------------

WARN = ("-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow "
        "-Wcast-qual -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes "
        "-Wswitch-enum -Werror")
# The shipped code. Nothing that a linker script must discard (unwind tables)
# or a kernel supply (stack protector); the same bytes from any folder.
FREE = (f"-std=c11 -ffreestanding -g {WARN} -Iinclude -fno-common "
        "-fno-stack-protector -fno-asynchronous-unwind-tables "
        "-fno-unwind-tables -ffunction-sections -fdata-sections "
        "-fstack-usage -ffile-prefix-map=$$PWD=.")
# The same sources in tests: with libc, with assertions, observed.
OBSERVED = ("-std=c11 -D_GNU_SOURCE -DBOUNCE_DEBUG -g -O1 -pthread -Wall "
            "-Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror "
            "-fno-omit-frame-pointer -Iinclude -Ilib -Iarch/fake -Itests "
            "-iquote arch/power -iquote arch/s390")
ASAN = f"{OBSERVED} -fsanitize=address,undefined -fno-sanitize-recover=all"
TSAN = f"{OBSERVED} -fsanitize=thread"
TRAPS = f"{ASAN} -DBOUNCE_POISON"
# Counted, not checked: an assertion has a way out that no test must take.
COVERAGE = (OBSERVED.replace("-DBOUNCE_DEBUG ", "").replace("-O1", "-O0")
            + " --coverage -fprofile-update=atomic")
GUEST_FLAGS = (f"-std=c11 -ffreestanding -g -O2 {WARN} -Iinclude "
               "-Iexamples/guest -fno-stack-protector "
               "-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-"
               "patterns -fno-delete-null-pointer-checks")
GUEST_LINK = ("-nostdlib -static -no-pie -Wl,--build-id=none "
              "-Wl,--no-warn-rwx-segments")
PLAIN = "-std=c11 -g -O2 -Wall -Wextra -Werror -Iinclude"

# Variants of the code that the symbols check looks into: (name, CPU, compiler,
# options); no compiler is the CPU's own. -O2 is what `lib` ships.
VARIANTS = [(f"{cpu}-Os", cpu, "", "-Os") for cpu in CPUS] + [
    ("gcc-O0", "host", "gcc", "-O0 -fcallgraph-info"),
    ("gcc-O2", "host", "gcc", "-O2"), ("gcc-O3", "host", "gcc", "-O3"),
    ("clang-O0", "host", "clang", "-O0"), ("clang-O3", "host", "clang", "-O3"),
]


def listed():
    """Every source that is built; tools/layers.py looks for others."""
    lists = [FAKE, BACKENDS, SUPPORT, TESTS, STRESS, POISON,
             [EXPLAIN, README, LIBFDT]]
    lists += [cpu.sources for cpu in CPUS.values()]
    lists += [guest["sources"] for guest in GUESTS.values()]
    lists += [BENCH, BENCH_PEER]
    return sorted({source for sources in lists for source in sources})


def stem(path):
    return pathlib.PurePath(path).stem


class Builder:
    """Knows this project: which objects, archives and programs there are."""

    def __init__(self, m, args):
        self.m = m
        self.host = args.host

    def objects(self, folder, sources, after, rule="cc", **more):
        return [self.m.build(f"$builddir/{folder}/{s[:-2]}.o", rule, [s],
                             after=after, **more) for s in sources]

    def archive(self, folder, cpu, cc, more):
        """The shipped sources, compiled one way; cc "" is the CPU's own."""
        native = cc or cpu == self.host
        prefix, rule = ("", "") if native else (CPUS[cpu].prefix, "cross-")
        cc = cc or ("$cc" if native else prefix + "gcc")
        after = [] if not native else ["tools-lib" if cc == "$cc"
                                       else "tools-check"]
        objs = self.objects(folder, CPUS[cpu].sources, after, rule + "cc",
                            cc=cc, flags=f"$free ${cpu}", more=more)
        return self.m.build(f"$builddir/{folder}/libbounce.a", rule + "ar",
                            objs, cc=cc, ar=prefix + "ar")

    def library(self):
        self.m.comment("The library: freestanding, one archive a CPU.")
        self.shipped = {cpu: self.archive(cpu, cpu, "", "-O2") for cpu in CPUS}
        self.m.build("lib", "phony", self.shipped.values())

    def run(self, target, name, kind, command, needs, **more):
        """One test or check; returns its stamp."""
        out = f"$builddir/results/{target}/{name}"
        return self.m.build(out, "run", needs=needs, name=f"{target}: {name}",
                            kind=kind, what=command,
                            after=[f"tools-{target}"], **more)

    def program(self, folder, source, flags, libs, after, **more):
        objs = self.objects(folder, [source], after, flags=flags, **more)
        return self.m.build(f"$builddir/{folder}/{stem(source)}", "link",
                            objs + libs[:1], flags=flags,
                            libs=" ".join(libs[1:]), **more)

    def suite(self, folder, target, sources, libs, **more):
        """Each source a program with all of the library; returns those."""
        common = LIB + NONE + FAKE + BACKENDS + SUPPORT
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
            "asan", "test", TESTS, ["-lcriterion"]))
        both = ["$builddir/asan/libtest.a", "-lcriterion", "-lfdt"]
        results += self.tested("criterion", [self.program(
            "asan", LIBFDT, "$asan", both, ["tools-test"])])
        exe = self.program("asan", README, "$asan", both[:1], ["tools-test"])
        results.append(self.run("test", stem(README), "program", exe, [exe]))
        m.comment("Stress programs: TSan, under which Criterion cannot start.")
        results += self.tested("program", self.suite(
            "tsan", "test", STRESS, [], cc="clang"))
        m.comment("The library as embedders test it: free slots trap.")
        results += self.tested("program", self.suite(
            "poison", "test", POISON, [], cc="clang"))
        for result in results:
            m.build(stem(result), "total", [result], name=stem(result))
        m.build("test", "total", results, name="test")

    def coverage(self):
        m = self.m
        m.comment("The unit tests once more, counting lines and branches.")
        programs = self.suite("coverage", "coverage", TESTS, ["-lcriterion"],
                              cc="gcc")
        result = self.run("coverage", "coverage", "check",
                          "python3 -B tools/coverage.py $builddir/coverage "
                          + " ".join(programs), programs, pool="console")
        m.build("coverage", "total", [result], name="coverage")

    def docs(self):
        m = self.m
        m.comment("The reference of the public headers: HTML and man pages.")
        result = self.run("docs", "reference", "check", "python3 -B tools/"
                          f"reference.py $builddir/docs {VERSION}", [])
        m.build("docs", "total", [result], name="docs")

    def checks(self):
        m = self.m
        m.comment("Variants of the code, and the checks.")
        archives = [*self.shipped.values()] + [
            self.archive(name, self.host if cpu == "host" else cpu, cc, more)
            for name, cpu, cc, more in VARIANTS]
        m.var("archives", " ".join(archives))
        m.var("shipped", self.shipped[self.host])
        needs = {"$archives": archives, "$shipped": [self.shipped[self.host]]}
        results = [
            self.run("check", name, "check", f"python3 -B {command}",
                     needs.get(command.split()[-1], []))
            for name, command in CHECKS.items()]
        m.build("check", "total", results, name="check")

    def examples(self):
        m = self.m
        m.comment("What a person runs.")
        exe = self.program("examples", EXPLAIN, "$plain",
                           [self.shipped[self.host]], ["tools-explain"])
        m.build("explain", "console", needs=[exe], what=exe, name="EXPLAIN")
        m.build("install", "console", needs=["lib"], name="INSTALL",
                what=f"python3 -B tools/install.py $builddir {self.host} "
                f"{VERSION} $prefix")
        m.build("help", "console", name="HELP",
                what="python3 -B configure.py --targets")

    def guest(self, name, about):
        """The image that QEMU boots; returns its path."""
        m, cpu = self.m, CPUS[about["cpu"]]
        cc = cpu.prefix + "gcc"
        script, libc = about["script"], about["libc"]
        objs = self.objects(f"guest/{name}", about["sources"], ["tools-demo"],
                            cc=cc, flags=f"$guest ${about['cpu']} "
                            f"-I{about['folder']}"
                            + (f" -isystem {libc}/include" if libc else ""))
        elf = m.build(f"$builddir/guest/{name}.elf", "link",
                      objs + [self.shipped[about["cpu"]]], [script], cc=cc,
                      flags=GUEST_LINK + " -T " + script,
                      libs=f"{libc}/lib/libc.a -lgcc" if libc else "")
        if not about["raw"]:
            return elf
        return m.build(f"$builddir/guest/{name}.bin", "raw", [elf],
                       objcopy=cpu.prefix + "objcopy")

    def demo(self):
        m = self.m
        m.comment("Bare-metal guests, booted by tools/demo.py.")
        images = {name: self.guest(name, about)
                  for name, about in GUESTS.items()}
        disk = "$builddir/demo/input.img"
        m.build(disk, "console", needs=["tools/image.py"],
                after=["tools-demo"], name="DISK",
                what=f"python3 -B tools/image.py {disk}")
        self.run("demo", "demo", "rows", "python3 -B tools/demo.py --input "
                 + " ".join([disk, "--work $builddir/demo", *(
                     f"{name}={image}" for name, image in images.items())]),
                 [disk, *images.values()], pool="console")
        m.build("demo", "total", ["$builddir/results/demo/demo"], name="demo")


# ---- the benchmark ---------------------------------------------------------
# One program: libbounce, floors, and three builds of Linux's swiotlb.c, which
# bench/prepare.py unpacks from a Debian package when they are built.

BENCH = """
    bench/main.c bench/clock.c bench/sample.c bench/noise.c bench/fixed.c
    bench/cold.c bench/cross.c bench/mixes.c bench/mixed.c bench/full.c
    bench/stopped.c bench/account.c bench/ours.c bench/peer_bounce.c
    bench/peer_claim.c bench/peer_floor.c
""".split()
BENCH_PEER = ["bench/peer_linux.c", "bench/shim/kernel.c"]
BENCH_FLAGS = ("-std=c11 -D_GNU_SOURCE -g -O2 -pthread -Wall -Wextra -Wshadow "
               "-Wstrict-prototypes -Wvla -Werror -Iinclude -Ilib -Ibench")
BENCH_LINUX = "$builddir/bench/linux"
# As Debian compiles its kernel, as far as it matters here.
LINUX_FLAGS = ("-std=gnu11 -O2 -g -DCONFIG_SWIOTLB -fno-stack-protector "
               "-fno-strict-aliasing -fno-strict-overflow -Ibench "
               f"-Ibench/shim -isystem {BENCH_LINUX}/include")
LINUX_PEERS = [("debian", "swiotlb.c", "-DCONFIG_DEBUG_FS"),
               ("plain", "swiotlb.c", ""), ("repaired", "repaired.c", "")]


def linux_peer(m, name, source, config):
    """swiotlb.c and our adaptor as one object with one symbol."""
    folder = f"$builddir/bench/{name}"
    after = [f"{BENCH_LINUX}/swiotlb.c"]
    objs = [m.build(f"{folder}/swiotlb.o", "cc", [f"{BENCH_LINUX}/{source}"],
                    cc="gcc", flags=LINUX_FLAGS + " -mgeneral-regs-only -w",
                    more=config)]
    objs += [m.build(f"{folder}/{stem(path)}.o", "cc", [path], after=after,
                     cc="gcc", flags=LINUX_FLAGS + " -Wall -Wextra",
                     more=f"{config} -DPEER={name}") for path in BENCH_PEER]
    return m.build(f"{folder}.o", "peer", objs, symbol=f"peer_{name}")


def bench(m, builder):
    m.comment("The benchmark; bench/run.py measures and writes the page.")
    m.rule("unpack", f"python3 -B bench/prepare.py {BENCH_LINUX}",
           description="UNPACK $out")
    m.rule("peer", "ld -r -o $out.all $in && objcopy "
           "--keep-global-symbol=$symbol $out.all $out",
           description="PEER $out")
    m.build(f"{BENCH_LINUX}/swiotlb.c {BENCH_LINUX}/repaired.c", "unpack",
            needs=["bench/prepare.py"], after=["tools-bench"])
    objs = [linux_peer(m, *peer) for peer in LINUX_PEERS]
    objs += builder.objects("bench", BENCH, ["tools-bench"],
                            flags=f"{BENCH_FLAGS} "
                            f"-Iarch/{CPUS[builder.host].folder}")
    exe = m.build("$builddir/bench/bounce-bench", "link",
                  objs + [builder.shipped[builder.host]], flags="-pthread",
                  libs="-lm")
    for name, more in (("bench", ""), ("bench-quick", " --quick")):
        m.build(name, "console", needs=[exe], name=name.upper(),
                what=f"python3 -B bench/run.py {exe} $builddir/bench{more}")


# ---- end of the benchmark --------------------------------------------------


def manifest(args, path):
    m = Manifest()
    m.var("ninja_required_version", "1.10")
    m.var("builddir", f"build/{args.name}")
    m.var("cc", args.cc)
    m.var("ar", "ar")
    m.var("prefix", args.prefix)
    m.var("free", FREE)
    for name, flags in (("asan", ASAN), ("tsan", TSAN), ("poison", TRAPS),
                        ("coverage", COVERAGE)):
        m.var(name, f"{flags} -Iarch/{CPUS[args.host].folder}")
    m.var("plain", PLAIN)
    m.var("guest", GUEST_FLAGS)
    for name, cpu in CPUS.items():
        m.var(name, f"-Iarch/{cpu.folder} {cpu.flags}")
    rules(m, NEEDS)
    builder = Builder(m, args)
    builder.library()
    builder.tests()
    builder.checks()
    builder.coverage()
    builder.docs()
    builder.examples()
    builder.demo()
    bench(m, builder)
    m.comment("This file writes itself anew when configure.py changes.")
    again = "".join(f" --{key} {value}" for key, value in args.given)
    m.rule("configure", f"python3 -B configure.py{again}", generator=1,
           description="CONFIGURE")
    m.build(path, "configure", needs=["configure.py", "tools/manifest.py"])
    m.lines += ["", "default lib"]
    return "\n".join(m.lines) + "\n"


# ---- what a person asks for ------------------------------------------------


def write(args):
    path = "build.ninja" if args.name == "host" else f"build/{args.name}.ninja"
    text = manifest(args, path)
    if args.check:
        same = (ROOT / path).is_file() and (ROOT / path).read_text() == text
        print(f"manifest: {path}, {text.count(chr(10) + 'build ')} edges, "
              + ("is what configure.py writes" if same
                 else "is stale: run ./configure.py"))
        return 0 if same else 1
    (ROOT / path).parent.mkdir(exist_ok=True)
    (ROOT / path).write_text(text)  # always: skipping it makes ninja loop
    return 0


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"configure.py: {message}; --help lists the options\n")


def main():
    defaults = {"cc": "clang", "host": HOST, "prefix": "/usr/local"}
    p = Parser(description=__doc__, allow_abbrev=False,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true", help="only compare")
    p.add_argument("--install", choices=INSTALL, help="install packages")
    p.add_argument("--targets", action="store_true", help="what ninja can do")
    p.add_argument("--tools", choices=NEEDS, help="are a target's tools here?")
    p.add_argument("--name", default="host", help="write build/NAME.ninja")
    p.add_argument("--cc", help="compiler for this machine (clang)")
    p.add_argument("--host", choices=CPUS, help="CPU of this machine (x86_64)")
    p.add_argument("--prefix", help="for `ninja install` (/usr/local)")
    args = p.parse_args()
    args.given = [(key, getattr(args, key)) for key in defaults
                  if getattr(args, key) is not None]
    for key, value in args.given:
        if not value or any(c in value for c in " \t\n$|:'\""):
            p.error(f"--{key} '{value}' cannot be used in a manifest")
    if not args.name.replace("-", "").replace("_", "").isalnum():
        p.error("--name takes letters, digits, - and _")
    if args.given and args.name == "host":
        p.error("options need a --name of their own")
    if args.name != "host":
        args.given.insert(0, ("name", args.name))
    for key, value in defaults.items():
        setattr(args, key, getattr(args, key) or value)
    if args.targets:
        print(TARGETS)
        return 0
    if args.tools:
        what = next(what for what in INSTALL if args.tools in INSTALL[what])
        return packages.demand(args.tools, what, NEEDS[args.tools])
    if args.install:
        tools = [tool for name in INSTALL[args.install] for tool in NEEDS[name]]
        return packages.install(args.install, tools, PACKAGES)
    return write(args)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main())
