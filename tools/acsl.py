# SPDX-License-Identifier: BSD-2-Clause-Patent
"""ACSL contracts as C: the text above a function, for tools/words.py.

Understood is what the contracts of words need: C's operators on integers of any
size, ==>, <==>, chains of comparisons, \\result, \\exists and \\sum over a
range that is written there, and \\forall where it is one more argument. All
else is an error, never passed over.
"""
import re

# Binds the least first; a chain of comparisons is one of ACSL's own.
LEVELS = [["<==>"], ["==>"], ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="],
          ["<=", ">=", "<", ">"], ["<<", ">>"], ["+", "-"], ["*", "/", "%"]]
TOKEN = re.compile(r"\s*(\\\w+|0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*"
                   r"(?:(?:->|\.)[A-Za-z_]\w*)*|<==>|==>|<<|>>|<=|>=|==|!=|&&|"
                   r"\|\||[-+*/%&|^~!<>()?:;,])")
WIDE = "__int128"
FEW_BITS = 24  # 64 units of a chunk: masks below are tried one by one


class Unknown(Exception):
    """The contract says something that is not understood here."""


class Clause:
    """One requires or ensures clause: .text is C, .every the \\forall's."""

    def __init__(self, acsl):
        self.acsl, self.every, self.tokens, at = acsl, [], [], 0
        acsl = acsl.strip()
        while at < len(acsl):
            token = TOKEN.match(acsl, at)
            if not token:
                raise Unknown(f"not understood: {acsl[at:at + 20]!r}")
            self.tokens.append(token.group(1))
            at = token.end()
        # As one more argument it is right where it is claimed, nowhere else.
        before = acsl.partition("\\forall")[0]
        if acsl.count("\\forall") > 1 or re.search(
                r"<==>|!\s*\(|==>.*==>", before) and "\\forall" in acsl:
            raise Unknown(f"a \\forall that is no argument: {acsl}")
        self.text = self.choice()
        if self.tokens:
            raise Unknown(f"not understood: {' '.join(self.tokens)}")

    def cases(self, masks):
        """Of A || B || C, without a parenthesis, each; of what says that one of
        @masks is 2^n - 1, each small n, and the others; else all in one."""
        parts = self.acsl.split("||")
        mask = re.fullmatch(r"\((\S+) & \(\1 \+ 1\)\) == 0", self.acsl)
        if mask and mask.group(1) in masks:
            name = mask.group(1)
            return [f"({name} == {2 ** n - 1}u)" for n in range(FEW_BITS)] + [
                f"({name} >= {2 ** FEW_BITS - 1}u)"]
        plain = len(parts) > 1 and not re.search(r"[(?]|=>", self.acsl)
        return [Clause(part).text for part in parts] if plain else ["1"]

    def take(self, *wanted):
        """The next token, if it is wanted."""
        if self.tokens and (not wanted or self.tokens[0] in wanted):
            return self.tokens.pop(0)
        return None

    def need(self, wanted):
        if self.take(wanted) is None:
            raise Unknown(f"no {wanted} in: {self.acsl}")

    def choice(self):
        test = self.binary(0)
        if not self.take("?"):
            return test
        yes = self.choice()
        self.need(":")
        return f"({test} ? {yes} : {self.choice()})"

    def binary(self, level):
        if level == len(LEVELS):
            return self.unary()
        left, last = self.binary(level + 1), None
        while operator := self.take(*LEVELS[level]):
            # To the right: what is implied goes as far as it can.
            right = self.binary(level if operator == "==>" else level + 1)
            if operator == "==>":
                left = f"(!{left} || {right})"
            elif operator == "<==>":
                left = f"(!{left} == !{right})"
            elif last is not None and LEVELS[level][0] == "<=":
                left = f"({left} && ({last} {operator} {right}))"
            else:
                left = f"({left} {operator} {right})"
            last = right
        return left

    def unary(self):
        if operator := self.take("-", "~", "!"):
            return f"({operator}{self.unary()})"
        if self.take("("):
            inner = self.choice()
            self.need(")")
            return f"({inner})"
        token = self.take()
        if token is None:
            raise Unknown(f"ends early: {self.acsl}")
        if token.startswith("\\"):
            return self.builtin(token)
        return f"(({WIDE})({token}))"

    def builtin(self, name):
        if name == "\\result":
            return f"(({WIDE})(result))"
        if name in ("\\valid", "\\valid_read"):  # of objects of the harness
            self.unary()
            return "1"
        if name in ("\\forall", "\\exists"):
            variable = self.variable()
            if name == "\\forall":
                self.every.append(variable)
                return self.choice()
            return self.loop(variable, *self.bounds(variable), "|=")
        if name == "\\sum":
            self.need("(")
            low, _, high = self.choice(), self.need(","), self.choice()
            self.need(",")
            self.need("\\lambda")
            text = self.loop(self.variable(), low, high, "+=")
            self.need(")")
            return text
        raise Unknown(f"{name} in: {self.acsl}")

    def variable(self):
        self.need("integer")
        variable = self.take()
        self.need(";")
        return variable

    def bounds(self, variable):
        """Of "A <= variable <= B &&"."""
        low = self.binary(9)
        self.need("<=")
        if self.take() != variable:
            raise Unknown(f"no bounds of {variable} in: {self.acsl}")
        self.need("<=")
        high = self.binary(9)
        self.need("&&")
        return low, high

    def loop(self, variable, low, high, sums):
        return ("({ %s all = 0; _Pragma(\"clang loop unroll(full)\") "
                "for (%s %s = %s; %s <= %s; %s++) all %s %s; all; })" % (
                    WIDE, WIDE, variable, low, variable, high, variable, sums,
                    self.choice()))


class Contract:
    """What stands above @function in @source, and how it is called."""

    def __init__(self, source, function):
        with open(source, encoding="utf-8") as file:
            text = file.read()
        head = re.search(r"/\*@((?:(?!\*/).)*)\*/\s*((?:[\w*]+[\s*]+)*?)" +
                         rf"{function}\(([^)]*)\)\s*\n{{", text, re.S)
        if not head:
            raise Unknown(f"{source}: no contract of {function}()")
        clauses = [re.sub(r"\s+", " ", clause).strip() for clause
                   in head.group(1).split(";\n")]
        clauses = [c.rstrip("; ") for c in clauses if c]
        self.function = function
        self.requires = self.of(clauses, "requires ")
        self.ensures = self.of(clauses, "ensures ")
        self.returns = re.sub(r"static|inline|\s+$", "", head.group(2)).strip()
        self.parameters = [re.match(r"(.*?)(\w+)$", p.strip()).groups()
                           for p in re.sub(r"\s+", " ",
                                           head.group(3)).split(",")]
        rest = [c for c in clauses if not c.startswith(
            ("requires ", "ensures ", "assigns "))]
        if rest or not self.ensures:
            raise Unknown(f"{source}: {function}(): {rest or 'no ensures'}")

    @staticmethod
    def of(clauses, kind):
        return [Clause(c[len(kind):]) for c in clauses if c.startswith(kind)]
