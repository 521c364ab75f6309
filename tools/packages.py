# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Which tools are missing, and how to bring them; configure.py has the list."""
import os
import pathlib
import shutil
import subprocess


def missing(tools):
    """Those that are not on this machine: programs, or files by pattern."""
    def there(tool):
        if tool.startswith("/"):
            return any(pathlib.Path("/").glob(tool[1:]))
        return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    return [tool for tool in tools if not there(tool)]


def demand(target, what, tools):
    """One line, and failure, when a target cannot be had; @what brings it."""
    lost = missing(tools)
    if not lost:
        return 0
    print(f"{target} needs {', '.join(lost)}: ./configure.py --install {what}")
    return 1


def install(what, tools, package):
    """Bring what is missing; on a system without apt-get, only name it."""
    wanted = sorted({package[tool] for tool in tools})
    lost = sorted({package[tool] for tool in missing(tools)})
    print(f"packages for {what}: {' '.join(wanted)}\n"
          f"missing here: {' '.join(lost) or 'none'}", flush=True)
    if not lost:
        return 0
    if not shutil.which("apt-get"):
        print("there is no apt-get: install them by hand (names are Debian's)")
        return 1
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y"]
    for command in (["update"], ["install", "--no-install-recommends", *lost]):
        try:
            subprocess.run([*apt, *command], check=True,
                           stdin=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"cannot install: {error}")
            return 1
    return 0
