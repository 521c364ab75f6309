# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How configure.py builds the fuzzers: clang's libFuzzer, three times over.

What is not under test (the machine, the model) is not observed: that is ten
times faster.
"""
BUILDS = {
    "asan": "-fsanitize=address,undefined",
    "msan": "-fsanitize=memory -fsanitize-memory-track-origins",
    "lines": "-fprofile-instr-generate -fcoverage-mapping",
}


class Fuzzers:
    def __init__(self, builder):
        self.m, self.builder = builder.m, builder
        lists = builder.p
        self.targets = lists.FUZZ
        self.observed = lists.LIB + lists.NONE + lists.BACKENDS
        self.aside = lists.FAKE + lists.SUPPORT + lists.FUZZ_HARNESS

    def objects(self, folder, sources, flags):
        return self.builder.objects(folder, sources, ["tools-fuzz"],
                                    cc="clang", flags=flags)

    def programs(self, name):
        """All targets, built one way."""
        folder, flags = f"fuzz/{name}", f"$fuzz {BUILDS[name]}"
        fuzzed = flags + " -fsanitize=fuzzer-no-link"
        objs = self.objects(folder, self.observed, fuzzed) + self.objects(
            folder, self.aside, flags.replace(",undefined", ""))
        library = self.m.build(f"$builddir/{folder}/libfuzzed.a", "ar", objs)
        return [self.m.build(
            f"$builddir/{folder}/fuzz_{target}", "link", self.objects(
                f"{folder}/{target}", [f"fuzz/fuzz_{target}.c", *more],
                fuzzed) + [library],
            cc="clang", flags=fuzzed + " -fsanitize=fuzzer")
            for target, more in self.targets.items()]

    def build(self):
        self.m.comment("Fuzzers; tools/fuzz.py runs them.")
        programs = {name: self.programs(name) for name in BUILDS}
        both = programs["asan"] + programs["msan"]
        tool = "python3 -B tools/fuzz.py"
        for name, seconds in (("fuzz", 60), ("fuzz-quick", 10)):
            self.m.build(name, "total", [self.builder.run(
                name, name, "rows",
                f"{tool} run $builddir/fuzz {seconds} {' '.join(both)}", both,
                pool="console", tools="fuzz")], name=name)
        for name, what, which in (("fuzz-long", "long", "asan"),
                                  ("fuzz-keep", "keep", "asan"),
                                  ("fuzz-lines", "lines", "lines")):
            self.m.build(name, "console", needs=programs[which],
                         name=name.upper(),
                         what=f"{tool} {what} $builddir/fuzz "
                         + " ".join(programs[which]))
