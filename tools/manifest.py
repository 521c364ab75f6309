# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Ninja's syntax, the rules that configure.py builds by, and the help text."""

TARGETS = """\
ninja lib        libbounce.a for this machine, and for each CPU whose cross
                 compiler is here; this is the default target
ninja test       unit tests (ASan, UBSan) and stress programs (TSan)
ninja test_pool  one of them: the name of any file in tests/ or tests/stress/
ninja attack     of those, the catalogue of attacks (docs/threats.md)
ninja step       of those, the shipped archive at each of its instructions
ninja cross-test the unit tests, and stress programs with two threads, on
                 emulated CPUs: processes under Linux, and bare machines with
                 picolibc; cross-ppc64: one CPU of them
ninja check      symbols, layers, headers, docs, sizes, names, format,
                 analyzers, the same bytes from another folder, and more
ninja soak       10^8 random operations beside faults, growth and revokes; all
                 books must balance (10^6 of it is in `ninja test`)
ninja prove      Frama-C on the sources: no value of a device's or a monitor's
                 makes them read or write outside; docs/proofs.md
ninja coverage   lines and branches of lib/ and arch/ that the tests run; what
                 they do not must be argued in docs/coverage.md
ninja mcdc       does each condition of the checks decide by itself, in some
                 test? (docs/coverage.md)
ninja mutate     change the library in 900 small ways, and weaken each memory
                 order; a test or a scenario must notice, or docs/mutants.md and
                 docs/memory-order.md argue; an hour. mutate-quick: each 24th
ninja docs       HTML and man pages of the public headers: build/host/docs
ninja demo       boot the guests under QEMU, on real virtio devices
ninja vhost      devices that are other processes: qemu-storage-daemon, killed
                 1000 times; and its malicious twin, that lies (docs/vhost.md)
ninja bench      measure against swiotlb and the floors: docs/benchmarks.md, in
                 ten minutes; bench-quick: in one, with fewer cells
ninja fuzz       libFuzzer with ASan and UBSan, and with MSan, a minute each;
                 fuzz-quick: ten seconds; fuzz-long: until stopped; fuzz-lines:
                 what each reaches; fuzz-keep: to fuzz/corpus (docs/fuzzing.md)
ninja explore    run the library's own code in every order that C11 allows
                 (docs/explorer.md); explore-long: wider bounds, forty minutes
ninja scale      simulate 64 and 256 CPUs on pools of up to 16 GiB, in a few
                 minutes: docs/scale.md
ninja explain    print the policy's truth table; after the demo, also the
                 windows, IOMMU and class of each guest, and who its devices
                 were seen to be on the bus
ninja install    headers, archives, libbounce.pc; DESTDIR and PREFIX count
ninja help       this text"""


class Manifest:
    """Collects ninja's text; knows its syntax and nothing of this project."""

    def __init__(self):
        self.lines = ["# Written by configure.py; edit that, not this."]

    def comment(self, text):
        self.lines += ["", f"# {text}"]

    def var(self, name, value):
        self.lines.append(f"{name} = {value}")

    def rule(self, name, command, **more):
        self.lines += [f"rule {name}", f"  command = {command}"]
        self.lines += [f"  {key} = {value}" for key, value in more.items()]

    def build(self, out, rule, ins=(), needs=(), after=(), **more):
        line = f"build {out}: {rule} {' '.join(ins)}".rstrip()
        line += f" | {' '.join(needs)}" if needs else ""
        line += f" || {' '.join(after)}" if after else ""
        self.lines.append(line)
        self.lines += [f"  {key} = {value}" for key, value in more.items()]
        return out


def rules(m, targets):
    m.comment("Rules.")
    m.rule("cc", "$cc $flags $more -MMD -MF $out.d -c $in -o $out",
           deps="gcc", depfile="$out.d", description="CC $out")
    m.rule("ar", "rm -f $out && $ar crDs $out $in", description="AR $out")
    m.rule("link", "$cc $flags $in $libs -o $out", description="LINK $out")
    m.rule("raw", "$objcopy -O binary $in $out", description="RAW $out")
    m.rule("strip", "$objcopy -S $in $out", description="STRIP $out")
    m.rule("digest", "python3 -B tools/stage.py $in $out",
           description="DIGEST $out")
    m.comment("Cross compilers: one that is missing costs its archive only.")
    m.rule("cross-cc", "! command -v $cc >/dev/null || "
           "$cc $flags $more -MMD -MF $out.d -c $in -o $out",
           deps="gcc", depfile="$out.d", description="CC $out")
    m.rule("cross-ar", "if command -v $cc >/dev/null; then rm -f $out && "
           "$ar crDs $out $in; else echo 'lib: no $cc, so no $out: "
           "./configure.py --install test'; fi", description="AR $out")
    m.comment("Tests and checks: each leaves a count; a failure leaves no $out,"
              " so it runs again, and its target's total fails.")
    m.rule("run", "python3 -B tools/run.py $kind $out -- $what",
           description="RUN $name")
    m.var("adds", "total.py")
    m.rule("total", "python3 -B tools/$adds $name $builddir/$name.list",
           rspfile="$builddir/$name.list", rspfile_content="$in",
           pool="console", description="TOTAL $name")
    m.rule("console", "$what", pool="console", description="$name")
    m.rule("tools", "python3 -B configure.py --tools $target",
           description="TOOLS $target")
    for target in targets:
        m.build(f"tools-{target}", "tools", target=target)
