# SPDX-License-Identifier: BSD-2-Clause-Patent
"""How a tool begins and ends: bad input gets one line, and a failing exit.

  start(main, __doc__, LEAST, MOST)    so many arguments; MOST None: any more

The line names the tool and shows its usage: the lines of the docstring that
begin with two spaces and the tool's name. --help shows all of it. A tool with
options uses argparse and guarded() alone.
"""
import pathlib
import signal
import subprocess
import sys


class Trouble(Exception):
    """Something that one line can tell."""


def told(trouble):
    """A trouble in one line."""
    if isinstance(trouble, subprocess.CalledProcessError):
        first = trouble.cmd if isinstance(trouble.cmd, str) else trouble.cmd[0]
        return f"{first}: ended with {trouble.returncode}"
    if isinstance(trouble, OSError) and trouble.filename is not None:
        return f"{trouble.filename}: {trouble.strerror}"
    if isinstance(trouble, UnicodeDecodeError):
        return "a file that should be text is none"
    return " ".join(str(trouble).split())


def guarded(main):
    """Run it; the exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    try:
        return main()
    except (Trouble, OSError, subprocess.SubprocessError,
            UnicodeDecodeError) as trouble:
        name = pathlib.Path(sys.argv[0]).name
        print(f"{name}: {told(trouble)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def usage_of(usage, name):
    """The lines of a docstring that show how a tool is called, as one."""
    calls = [line.split("    ")[0].strip() for line in
             (one[2:] for one in usage.splitlines() if one[:2] == "  ")
             if line.split("    ")[0].startswith(name)]
    return "; or ".join(calls) or f"{name} takes no argument"


def start(main, usage, least=0, most=0):
    """The exit code of a tool that takes @least to @most arguments."""
    name, given = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
    if given in (["-h"], ["--help"]):
        print(usage.strip())
        return 0
    if len(given) < least or (most is not None and len(given) > most) or (
            given and given[0][:1] == "-" and given[0] not in usage):
        print(f"{name}: not so; it is: {usage_of(usage, name)}",
              file=sys.stderr)
        return 2
    return guarded(main)
