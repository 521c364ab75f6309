# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The guests that tools/demo.py boots, and what is demanded of them: the
machines, their devices by role, rows and controls (examples/guest/report.h)."""

import dataclasses

IMAGE_BYTES = 16 << 20  # down to NEXT_TEXT: examples/guest/disks.h
OUTPUT_BYTES = 17 << 20
CONTROL_BYTES = 4096
PUBLIC_TEXT = b"PUBLIC-BYTES-OK!"
SECRET_TEXT = b"SECRET-KEEP-OUT!"
# Behind the image: the texts of the first image and of the second, and that.
TEXTS_AT = (IMAGE_BYTES + 16 * 512, IMAGE_BYTES + 32 * 512)
STAGE_AT = IMAGE_BYTES + 512 * 512
FIRST_TEXT = b"THE-FIRST-STAGE!"
NEXT_TEXT = b"THE-SECOND-STAGE"
UNWRITTEN = b"\xee"  # the second disk before the guest writes

# Disk, writable, and its options on each bus. The order is the role: the slot
# on PCI, the device number on ccw.
DISKS = (
    ("in0", False, {"pci": "disable-legacy=on,iommu_platform=on",
                    "ccw": "iommu_platform=on"}),
    ("out0", True, {"pci": "disable-legacy=on,iommu_platform=on",
                    "ccw": "iommu_platform=on"}),
    ("in1", False, {"pci": "disable-legacy=on,iommu_platform=off",
                    "ccw": "iommu_platform=off"}),
    ("legacy", False, {"pci": "disable-legacy=off,disable-modern=on",
                       "ccw": "max_revision=0"}),
)

# The network, behind the disks: QEMU's own gateway answers, and nobody else.
NETWORK = "user,id=net,restrict=on,ipv6=off"
NETWORK_OPTIONS = {"pci": "romfile=,disable-legacy=on,iommu_platform=on",
                   "ccw": "iommu_platform=on"}

# More disks with the image, that read parts of it, on buses of their own: each
# with its bus and slot, and with the requester ID that it must be seen with
# while the buses have their first numbers, and their second.
# Behind four bridges: examples/guest/buses.c.
BRIDGES = ("-device pcie-pci-bridge,id=b1,addr=d"
           " -device pci-bridge,id=b2,chassis_nr=2,shpc=off,addr=e"
           " -device pcie-root-port,id=b3,chassis=3,addr=f"
           " -device pci-bridge,id=b4,chassis_nr=4,shpc=off,bus=b1,addr=3")
BRIDGED = {
    "pcie-pci-1": ("bus=b1,addr=1", ("100", "400")),
    "pcie-pci-2": ("bus=b1,addr=2", ("100", "400")),
    "nested": ("bus=b4,addr=1", ("100", "400")),
    "pci": ("bus=b2,addr=1", ("70", "70")),
    "root-port": ("bus=b3,addr=0", ("400", "100")),
}
BRIDGED_CONTROLS = frozenset("""
    requester alias_refused other_space change_too_early right_order
    wrong_order bypass_off bypass_on bypass_domain bypass_off_again
""".split())
# Behind two host bridges: examples/guest/power/hosts.c.
HOSTS = "-device spapr-pci-host-bridge,index=1,id=phb1"
HOSTED = {
    "host-0": ("bus=pci.0,addr=d", ()),
    "host-1": ("bus=phb1.0,addr=1", ()),
}
# One more disk, of nobody else: examples/guest/s390x/ioat.c.
OWN_FUNCTION = "-device zpci,uid=7,fid=7,target=f7"
OWN_DISK = {"windows": ("id=f7", ())}
# A static window, and then a dynamic one: examples/guest/windows.c.
WINDOW_ROWS = {"static": "direct", "dynamic": "direct"}
WINDOW_CONTROLS = frozenset("""
    static_private own_whole own_neighbours own_ended
