#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Write the ninja manifest: the one list of what is built, and how.

  ./configure.py                        write ./build.ninja (committed)
  ./configure.py --check                fail when ./build.ninja is stale
  ./configure.py --install test         install what `ninja test` and `ninja
                                        check` need; also: cross, demo, all...
  ./configure.py --name gcc --cc gcc    write build/gcc.ninja, then
  ninja -f build/gcc.ninja test
  ./configure.py --name pico --picolibc s390x=/opt/pico, and the demo's guests
                                        of that CPU have that C library

Without options the output depends on this file alone, never on the machine, so
that build.ninja can be committed. Options only ever write a file in build/.
"""
import argparse
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import crossing  # noqa: E402
import flags  # noqa: E402
import packages  # noqa: E402
import picolibc  # noqa: E402
from builder import Builder  # noqa: E402
from manifest import TARGETS, Manifest, rules  # noqa: E402

VERSION = "0.1.0"

# ---- what is built: add a file here, and nowhere else ----------------------


def named(folder, names):
    """Sources of a folder; C where nothing else is said."""
    return [f"{folder}/{name}" if "." in name else f"{folder}/{name}.c"
            for name in names.split()]


LIB = named("lib", """copy window record queue pool block instance grow share
                      space policy virtio used device map mapping shared stats
                      tree sync sg find quota cache secure revoke change
                      topology kept fdt fdt_dma open dynamic sg_dynamic own
                      iommu iommu_virtio viommu""")
NONE = named("arch/none", "none")  # in every archive
POWER = named("arch/power", "ultravisor ucall.S") + named("lib", "iommu_tce")
S390 = named("arch/s390", "uv uvc.S") + named("lib", "iommu_zpci")

# For tests only: the fake machine, backends that also compile on the host, and
# what several tests use.
FAKE = named("arch/fake", """fake device fake_cache fake_iommu fake_viommu
                             fake_zpci""")
BACKENDS = ["arch/power/ultravisor.c", "arch/s390/uv.c", "lib/iommu_tce.c",
            "lib/iommu_zpci.c"]
SUPPORT = named("tests", "support threads model oracle blobs")

# Criterion, one binary each, ASan + UBSan.
TESTS = named("tests", """
    test_address test_alias test_alloc test_arch test_attach test_base
    test_bytes test_copy test_device test_direct test_env test_epoch
    test_fdt test_fdt_dma test_fdt_guard test_fdt_windows test_find
    test_fini test_function test_generation test_grow test_grow_race
    test_guard test_handle test_instance test_iommu test_kept test_leak
    test_list test_map test_meta_size test_negotiate test_packed
    test_partial test_place test_policy test_pool test_pool_search
    test_pool_slabs test_pool_steps test_pressure test_quota
    test_ranges test_record test_reserve test_review test_revoke
    test_revoke_between test_secure test_sg test_sg_join test_share
    test_shared test_space test_starts test_stats test_sync test_taint
    test_topology test_unmap test_urgent test_used test_valid
    test_virtio test_window""")

# Spaces: their windows, and what caches see of their devices.
TESTS += named("tests", """test_cache test_history test_home
                           test_judged test_lane test_reached test_ways
                           test_reach test_pool_large test_pool_order
                           test_quick test_edges test_share_edges""")

TESTS += named("tests", """test_batches test_dynamic test_dynamic_cache
                           test_dynamic_ends test_dynamic_sg
                           test_dynamic_sweep test_own test_own_life test_tce
                           test_reissue test_viommu test_viommu_odd
                           test_zpci""")  # IOMMUs

# The catalogue of attacks (docs/threats.md), by its letters; `ninja attack`.
ATTACKS = named("tests/attacks", """attack_a attack_b attack_b_shape
                                    attack_c attack_copy attack_d
                                    attack_ring""")
SUPPORT.append("tests/attacks/scene.c")
# All of it with a step before each atomic access (tests/attacks/stepped.h).
STEPPED = named("tests/attacks", "attack_steps attack_stops")

# These compile library code in, or have an instruction that another test has,
# too: each is a program of its own everywhere.
OWN_CODE = named("tests", """test_batches test_pool_steps test_quick
                             test_revoke_between test_used
                             attacks/attack_copy attacks/attack_ring""")
# It compiles library code with atomics that are not C11's: not for coverage.
OTHER_ATOMICS = ["tests/test_pool_steps.c"]

# Plain programs with threads, one binary each, TSan.
STRESS = named("tests/stress", """dynamic_map epoch_map find_map pool_grow
                                  pool_owners revoke_map sync_unmap
                                  unmap_twice""")
SOAK = named("tests/soak",
             "soak worker lists behind aside warden")  # one program
POISON = ["tests/poison.c"]  # ASan and -DBOUNCE_POISON (lib/poison.h)

# On the shipped archive, one instruction at a time (tools/stepping.py).
STEP_TRAPS = named("tests/step", "trap")
STEPS = ["interrupts", "fetches"]

# Fuzzers, fuzz/fuzz_NAME.c with a corpus in fuzz/corpus/NAME: what else each is
# linked with, beside the library.
FUZZ = {
    "api": named("fuzz", "life life_map life_list life_slow"),
    "fdt": [], "iommu": [], "viommu": [],
    "monitor": [], "negotiate": [], "used": [], "window": [],
    "vring": ["examples/guest/vring.c"],
}
FUZZ_HARNESS = ["fuzz/harness.c"]

# The simulation of many CPUs (docs/scale.md).
SCALE = named("bench/scale", "main machine ours areas")

# The explorer (docs/explorer.md): its engine, and scenarios, which are compiled
# with its atomics as the library is; what each target searches.
EXPLORER = named("tests/explorer", """explore memory races regions hooks sites
                                      litmus main""")
SCENARIOS = named("tests/explorer", """stand slots slabs granules records
                                       devices frozen doors""")
EXPLORED = """litmus slots slabs granules records devices
              frozen doors""".split()

# What each proof looks at; tools/proofs.py says how.
PROVE_MODEL = ["tests/prove/model.c"]  # memcpy() that a device watches
PROOFS = {
    "used": named("tests/prove", "eva_used") + PROVE_MODEL + named(
        "lib", "used copy"),
    "map": named("tests/prove", "eva_map") + PROVE_MODEL + LIB + NONE,
    "share": named("tests/prove", "eva_share") + PROVE_MODEL + named(
        "lib", "share copy"),
    "arithmetic": ["lib/window.c"],
    "masks": ["lib/base.h"],
    "levels": ["lib/tree.h"],
    "runs": ["lib/pool.h"],
    "places": ["lib/window.c"],
    "patterns": ["lib/window.c"],
    "twin": named("tests/prove", "eva_used twin_used") + PROVE_MODEL + named(
        "lib", "copy"),
}

# Hosted programs: the second links the shipped archive.
README = "examples/readme.c"
EXPLAIN = "examples/explain.c"
# Its instructions are counted; and a map.c that looks at no epoch.
COUNTED = "tests/instructions/main.c"
UNBOUND = "tests/instructions/unbound.c"
LIBFDT = "tests/test_libfdt.c"  # a unit test; links libfdt besides

# A hosted program whose devices are other processes, with drivers of the
# guests; and the process that plays a malicious device.
VHOST = named("examples/vhost", """main frontend host image_run kills liar
                                   liars monitor""") + named(
    "examples/guest", """blk driver fail image pattern print report sha256
                         vring""")
TWIN = named("examples/vhost", "twin twin_lies")
TWIN_MORE = named("examples/guest", "pattern")  # compiled for VHOST

HEADERS = named("include/bounce", """arch.h bounce.h device.h env.h fdt.h
    iommu.h libfdt.h map.h policy.h pool.h space.h tce.h topology.h
    types.h viommu.h virtio.h zpci.h""")


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
#  riscv64 the base without floating point; no __riscv_save_* calls; nothing
#          relative to gp, which firmware need not set.
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
                   "-mno-save-restore -msmall-data-limit=0 -fno-pic"),
}
HOST = "x86_64"  # of the committed manifest; --host names another

# Bare-metal guests of `ninja demo`, linked with the archive of their CPU. A raw
# image is what QEMU loads as firmware; the other is loaded as an ELF file.
GUEST = named("examples/guest", """main blk churn control count driver duel
                                   fail image lies net network packet pair
                                   pattern report secure sha256 smp vring
                                   monitor_lies""")
NO_LIBC = named("examples/guest", "mem print")
PICOLIBC = named("examples/guest", "picolibc")
PCI = named("examples/guest", "virtio_pci pci_bars")
TREE = named("examples/guest", "pci_tree tree")
ISLAND = named("examples/guest", "island")
WINDOWS = named("examples/guest", "windows")
# What a second image (stage.h) has in common with the first; and what the first
# has for it.
NEXT = named("examples/guest", "handover loader")
STAGE_SCRIPT = "examples/guest/stage.ld"
STAGE = named("examples/guest", """blk door driver fail image report sha256
                                   stage vring""")
POWER_CPU = NO_LIBC + PCI + TREE + named("examples/guest/power",
                                         "calls.S cpu pci rtas")
Z_CPU = NO_LIBC + named("examples/guest/s390x",
                        "start.S console cpu monitor second")
ARM_CPU = PICOLIBC + PCI + TREE + named("examples/guest", "ecam") + named(
    "examples/guest/aarch64", "start.S cpu second")
X86_CPU = NO_LIBC + PCI + named("examples/guest", "ecam") + named(
    "examples/guest/x86_64", "start.S cpu second")
PSERIES = GUEST + NEXT + POWER_CPU + ISLAND + WINDOWS + named(
    "examples/guest/power", "start.S hosts interrupt model second tce")
Z = GUEST + NEXT + Z_CPU + named("examples/guest/s390x", "model")
VIOMMU = NEXT + named("examples/guest", """bridges buses bypass island mapped
                                           pci_bridge viommu windows""")


def image(cpu, folder, sources, both, stage=(), **other):
    """A guest's image, from a folder's link.ld unless another is named, and its
    second one, if it has such; with what of the folder is in both."""
    shared = named(f"examples/guest/{folder}", both)
    return {"cpu": cpu, "folder": f"examples/guest/{folder}", "raw": False,
            "script": f"examples/guest/{folder}/link.ld", "libc": "",
            "sources": sources + shared, "stage_at": 128 << 20,
            "stage": STAGE + list(stage) + shared if stage else [], **other}


RAW = {"raw": True, "script": "examples/guest/power/link.ld",
       "stage": POWER_CPU + named("examples/guest/power", "entry.S stage")}
LIBC = {"libc": "/usr/lib/picolibc/aarch64-linux-gnu"}
Z_STAGE = Z_CPU + named("examples/guest/s390x", "stage")
MAPPED = named("examples/guest", "stage_mapped")
GUESTS = {
    "ppc64le": image("powerpc64le", "ppc64le", PSERIES, "endian", **RAW),
    "ppc64": image("powerpc64", "ppc64", PSERIES, "endian", **RAW),
    "s390x": image("s390x", "s390x", Z + named(
        "examples/guest/s390x", "ccw_model"), "ccw channel virtio_ccw",
        Z_STAGE),
    "s390x-zpci": image("s390x", "s390x", Z + PCI[:1] + WINDOWS + named(
        "examples/guest/s390x", "ioat"), "zpci", Z_STAGE + PCI[:1] + named(
            "examples/guest/s390x", "stage_ioat")),
    "aarch64": image("aarch64", "aarch64", GUEST + ARM_CPU + named(
        "examples/guest", "forced"), "plain", **LIBC),
    "aarch64-iommu": image("aarch64", "aarch64", GUEST + ARM_CPU + VIOMMU,
                           "translated", ARM_CPU + MAPPED, **LIBC,
                           stage_at=0x40000000 + (128 << 20)),
    "x86_64": image("x86_64", "x86_64", GUEST + X86_CPU + VIOMMU, "translated",
                    X86_CPU + MAPPED),
}

# The unit tests on other CPUs; tests/mini stands in for Criterion. What cannot
# be everywhere, by the reason:
MINI = named("tests/mini", "runner")
MINI_PROCESS = named("tests/mini", "process")
MINI_METAL = named("tests/mini", "metal")
MINI_ARM = named("tests/mini", "aarch64.S")
NEED_X86 = named("tests", "test_grow_race")  # the trap flag stops a CPU
NEED_PAGES = named("tests", "test_guard test_fdt_guard attacks/attack_a")
NEED_THREADS = named("tests", "threads")
CROSSES = {
    "ppc64le": crossing.process("powerpc64le", "qemu-ppc64le"),
    "ppc64": crossing.process("powerpc64", "qemu-ppc64"),
    "s390x": crossing.process("s390x", "qemu-s390x"),
    "aarch64": crossing.process("aarch64", "qemu-aarch64"),
    "aarch64-metal": crossing.metal(
        "aarch64", "aarch64-linux-gnu-", "/usr/lib/picolibc/aarch64-linux-gnu",
        "qemu-system-aarch64 -M virt -cpu cortex-a57", ram=0x40000000,
        options="-fno-pic -mno-outline-atomics", entry="mini_start",
        start=MINI_ARM),
    "riscv64-metal": crossing.metal(
        "riscv64", "riscv64-unknown-elf-",
        "/usr/lib/picolibc/riscv64-unknown-elf",
        "qemu-system-riscv64 -M virt -bios none", ram=0x80000000,
        options="-march=rv64imac -mabi=lp64 -mcmodel=medany",
        variant="rv64imac/lp64/"),
}

# What `ninja check` runs: name -> command. $archives are the code variants,
# $all what is shipped, and $shipped that of this machine.
CHECKS = {
    "manifest": "configure.py --check",
    "refusals": "tools/refusals.py",
    "symbols": "tools/symbols.py $archives",
    "layers": "tools/layers.py",
    "headers": "tools/headers.py",
    "docs": "tools/docs.py",
    "threats": "tools/threats.py",
    "assurance": "tools/assurance.py",
    "examples": "tools/examples.py $builddir/documents $shipped",
    "sources": "tools/sources.py",
    "orders": "tools/orders.py",
    "sizes": "tools/sizes.py",
    "names": "tools/names.py",
    "format": "tools/format.py",
    "analyzer": "tools/analyze.py clang",
    "fanalyzer": "tools/analyze.py gcc",
    "cppcheck": "tools/analyze.py cppcheck",
    "tidy": "tools/analyze.py tidy",
    "reproducible": "tools/reproducible.py $builddir/elsewhere $all",
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
    valgrind                    valgrind        test
    /usr/include/libfdt.h       libfdt-dev                test check
    /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-*.a \
                                libclang-rt-14-dev  test
    clang-format                clang-format    check
    cppcheck                    cppcheck        check
    clang-tidy                  clang-tidy      check
    pmccabe                     pmccabe         check
    powerpc64le-linux-gnu-gcc   gcc-powerpc64le-linux-gnu   check demo \
                                                            cross-test
    powerpc64-linux-gnu-gcc     gcc-powerpc64-linux-gnu     check demo \
                                                            cross-test
    s390x-linux-gnu-gcc         gcc-s390x-linux-gnu         check demo \
                                                            cross-test
    aarch64-linux-gnu-gcc       gcc-aarch64-linux-gnu       check demo \
                                                            cross-test
    riscv64-linux-gnu-gcc       gcc-riscv64-linux-gnu       check cross-test
    qemu-system-ppc64           qemu-system-ppc             demo
    qemu-system-s390x           qemu-system-misc            demo
    x86_64-linux-gnu-gcc        gcc                         demo
    qemu-system-aarch64         qemu-system-arm             demo cross-test
    qemu-system-x86_64          qemu-system-x86             demo
    /usr/lib/picolibc/aarch64-linux-gnu/lib/libc.a \
                                picolibc-aarch64-linux-gnu  demo
    mke2fs                      e2fsprogs                   demo
    qemu-storage-daemon         qemu-system-common          vhost
    ninja                       ninja-build                 vhost
    clang                       clang                       vhost
    ar                          binutils                    vhost
    /usr/include/stdlib.h       libc6-dev                   vhost
    mke2fs                      e2fsprogs                   vhost
    /usr/powerpc64le-linux-gnu/include/stdlib.h  libc6-dev-ppc64el-cross \
                                                            cross-test
    /usr/powerpc64-linux-gnu/include/stdlib.h    libc6-dev-ppc64-cross \
                                                            cross-test
    /usr/s390x-linux-gnu/include/stdlib.h        libc6-dev-s390x-cross \
                                                            cross-test
    /usr/aarch64-linux-gnu/include/stdlib.h      libc6-dev-arm64-cross \
                                                            cross-test
    riscv64-unknown-elf-gcc     gcc-riscv64-unknown-elf     cross-test
    /usr/lib/picolibc/riscv64-unknown-elf/lib/release/rv64imac/lp64/libc.a \
                                picolibc-riscv64-unknown-elf  cross-test
    /usr/lib/picolibc/aarch64-linux-gnu/lib/release/libc.a \
                                picolibc-aarch64-linux-gnu  cross-test
    qemu-ppc64le                qemu-user                   cross-test
    qemu-system-riscv64         qemu-system-misc            cross-test
    ninja                       ninja-build                 cross-test
    ar                          binutils                    cross-test
    doxygen                     doxygen                     docs
    gcovr                       gcovr                       coverage
    gcov                        gcc                         coverage
    /usr/include/criterion/criterion.h  libcriterion-dev    coverage
    clang-19                    clang-19                    mcdc
    llvm-cov-19                 llvm-19                     mcdc
    /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.profile-*.a \
                                libclang-rt-19-dev          mcdc
    ar                          binutils                    mcdc
    /usr/include/criterion/criterion.h  libcriterion-dev    mcdc
    ninja                       ninja-build                 bench
    clang                       clang                       bench
    gcc                         gcc                         bench
    objcopy                     binutils                    bench
    /usr/include/stdlib.h       libc6-dev                   bench
    valgrind                    valgrind                    test bench
    gnuplot                     gnuplot-nox                 bench
    /usr/src/linux-source-6.12.tar.xz  linux-source-6.12    bench
    ninja                       ninja-build                 explore
    clang                       clang                       explore
    /usr/include/stdlib.h       libc6-dev                   explore
    ninja                       ninja-build                 scale
    clang                       clang                       scale
    /usr/include/stdlib.h       libc6-dev                   scale
    gnuplot                     gnuplot-nox                 scale
    ninja                       ninja-build                 fuzz
    clang                       clang                       fuzz
    /usr/include/stdlib.h       libc6-dev                   fuzz
    /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a \
                                libclang-rt-14-dev          fuzz
    llvm-cov                    llvm                        fuzz
    frama-c                     frama-c-base                prove
    z3                          z3                          prove
    clang                       clang                       prove
"""
INSTALL = {  # --install: what -> the targets whose tools it brings
    "demo": ["demo"],
    "vhost": ["vhost"],
    "test": ["lib", "explain", "test", "check"],
    "cross": ["cross-test"],
    "docs": ["docs", "coverage", "mcdc"],
    "bench": ["bench"],
    "fuzz": ["fuzz"],
    "prove": ["prove"],
    "explore": ["explore"],
    "scale": ["scale"],
    "all": ["lib", "explain", "test", "check", "cross-test", "demo", "docs",
            "coverage", "mcdc", "bench", "explore", "scale", "fuzz", "prove",
            "vhost"],
}
PACKAGES, NEEDS = {}, {target: [] for target in INSTALL["all"]}
for tool, package, *targets in map(str.split, TOOLS.strip().splitlines()):
    PACKAGES[tool] = package
    for target in targets:
        NEEDS[target].append(tool)

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
LINUX_PEERS = [("debian", "swiotlb.c", "-DCONFIG_DEBUG_FS"),
               ("plain", "swiotlb.c", ""), ("repaired", "repaired.c", "")]

