# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Prove contracts of functions of a few words for every value, bit by bit.

WP's integers have no bits that its provers could reason about. Here the same
contract (tools/acsl.py) becomes a C function that is true when the contract
holds; clang compiles it with the library's source, UBSan's checks included; the
LLVM IR becomes one formula of bit vectors for each clause, and z3 looks for
arguments at which it is false, or at which a loop goes on. What is not
understood on the way is an error.
"""
import itertools
import os
import pathlib
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed

from acsl import Contract, Unknown
from common import ROOT

CHECKS = "shift,signed-integer-overflow,bounds,bool,enum,return,unreachable"
CLANG = ["clang", "-std=gnu11", "-O2", "-S", "-emit-llvm", "-o", "-", "-x", "c",
         "-", "-w", "-ffreestanding", "-fno-vectorize", "-fno-slp-vectorize",
         "-mllvm", "-inline-threshold=100000",
         f"-fsanitize={CHECKS}", "-fsanitize-trap=all", "-Iinclude",
         "-Iarch/x86", "-D__asm__=", "-Dvolatile(...)=((void)0)",
         "-D__builtin_expect(x,y)=(x)"]
OPERATIONS = {"add": "bvadd", "sub": "bvsub", "mul": "bvmul", "and": "bvand",
              "or": "bvor", "xor": "bvxor", "shl": "bvshl", "lshr": "bvlshr",
              "ashr": "bvashr", "udiv": "bvudiv", "urem": "bvurem"}
COMPARED = {"ugt": "bvugt", "uge": "bvuge", "ult": "bvult", "ule": "bvule",
            "sgt": "bvsgt", "sge": "bvsge", "slt": "bvslt", "sle": "bvsle"}


# ---- C: a function that is true when a clause of a contract holds ----

def fields_of(struct):
    """(type, name) of the members of a struct of integers."""
    for header in sorted((ROOT / "lib").glob("*.h")):
        body = re.search(rf"^struct {struct} {{(.*?)^}};", header.read_text(),
                         re.S | re.M)
        if body:
            plain = re.sub(r"/\*.*?\*/", "", body.group(1), flags=re.S)
            return re.findall(r"(\w+) (\w+);", plain)
    raise Unknown(f"no struct {struct}")


def arguments(contract):
    """(C parameters, C statements that make the arguments of them)."""
    parameters, made = [], []
    for kind, name in contract.parameters:
        struct = re.search(r"struct (\w+) \*", kind)
        if not struct:
            parameters.append(f"{kind}{name}")
            continue
        fields = fields_of(struct.group(1))
        parameters += [f"{field} {name}_{member}" for field, member in fields]
        values = ", ".join(f".{m} = {name}_{m}" for _, m in fields)
        made.append(f"struct {struct.group(1)} {name}_made = {{ {values} }}; "
                    f"struct {struct.group(1)} *{name} = &{name}_made;")
    return parameters, " ".join(made)


def function_of(name, contract, case, clause):
    """One goal: @clause, where @case is true besides."""
    parameters, made = arguments(contract)
    call = ", ".join(n for _, n in contract.parameters)
    more = [f"uint64_t {v}" for v in clause.every]
    holds = " && ".join([case, *(c.text for c in contract.requires)])
    return (f"_Bool {name}({', '.join(parameters + more)}) {{ {made} "
            f"if (!({holds})) return 1; {contract.returns} result = "
            f"{contract.function}({call}); return {clause.text}; }}\n")


def harness(source, functions, masks=()):
    """(C, [(function of the library, name of the goal)])."""
    text, goals = [f'#include "{pathlib.Path(source).name}"\n'], []
    for function in functions:
        contract = Contract(source, function)
        # What is required by "or" is looked at case by case.
        for clause in contract.ensures:
            for case in itertools.product(*(c.cases(masks) for c
                                            in contract.requires)):
                name = f"goal_{len(goals)}"
                text.append(function_of(name, contract,
                                        " && ".join(("1", *case)), clause))
                goals.append((function, name))
    return "".join(text), goals


# ---- LLVM IR to a formula ----

class Function:
    """
    The formula of an LLVM function with at most one loop that returns an i1.

    A block is looked at once for each time that the loop may have gone back
    before it, and so are its values: "%5 2" is %5 after two. What goes back
    more often than TIMES is a trap.
    """
    TIMES = 8

    def __init__(self, head, lines, tables):
        self.tables, self.width, self.lets = tables, {}, []
        self.declared, self.times, self.reached = [], 0, {}
        self.returned, self.trapped = [], []
        for width, name in re.findall(r"i(\d+)\s(?:\w+ )*(%[\w.]+)", head):
            self.let(name, int(width), None)
        # An unnamed entry has the next number.
        self.blocks = self.split(lines, f"%{len(self.lets)}")
        self.declared, self.lets = self.lets, []
        self.place = {b: i for i, b in enumerate(self.in_order())}
        for self.times in range(self.TIMES + 1):
            for block in self.place:
                if self.times == 0 or (block, self.times) in self.reached:
                    self.run(block)

    @staticmethod
    def split(lines, entry):
        blocks, name = {}, entry
        for line in lines:
            label = re.match(r"([\w.]+):", line)
            if label:
                name = f"%{label.group(1)}"
            elif line.strip().startswith("i") and "label" in line:
                blocks[name][-1] += " " + line.strip()  # of a switch
            elif line.strip() == "]":
                blocks[name][-1] += " ]"
            elif line.strip():
                blocks.setdefault(name, []).append(line.strip())
        return blocks

    def exits(self, block):
        return re.findall(r"label (%[\w.]+)", self.blocks[block][-1])

    def in_order(self):
        """Blocks, each after all from which it is entered, but for going back;
        that is towards a block that is not done."""
        done, open_now, back = [], set(), set()

        def visit(block):
            open_now.add(block)
            for target in self.exits(block):
                if target in open_now:
                    back.add(target)
                elif target not in done:
                    visit(target)
            open_now.discard(block)
            done.append(block)

        visit(next(iter(self.blocks)))
        if len(back) > 1:
            raise Unknown("more than one loop")
        return done[::-1]

    def let(self, name, width, term):
        self.width[name] = width
        self.lets.append((f"{name} {self.times}", width, term))

    def value(self, text, width, times=None):
        """A value, as it was @times ago, or last."""
        text = text.strip()
        if text.startswith("%"):
            if self.width.get(text) != width:
                raise Unknown(f"{text} is no i{width}")
            return f"|{text} {self.last(text, times)}|"
        number = {"true": 1, "false": 0}.get(text)
        if number is None:
            if not re.fullmatch(r"-?\d+", text):
                raise Unknown(f"no number: {text}")  # undef, poison
            number = int(text)
        return f"(_ bv{number % (1 << width)} {width})"

    def last(self, name, times):
        most = self.times if times is None else times
        return max(t for t in range(most + 1)
                   if f"{name} {t}" in self.known)

    @property
    def known(self):
        return {name for name, _, _ in self.declared + self.lets}

    # -- control: the condition of each edge --

    def run(self, block):
        here = self.reached.get((block, self.times))
        enter = ["true"] if here is None else [c for _, _, c in here]
        at = f"at {block}"
        self.lets.append((f"{at} {self.times}", 0,
                          f"(or {' '.join(enter)} false)"))
        for line in self.blocks[block]:
            if not self.leave(block, f"|{at} {self.times}|", line):
                self.step(block, line)

    def edge(self, block, target, condition):
        back = self.place[target] <= self.place[block]
        times = self.times + back
        if times > self.TIMES:
            self.trapped.append(condition)
        self.reached.setdefault((target, times), []).append(
            (block, self.times, condition))

    def leave(self, block, at, line):
        """A terminator; else False."""
        line = re.sub(r", ![\w.]+.*$", "", line)
        if m := re.fullmatch(r"br label (%[\w.]+)", line):
            self.edge(block, m.group(1), at)
        elif m := re.fullmatch(r"br i1 (\S+), label (\S+), label (\S+)", line):
            test = f"(= {self.value(m.group(1), 1)} #b1)"
            self.edge(block, m.group(2), f"(and {at} {test})")
            self.edge(block, m.group(3), f"(and {at} (not {test}))")
        elif m := re.match(r"switch i(\d+) (\S+), label (\S+) \[(.*)\]", line):
            width, tests = int(m.group(1)), []
            value = self.value(m.group(2), width)
            for case, target in re.findall(r"i\d+ (\S+), label (%[\w.]+)",
                                           m.group(4)):
                tests.append(f"(= {value} {self.value(case, width)})")
                self.edge(block, target, f"(and {at} {tests[-1]})")
            self.edge(block, m.group(3),
                      f"(and {at} (not (or {' '.join(tests)} false)))")
        elif m := re.fullmatch(r"ret i1 (\S+)", line):
            self.returned.append((at, self.value(m.group(1), 1)))
        elif line == "unreachable":
            self.trapped.append(at)
        else:
            return False
        return True

    # -- data --

    def step(self, block, line):
        if re.match(r"(tail )?call void @llvm\.(ubsantrap|trap|lifetime|dbg|"
                    r"assume|experimental\.noalias)", line):
            return
        m = re.fullmatch(r"(%[\w.]+) = (.*)", line)
        if not m:
            raise Unknown(f"not understood: {line}")
        name, what = m.group(1), re.sub(r", ![\w.]+.*$", "", m.group(2))
        for pattern, method in self.KINDS:
            if found := re.fullmatch(pattern, what):
                method(self, name, block, *found.groups())
                return
        raise Unknown(f"not understood: {line}")

    def operation(self, name, _, operator, width, a, b):
        width = int(width)
        self.let(name, width, f"({OPERATIONS[operator]} "
                 f"{self.value(a, width)} {self.value(b, width)})")

    def compare(self, name, _, how, width, a, b):
        a, b = self.value(a, int(width)), self.value(b, int(width))
        test = (f"(= {a} {b})" if how == "eq" else
                f"(not (= {a} {b}))" if how == "ne" else
                f"({COMPARED[how]} {a} {b})")
        self.let(name, 1, f"(ite {test} #b1 #b0)")

    def select(self, name, _, test, width, a, b):
        width = int(width)
        self.let(name, width, f"(ite (= {self.value(test, 1)} #b1) "
                 f"{self.value(a, width)} {self.value(b, width)})")

    def convert(self, name, _, how, width, a, wanted):
        width, wanted = int(width), int(wanted)
        a = self.value(a, width)
        self.let(name, wanted, f"((_ extract {wanted - 1} 0) {a})"
                 if how == "trunc" else
                 f"((_ {'zero' if how == 'zext' else 'sign'}_extend "
                 f"{wanted - width}) {a})")

    def freeze(self, name, _, width, a):
        self.let(name, int(width), self.value(a, int(width)))

    def phi(self, name, block, width, pairs):
        width, term = int(width), None
        values = {source: value for value, source
                  in re.findall(r"\[ (\S+), (%[\w.]+) \]", pairs)}
        self.width[name] = width  # it may be what it is made of
        for source, times, condition in self.reached[block, self.times]:
            value = self.value(values[source], width, times)
            term = value if term is None else (
                f"(ite {condition} {value} {term})")
        self.let(name, width, term)

    def lesser(self, name, _, how, width, a, b):
        width = int(width)
        a, b = self.value(a, width), self.value(b, width)
        test = COMPARED[{"umin": "ult", "umax": "ugt", "smin": "slt",
                         "smax": "sgt"}[how]]
        self.let(name, width, f"(ite ({test} {a} {b}) {a} {b})")

    def shift_two(self, name, _, how, width, a, b, count):
        width = int(width)
        a, b = self.value(a, width), self.value(b, width)
        count = f"(bvurem {self.value(count, width)} (_ bv{width} {width}))"
        both = f"(concat {a} {b})"
        wide = f"((_ zero_extend {width}) {count})"
        high, low = (2 * width - 1, width) if how == "fshl" else (width - 1, 0)
        self.let(name, width, f"((_ extract {high} {low}) "
                 f"({'bvshl' if how == 'fshl' else 'bvlshr'} {both} {wide}))")

    def lowest(self, name, _, width, a):
        width = int(width)
        a, term = self.value(a, width), f"(_ bv{width} {width})"
        for bit in reversed(range(width)):
            term = (f"(ite (= ((_ extract {bit} {bit}) {a}) #b1) "
                    f"(_ bv{bit} {width}) {term})")
        self.let(name, width, term)

    def count(self, name, _, width, a):
        width = int(width)
        a = self.value(a, width)
        bits = " ".join(f"((_ zero_extend {width - 1}) ((_ extract {i} {i}) "
                        f"{a}))" for i in range(width))
        self.let(name, width, f"(bvadd {bits})")

    def saturating(self, name, _, width, a, b):
        width = int(width)
        a, b = self.value(a, width), self.value(b, width)
        self.let(name, width, f"(ite (bvult {a} {b}) (_ bv0 {width}) "
                 f"(bvsub {a} {b}))")

    def carrying(self, name, _, how, width, a, b):
        """{iN, i1}: two variables, for extractvalue."""
        width, sign = int(width), how[0] == "s"
        more = width + (width if how[1:] == "mul" else 2)
        kind = "sign" if sign else "zero"
        a, b = (f"((_ {kind}_extend {more - width}) {self.value(x, width)})"
                for x in (a, b))
        self.let(f"{name} wide", more, f"(bv{how[1:]} {a} {b})")
        wide = f"|{name} wide {self.times}|"
        low = f"((_ extract {width - 1} 0) {wide})"
        self.let(f"{name} 0", width, low)
        self.let(f"{name} 1", 1, f"(ite (= {wide} "
                 f"((_ {kind}_extend {more - width}) {low})) #b0 #b1)")

    def extract(self, name, _, pair, which):
        part = f"{pair} {which}"
        if part not in self.width:
            raise Unknown(f"not understood: {part}")
        self.let(name, self.width[part], f"|{part} {self.times}|")

    def element(self, name, _, count, table, index):
        self.width[name] = ("element", table, int(count), index)

    def load(self, name, _, width, pointer):
        """Of a constant table; what is outside was made a trap by UBSan."""
        kind = self.width.get(pointer)
        if not isinstance(kind, tuple) or int(width) != 64:
            raise Unknown(f"not understood: load of {pointer}")
        _, table, _, index = kind
        index, term = self.value(index, 64), "(_ bv0 64)"
        for i, number in enumerate(self.tables[table]):
            term = (f"(ite (= {index} (_ bv{i} 64)) "
                    f"(_ bv{number % (1 << 64)} 64) {term})")
        self.let(name, 64, term)

    FLAGS = r"(?: (?:nuw|nsw|exact|nneg|disjoint))*"
    CALL = r"(?:tail )?call (?:\w+\([^)]*\) )?"
    ARGUMENT = r"(?:noundef )?(\S+)"
    KINDS = [
        (rf"({'|'.join(OPERATIONS)}){FLAGS} i(\d+) (\S+), (\S+)", operation),
        (r"icmp (\w+) i(\d+) (\S+), (\S+)", compare),
        (r"select i1 (\S+), i(\d+) (\S+), i\d+ (\S+)", select),
        (r"(zext|sext|trunc)(?: nneg)? i(\d+) (\S+) to i(\d+)", convert),
        (r"freeze i(\d+) (\S+)", freeze),
        (r"phi i(\d+) (.*)", phi),
        (rf"{CALL}i\d+ @llvm\.([us]min|[us]max)\.i(\d+)\(i\d+ {ARGUMENT}, "
         rf"i\d+ {ARGUMENT}\).*", lesser),
        (rf"{CALL}i\d+ @llvm\.(fsh[lr])\.i(\d+)\(i\d+ {ARGUMENT}, "
         rf"i\d+ {ARGUMENT}, i\d+ {ARGUMENT}\).*", shift_two),
        (rf"{CALL}i\d+ @llvm\.cttz\.i(\d+)\(i\d+ {ARGUMENT}, i1 \w+\).*",
         lowest),
        (rf"{CALL}i\d+ @llvm\.ctpop\.i(\d+)\(i\d+ {ARGUMENT}\).*", count),
        (rf"{CALL}i\d+ @llvm\.usub\.sat\.i(\d+)\(i\d+ {ARGUMENT}, "
         rf"i\d+ {ARGUMENT}\).*", saturating),
        (rf"{CALL}{{ i\d+, i1 }} @llvm\.([us](?:add|sub|mul))\.with\.overflow"
         rf"\.i(\d+)\(i\d+ {ARGUMENT}, i\d+ {ARGUMENT}\).*", carrying),
        (r"extractvalue { i\d+, i1 } (\S+), (\d)", extract),
        (r"getelementptr inbounds \[(\d+) x i64\], \[\d+ x i64\]\* @(\S+), "
         r"i64 0, i64 (\S+)", element),
        (r"load i(\d+), i\d+\* (\S+)(?:, align \d+)?", load),
    ]

    def formula(self):
        """SMT-LIB: satisfiable when the function traps or returns false."""
        text = [f"(declare-const |{name}| (_ BitVec {width}))"
                for name, width, _ in self.declared]
        for name, width, term in self.lets:
            sort = f"(_ BitVec {width})" if width else "Bool"
            text.append(f"(define-fun |{name}| () {sort} {term})")
        false = [f"(and {at} (= {value} #b0))" for at, value in self.returned]
        text.append(f"(assert (or {' '.join(false + self.trapped)} false))")
        return "\n".join(text)


def functions_of(ir):
    """{name: Function} of what the harness has made."""
    tables = {name: [int(n) for n in re.findall(r"i64 (-?\d+)", numbers)]
              for name, numbers in re.findall(
                  r"^@(\S+) = .*constant \[\d+ x i64\] \[(.*?)\]", ir, re.M)}
    return {name: Function(head, body.splitlines(), tables)
            for name, head, body in re.findall(
                r"^define .*? @(goal_\d+)\((.*?)\).*?{\n(.*?)^}", ir,
                re.S | re.M)}


# ---- z3 ----

def ask(formula, seconds):
    """z3's answer; unsat is a proof."""
    script = (f"(set-option :timeout {seconds * 1000})\n(set-logic QF_BV)\n"
              f"{formula}\n(check-sat)\n")
    return subprocess.run(["z3", "-in"], input=script, text=True, check=False,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout.strip()


def prove(source, lib, proof, seconds):
    """(goals proved, goals, [the first that was not]) of a Proof's functions,
    which are in @source; headers are in the folder @lib."""
    text, goals = harness(source, proof.functions, proof.masks)
    done = subprocess.run([*CLANG, f"-I{lib}"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=ROOT, check=False)
    if done.returncode:
        raise Unknown(f"clang: {done.stderr[-2000:]}")
    found = functions_of(done.stdout)
    proved, bad = 0, []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = {pool.submit(ask, found[goal].formula(), seconds):
                 f"{function}(): {goal}" for function, goal in goals}
        for answer in as_completed(asked):
            if answer.result() != "unsat":
                bad.append(f"{asked[answer]}: {answer.result()}")
                pool.shutdown(cancel_futures=True)
                break
            proved += 1
    return proved, len(goals), bad