""".split())
WINDOW_BYTES = 2 << 20  # read through each
PAGES_GB = (1 << 30) // 4096
BESIDE_BYTES = 1 << 20  # read by each of them
BESIDE_OPTIONS = "disable-legacy=on,iommu_platform=on"

# Row (a device, and how it is used) and its verdict.
ROWS = {
    "in0": "bounce",
    "out0": "bounce",
    "in1": "bounce",
    "in1-strict": "refuse",
    "legacy": "refuse",
    "smp": "bounce",
    "liar": "bounce",
    "net": "bounce",
    "entry": "bounce",
    "handover": "bounce",
}
# What a row counts, at least; smp_errors() has that of smp.
MOVED = {
    "in0": ("bytes_in", IMAGE_BYTES),
    "out0": ("bytes_out", IMAGE_BYTES),
    "in1": ("bytes_in", IMAGE_BYTES),
    "liar": ("bytes_in", 1),
    "net": ("bytes_in", 50000),
    "entry": ("bytes_in", IMAGE_BYTES // 2),  # the other half went direct
    "handover": ("bytes_in", IMAGE_BYTES),
    **dict.fromkeys((*BRIDGED, *HOSTED), ("bytes_in", BESIDE_BYTES)),
    "static": ("bytes_in", WINDOW_BYTES),
    "dynamic": ("io_bytes", WINDOW_BYTES),  # most of it was not copied
}
# Rows that have no digest.
WITHOUT_IMAGE = ("liar", "net", *BRIDGED, *HOSTED, *WINDOW_ROWS)
# The same device.
CONFINED_AS = dict.fromkeys(("smp", "entry", "handover", "net"), "in0")
CONFINED_AS.update(dict.fromkeys((*BRIDGED, *HOSTED, *WINDOW_ROWS), "in0"))
SMP_MAPPINGS = 1000  # at least, of each CPU

# What only a monitor can refuse, or be asked for: not of a guest without one.
MONITOR_ROWS = ("in1-strict", "legacy", "entry", "handover")
MONITOR_CONTROLS = frozenset("""
    awkward_answers monitor_honest monitor_never monitor_nothing
    monitor_share monitor_unshare refused_page strict legacy entry_direct
    entry_reach entry_leak entry_legacy entry_too_early entry_afresh
    entry_stale entry_refused entry_bounced entry_again entry_returned
    handed_spoilt handed_over handed_goes_on handed_left_out handed_unlisted
    handed_private handed_believed handed_returned
""".split())
CONTROLS = MONITOR_CONTROLS | frozenset("""
    private_write private_read unshared shared_again canary_breaks returned
    beside_disk both_cpus same_words ended_once wrong_device grown_beside
    spoilt_byte pool_whole lies_none lies_wrong_id lies_idle_id
    lies_repeated_id lies_length lies_believed lies_index lies_unmap arp
    unwritten_bytes echo malformed
""".split())


@dataclasses.dataclass(frozen=True)
class Guest:
    """A machine and how it is started; {image} is the guest's program."""

    name: str
    bus: str
    place: str  # of a device, by role
    confined: dict  # who keeps the device of a row from private memory
    package: str  # of Debian, that has the emulator
    command: str
    before: str = ""  # options that a disk's own come behind, by role
    other_rows: dict = dataclasses.field(default_factory=dict)
    controls: frozenset = CONTROLS
    monitor: bool = True  # else nothing protects it, and it bounces by FORCE
    buses: str = ""  # of its own, and the disks on them
    beside: dict = dataclasses.field(default_factory=dict)
    disks_more: dict = dataclasses.field(default_factory=dict)  # no row

    @property
    def rows(self):
        """Each row of this guest, and its verdict."""
        rows = {row: verdict
                for row, verdict in {**ROWS, **self.other_rows}.items()
                if self.monitor or row not in MONITOR_ROWS}
        return {**rows, **dict.fromkeys(self.beside, "bounce")}

    @property
    def images(self):
        """The first; and the second, where the first hands over."""
        return 2 if self.monitor else 1

    @property
    def rate(self):
        """Instructions a tick of cpu_ticks(), when they are counted."""
        return COUNT_RATES[self.command.split()[0]]

    @property
    def disks(self):
        """Role, name, writable and options of each disk."""
        return [(role, *disk) for role, disk in enumerate(DISKS, start=1)
                if self.monitor or disk[0] not in MONITOR_ROWS]


# Under -icount shift=0 an instruction is a nanosecond; and a tick is:
COUNT_RATES = {
    "qemu-system-ppc64": 1000 / 512,  # the time base: 512 MHz
    "qemu-system-s390x": 1 / 4.096,  # the TOD clock: bit 51 is a microsecond
    "qemu-system-aarch64": 16,  # the virtual counter: 62.5 MHz
    "qemu-system-x86_64": 1,  # the time stamp counter: 1 GHz
}