# Variants of the code that the symbols check looks into, beside what is shipped
# (this machine's by $cc, the others' by GCC; -O2): (name, CPU, compiler,
# options). A GCC tells who calls whom.
LEVELS = {"O0": "-O0", "Os": "-Os", "O2": "-O2", "O3": "-O3"}
VARIANTS = [
    (f"{cpu}-{cc}-{level}", cpu, cc, option + (
        " -fcallgraph-info" if (cc, level) == ("gcc", "O0") else ""))
    for cpu in CPUS for cc in ("gcc", "clang")
    for level, option in LEVELS.items()
    if (cc, level) != ("clang" if cpu == HOST else "gcc", "O2")]


def listed():
    """Every source that is built; tools/layers.py looks for others."""
    lists = [FAKE, BACKENDS, SUPPORT, TESTS, ATTACKS, STEPPED, STRESS, POISON,
             MINI, MINI_PROCESS, MINI_METAL, MINI_ARM,
             [EXPLAIN, README, LIBFDT, COUNTED, UNBOUND]]
    lists += [VHOST, TWIN, SOAK]
    lists += list(PROOFS.values())
    lists += [cpu.sources for cpu in CPUS.values()]
    lists += [guest[image] for guest in GUESTS.values()
              for image in ("sources", "stage")]
    lists += [STEP_TRAPS, named("tests/step", " ".join(STEPS) + " loads")]
    lists += [BENCH, BENCH_PEER, FUZZ_HARNESS, EXPLORER, SCENARIOS, SCALE]
    lists += [[f"fuzz/fuzz_{name}.c"] + more for name, more in FUZZ.items()]
    return sorted({source for sources in lists for source in sources})


