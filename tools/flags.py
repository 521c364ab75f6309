# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How things are compiled: the options, and the reason for each."""

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
STEPPED = f"{ASAN} -include tests/attacks/stepped.h"
TSAN = f"{OBSERVED} -fsanitize=thread"
TRAPS = f"{ASAN} -DBOUNCE_POISON"
# Counted, not checked: an assertion has a way out that no test must take.
COVERAGE = (OBSERVED.replace("-DBOUNCE_DEBUG ", "").replace("-O1", "-O0")
            + " --coverage -fprofile-update=atomic")
SOAKED = OBSERVED.replace("-O1", "-O2")
# The same, by conditions: clang 19 is the first that can do all of ours.
MCDC = (OBSERVED.replace("-DBOUNCE_DEBUG ", "").replace("-O1", "-O0")
        + " -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc "
        "-fprofile-update=atomic")
# The unit tests on an emulated CPU: with the shipped archive, which asserts
# nothing; less of what takes a minute there.
CROSS = (OBSERVED.replace("-DBOUNCE_DEBUG ", "").replace("-pthread ", "")
         .replace("-Itests", "-Itests/mini -Itests") + " -DLEAK_CALLS=700")
CROSS_STRESS = "-DSLOW_CPU"  # two threads, and fewer steps
# A bare machine, by picolibc's linker script, from where its RAM begins: code,
# data and heap, the stack at the end; the rest of 1 GiB is for what metal.c
# keeps.
METAL = {"__flash": 0, "__flash_size": 0x4000000,
         "__ram": 0x4000000, "__ram_size": 0x20000000,
         "__stack_size": 0x1000000}
FUZZED = (OBSERVED.replace("-O1", "-O2") + " -Ifuzz -Iexamples/guest "
          "-fno-sanitize-recover=all")
GUEST_FLAGS = (f"-std=c11 -ffreestanding -g -O2 {WARN} -Iinclude "
               "-Iexamples/guest -fno-stack-protector "
               "-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-"
               "patterns -fno-delete-null-pointer-checks")
GUEST_LINK = ("-nostdlib -static -no-pie -Wl,--build-id=none "
              "-Wl,--no-warn-rwx-segments")
# An ordinary process with the guests' drivers: examples/vhost.
HOSTED = (f"-std=c11 -ffreestanding -D_GNU_SOURCE -g -O2 -pthread {WARN} "
          "-Iinclude -Iexamples/guest -Iexamples/vhost")
PLAIN = "-std=c11 -g -O2 -Wall -Wextra -Werror -Iinclude"

# The benchmark.
BENCH_FLAGS = ("-std=c11 -D_GNU_SOURCE -g -O2 -pthread -Wall -Wextra -Wshadow "
               "-Wstrict-prototypes -Wvla -Werror -Iinclude -Ilib -Ibench")
BENCH_LINUX = "$builddir/bench/linux"
# As Debian compiles its kernel, as far as it matters here.
LINUX_FLAGS = ("-std=gnu11 -O2 -g -DCONFIG_SWIOTLB -fno-stack-protector "
               "-fno-strict-aliasing -fno-strict-overflow -Ibench "
               f"-Ibench/shim -isystem {BENCH_LINUX}/include")