# The same machine for both byte orders: the guest chooses.
PSERIES = ("qemu-system-ppc64 -M pseries -cpu POWER9 -smp 2 -m 512"
           " -bios {image} -serial stdio")

Z = ("qemu-system-s390x -M s390-ccw-virtio -cpu max -smp 2 -m 256"
     " -kernel {image} -chardev stdio,id=c0 -device sclpconsole,chardev=c0")

# Semihosting is how it ends with a code.
VIRT = ("qemu-system-aarch64 -M virt -cpu max -smp 2 -m 256 -kernel {image}"
        " -serial stdio -semihosting")

# It ends with 0 by powering off, and else by the debug exit.
Q35 = ("qemu-system-x86_64 -M q35 -cpu max -smp 2 -m 256 -kernel {image}"
       " -serial stdio -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4")

# Before all others, since it is their buses' master. In its slot: its role.
IOMMU = " -device virtio-iommu-pci,addr=6,boot-bypass=off"

GUESTS = (
    Guest(
        name="ppc64le", bus="pci", place="addr={role}",
        confined={"in0": "TCE", "out0": "TCE", "in1": "model"},
        package="qemu-system-ppc", command=PSERIES,
        controls=CONTROLS | WINDOW_CONTROLS | {"other_host"}, buses=HOSTS,
        beside=HOSTED, other_rows=WINDOW_ROWS,
    ),
    Guest(
        name="ppc64", bus="pci", place="addr={role}",
        confined={"in0": "TCE", "out0": "TCE", "in1": "model"},
        package="qemu-system-ppc", command=PSERIES,
        controls=CONTROLS | WINDOW_CONTROLS | {"other_host"}, buses=HOSTS,
        beside=HOSTED, other_rows=WINDOW_ROWS,
    ),
    Guest(
        name="s390x", bus="ccw", place="devno=fe.0.{role:04x}",
        confined={"in0": "model", "out0": "model", "in1": "model"},
        package="qemu-system-misc", command=Z,
        other_rows={"in0-decline": "refuse"},
        controls=CONTROLS | {"declined"},
    ),
    # No bypass: what does not offer ACCESS_PLATFORM is not used.
    Guest(
        name="s390x-zpci", bus="pci", place="id=f{role}",
        before="-device zpci,uid={role},fid={role},target=f{role}",
        confined={"in0": "IOAT", "out0": "IOAT"},
        package="qemu-system-misc", command=Z,
        other_rows={"in1": "refuse", **WINDOW_ROWS},
        buses=OWN_FUNCTION, disks_more=OWN_DISK,
        controls=CONTROLS - {"canary_breaks"}
        | WINDOW_CONTROLS
        | {"no_bypass", "offset", "unflushed", "unshared_stopped", "reported"},
    ),
    Guest(
        name="aarch64", bus="pci", place="addr={role}",
        confined={"in0": "model", "out0": "model", "in1": "model"},
        package="qemu-system-arm", command=VIRT,
        controls=CONTROLS - MONITOR_CONTROLS, monitor=False,
    ),
    Guest(
        name="aarch64-iommu", bus="pci", place="addr={role}",
        confined={"in0": "VIOMMU", "out0": "VIOMMU", "in1": "model"},
        package="qemu-system-arm", command=VIRT + IOMMU,
        controls=CONTROLS | BRIDGED_CONTROLS | WINDOW_CONTROLS
        | {"offset", "unflushed", "reported"},
        buses=BRIDGES, beside=BRIDGED, other_rows=WINDOW_ROWS,
    ),
    Guest(
        name="x86_64", bus="pci", place="addr={role}",
        confined={"in0": "VIOMMU", "out0": "VIOMMU", "in1": "model"},
        package="qemu-system-x86", command=Q35 + IOMMU,
        controls=CONTROLS | BRIDGED_CONTROLS | WINDOW_CONTROLS
        | {"offset", "unflushed", "reported"},
        buses=BRIDGES, beside=BRIDGED, other_rows=WINDOW_ROWS,
    ),
)
EVERY_COMMAND = "-accel tcg -nographic -nodefaults -action panic=exit-failure"