def manifest(args, path):
    m = Manifest()
    m.var("ninja_required_version", "1.10")
    m.var("builddir", f"build/{args.name}")
    m.var("cc", args.cc)
    m.var("ar", "ar")
    m.var("prefix", args.prefix)
    m.var("free", flags.FREE)
    for name, how in (("asan", flags.ASAN), ("tsan", flags.TSAN),
                      ("stepped", flags.STEPPED),
                      ("poison", flags.TRAPS), ("coverage", flags.COVERAGE),
                      ("mcdc", flags.MCDC),
                      ("fuzz", flags.FUZZED), ("hosted", flags.HOSTED),
                      ("soak", flags.SOAKED)):
        m.var(name, f"{how} -Iarch/{CPUS[args.host].folder}")
    m.var("plain", flags.PLAIN)
    m.var("guest", flags.GUEST_FLAGS)
    for name, cpu in CPUS.items():
        m.var(name, f"-Iarch/{cpu.folder} {cpu.flags}")
    rules(m, NEEDS)
    Builder(m, args, sys.modules[__name__]).everything()
    m.comment("This file writes itself anew when configure.py changes.")
    again = "".join(f" --{key} {value}" for key, value in args.given)
    m.rule("configure", f"python3 -B configure.py{again}", generator=1,
           description="CONFIGURE")
    m.build(path, "configure", needs=[
        "configure.py", "tools/builder.py", "tools/crossing.py",
        "tools/exploring.py", "tools/flags.py", "tools/fuzzing.py",
        "tools/manifest.py", "tools/mutating.py", "tools/scaling.py",
        "tools/stepping.py"])
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
    p.add_argument("--picolibc", metavar="CPU=PREFIX", action="append",
                   default=[], help="for the demo's guests of a CPU; may be "
                   "given for each")
    args = p.parse_args()
    args.given = [(key, getattr(args, key)) for key in defaults
                  if getattr(args, key) is not None]
    args.given += [("picolibc", pair) for pair in args.picolibc]
    for key, value in args.given:
        if not value or any(c in value for c in " \t\n$|:'\""):
            p.error(f"--{key} '{value}' cannot be used in a manifest")
    if not args.name.replace("-", "").replace("_", "").isalnum():
        p.error("--name takes letters, digits, - and _")
    if args.given and args.name == "host":
        p.error("options need a --name of their own")
    wrong = picolibc.link(GUESTS, args.picolibc, NO_LIBC, PICOLIBC)
    if wrong:
        p.error(wrong)
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
