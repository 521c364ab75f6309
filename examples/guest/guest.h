/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * guest.h - the contract of the bare-metal guests: what the portable program,
 * the folder of a CPU, and the tool that boots them (tools/demo.py) owe each
 * other.
 *
 *   portable   main.c image.c control.c secure.c lies.c network.c smp.c churn.c
 *              pattern.c duel.c pair.c report.c blk.c net.c packet.c driver.c
 *              vring.c sha256.c fail.c
 *   the next   handover.c loader.c in the first image; the second is stage.c,
 *              door.c and what it needs of the others (stage.h)
 *   libc       print.c mem.c (none)            picolibc.c (picolibc's)
 *   IOMMU      windows.c, where there is one
 *   transport  virtio_pci.c (all but ccw)      s390x/virtio_ccw.c (Z)
 *   CPU        <cpu>/: start, vectors, console, power-off, the second CPU, the
 *              monitor's model; power/ is ppc64le's and ppc64's in common
 *   model      <cpu>/model.c; forced.c where there is no monitor
 *
 * Variation is chosen by file: each guest links one CPU folder, one transport
 * and one libc; there is no #ifdef.
 *
 *   G1  The guest's memory is private, but for what the library shared. The
 *       model keeps the truth of that; nothing else in the guest does.
 *   G2  The library alone issues share calls, with the CPU's real instruction.
 *       Two controls issue it too, and say so.
 *   G3  A driver takes nothing back from shared memory but what
 *       bounce_virtio_used() or bounce_unmap() hands it.
 */
#ifndef GUEST_H
#define GUEST_H

#include "disks.h"

#include <bounce/bounce.h>

/* ---- who is who on the bus ---- */

/*
 * A device's role is its place: the PCI slot on POWER (addr=1 ..), the device
 * number on Z (devno=fe.0.0001 ..), or the function's identifier (fid=1 ..).
 */
enum guest_role {
	GUEST_IN0 = 1, /* input image, ACCESS_PLATFORM offered, read-only */
	GUEST_OUT0 = 2, /* output disk, ACCESS_PLATFORM offered */
	GUEST_IN1 = 3, /* input image, ACCESS_PLATFORM not offered, read-only */
	GUEST_LEGACY = 4, /* input image, legacy: no VERSION_1, read-only */
	GUEST_NET = 5, /* network, ACCESS_PLATFORM offered */
	GUEST_IOMMU = 6, /* virtio-iommu, which confines the others */
	/* Input images behind bridges, at places of their own: bridges.c. */
	GUEST_BRIDGED = 7,
	GUEST_ROLES = GUEST_BRIDGED + 5, /* index 0 is not used */
};

/* ---- what the guest says: lines on the console ---- */

/*
 * The console also carries what a human reads; the tool takes only lines whose
 * first word is one of these. A line is words `key=value` behind the first;
 * a value with blanks stands in double quotes and holds no quote. Numbers are
 * decimal, but for digest. Lines end in \n or \r\n.
 *
 *   progress percent=<0..100> text="..."
 *       while it runs, at least every few MiB.
 *
 *   row device=<in0|out0|in1|in1-strict|legacy|in0-decline|smp|liar|net|
 *       entry|handover|pcie-pci-1|pcie-pci-2|nested|pci|root-port|host-0|
 *       host-1|static|dynamic>
 *       cpu=<ppc64le|ppc64|s390x|aarch64|x86_64>
 *       transport=<pci|ccw|zpci> verdict=<bounce|direct|refuse> reason="..."
 *       confined=<TCE|IOAT|VIOMMU|model|none> requester=<hex>
 *       pages_shared=<n>
 *       share_calls_start=<n> share_calls_io=<n> mappings=<n> bytes_in=<n>
 *       bytes_out=<n> high_water_chunks=<n> pool_bytes=<n> peak_in_flight=<n>
 *       digest=<64 hex digits|-> [mappings_second=<n>]
 *       [window=<static|dynamic> io_bytes=<n> window_calls_io=<n>]
 *       libc=<none|picolibc-n>
 *       moved_in=<n> moved_out=<n> bounce_ticks=<n> pass_ticks=<n>
 *
 *       One a device and verdict. pages_shared counts share granules (64 KiB on
 *       POWER, 4 KiB on Z) that the model holds shared after the run.
 *       share_calls_start are calls before the first request, of all pools;
 *       share_calls_io are calls that the model saw during the device's
 *       requests: 0. bytes_in went to the guest, bytes_out to the device, as
 *       counted by the library: headers and status bytes included.
 *       peak_in_flight is the most bytes that were with the device at once.
 *       digest is the SHA-256 of the whole image as it was read, or written.
 *       A refused device has confined=none, digest=- and zeros.
 *       requester is the device's own ID: bus << 8 | devfn, or the device
 *       number on ccw.
 *
 *       smp is a second requester for in0's device, with lanes for two CPUs. No
 *       device works on its mappings: the CPU plays it and looks at each byte
 *       where the device would. mappings and bytes are of both CPUs,
 *       mappings_second are those that the second CPU made, share_calls_io is
 *       of both while they worked; digest and peak_in_flight are in0's, which
 *       CPU 0 read at the same time.
 *
 *       liar is a device that the guest plays itself, on a ring of its own.
 *       net is the network: neither moves the image, digest=-. handover is in0
 *       once more, in a second image, which took over the slabs of the first
 *       (stage.h); the first one's part has no row. entry is in0 while
 *       the guest becomes secure: the first half of the image is read
 *       at the guest's own pages, the second half bounced, and counted. The
 *       next five are disks behind bridges (buses.h), the last two behind two
 *       host bridges (power/hosts.c); all read parts of the image, and their
 *       calls are requests to the IOMMU.
 *
 *       static and dynamic are one disk (windows.c), behind a window that the
 *       library fills once, or with each mapping; window is also of the rows
 *       behind bridges. io_bytes were read, with window_calls_io calls of the
 *       IOMMU: 0 for a static window.
 *
 *   space name=<main|control|island|static|dynamic|bypass>
 *       class=<snooped|non-coherent|no-snoop> windows=<n>
 *   window space=<as above> path=<bus|bypass> bus=<hex> gpa=<hex> len=<hex>
 *       iommu=<TCE|IOAT|VIOMMU|none> filled_by=<library|monitor|nobody>
 *
 *       A space, as bounce_space_info() and bounce_space_window() tell it, and
 *       each of its windows; len 0 is "to the end". A pool behind bridges, or
 *       of a host bridge, is an island. `ninja explain` shows them.
 *
 *       moved_in and moved_out are bytes of the device's own account: what it
 *       reported to have written of buffers that the library mapped, and the
 *       length of those that it read. bounce_ticks were spent in bounce_map()
 *       and bounce_unmap(), of pass_ticks for all of the disk's passes. Zeros
 *       where nobody counts.
 *
 *   count sectors=<n> in=<ticks> out=<ticks>
 *       twice, before anything else: what it took to map and unmap that many
 *       buffers of a sector, from and to a device.
 *
 *   requester device=<one of the five> round=<1|2> own=<hex> computed=<hex>
 *       seen=<hex>
 *
 *       Requester IDs in each numbering of the buses: by the device's place,
 *       by the library, and in the IOMMU's fault event.
 *
 *   control device=<as above> name=<see below> ok=<0|1> text="..."
 *
 *       name: awkward_answers  the pool of the controls grew although the
 *                              monitor answered in its most awkward way
 *             monitor_honest   a slab is shared and taken back; the control
 *                              of the next four
 *             monitor_never    a monitor that says "not yet" for ever: BUSY
 *             monitor_nothing  that says it shared, and did not: refused where
 *                              it can be seen (POWER), harmless elsewhere
 *             monitor_share    that shares and says nonsense: LOST
 *             monitor_unshare  that does not unshare and says nonsense: LOST
 *             private_write    device told to write to a private page
 *             private_read     device told to read a private page
 *             reported         and the IOMMU said who did it, and where; VIOMMU
 *                              only
 *             offset           a page's guest-physical address does not reach
 *                              it; where the window has an offset: zpci and
 *                              VIOMMU
 *             unshared         a page taken back in mid-run is out of reach
 *             unflushed        its control: taken back without the IOMMU's
 *                              flush it is still written; zpci and VIOMMU
 *             unshared_stopped the same for a page taken back while the bus
 *                              had stopped the device; zpci only
 *             shared_again     and within reach when it is shared once more
 *             refused_page     a monitor that refuses one page: growth fails
 *                              with BOUNCE_ERR_HOST, no page stays shared
 *             strict           no ACCESS_PLATFORM and STRICT: refused
 *             legacy           a legacy device: refused
 *             declined         CCW_DECLINE, and the device does not take it:
 *                              refused; ccw only
 *             no_bypass        no ACCESS_PLATFORM, and the bus has no bypass:
 *                              refused; zpci only
 *             canary_breaks    the control's own control: unconfined and
 *                              unchecked, the private page is overwritten
 *             returned         everything ended, no page is shared any more
 *             handed_spoilt    a second image is entered only as it was built
 *             handed_over      and took over what the list of the first one's
 *                              ranges has
 *             handed_goes_on   and did I/O through that, on the same disks
 *             handed_left_out  a shared page that the list leaves out
 *             handed_unlisted  its control: the page is a device's to write
 *             handed_private   the second image's memory, which the list names
 *             handed_believed  its control: without a look it is lost
 *             handed_returned  everything ended
 *             beside_disk      smp: one CPU reads a disk, the other maps and
 *                              unmaps in the same pool
 *             both_cpus        smp: both map, sync and unmap at once
 *             same_words       smp: both map by one lane at the same moment
 *             ended_once       smp: both end one mapping at once; one succeeds
 *             wrong_device     smp: another device's lane ends no mapping
 *             grown_beside     smp: one CPU grows the pool and retires it,
 *                              the other maps and unmaps
 *             spoilt_byte      the checks' own control: one bit is noticed
 *             pool_whole       smp: the pool is valid and as free as before
 *             lies_none        liar: what an honest device writes arrives
 *             lies_wrong_id    liar: an id above all descriptors
 *             lies_idle_id     liar: an id that is no request's
 *             lies_repeated_id liar: a request completed twice
 *             lies_length      liar: more bytes than it may write
 *             lies_believed    its control: a driver that does not check has
 *                              bytes behind its buffer overwritten
 *             lies_index       liar: the ring's index runs ahead
 *             lies_unmap       liar: a driver hands a lie to bounce_unmap()
 *             arp, echo        net: the gateway answers
 *             unwritten_bytes  net: bytes that QEMU says it wrote and did not
 *                              are never another owner's
 *             malformed        net: the guest's own packets, spoilt, refused
 *             entry_direct     entry: not secure, nothing shared or copied
 *             entry_reach      entry: and a device reaches any page
 *             entry_leak       entry: and brings any page to the disk
 *             entry_legacy     entry: a legacy device is not refused
 *             entry_too_early  entry: refused, and nothing changed
 *             entry_afresh     entry: the pool is shared, nothing else is
 *             entry_stale      entry: a mapping from before has ended
 *             entry_refused    entry: no mapping before negotiation
 *             entry_bounced    entry: the same devices go on
 *             entry_again      entry: pages shared before are shared afresh
 *             entry_returned   entry: everything ended
 *             requester        behind bridges: computed and seen are the same
 *             alias_refused    a device in another space than those with its
 *                              requester ID: refused
 *             other_space      a device does not reach another space's pool
 *             change_too_early with a device at work its bus may not change
 *             right_order      IDs detached before they change hands: nobody
 *                              reaches another's pool
 *             wrong_order      its control: in the wrong order somebody does
 *             other_host       a disk behind the other host bridge does not
 *                              reach this one's pool
 *             bypass_off       in no domain, a device reaches nothing
 *             bypass_on        with the IOMMU's bypass byte at 1, all of memory
 *             bypass_domain    but in a domain it is held to that
 *             bypass_off_again and with the byte at 0 to nothing
 *             static_private   a static window: a private page is not mapped
 *             own_whole        a dynamic one: a buffer's whole page is written
 *                              where it is
 *             own_neighbours   and what is beside the buffer is not reached
 *             own_ended        nor the page itself, when the mapping has ended
 *
 *   done ok=<0|1>
 *       the last line. ok=1 only if every row and control is as demanded.
 *
 * After it QEMU ends: with 0 for ok=1, not 0 for ok=0 (-action
 * panic=exit-failure). A guest that dies says `fail text="..."` and ends with
 * not 0, without a `done` line.
 */

/* ---- what the program demands of the CPU's folder ---- */

/* Constant facts; defined in the CPU's folder. */
struct guest_cpu {
	const char *name; /* "ppc64le", "s390x" */
	const char *transport_name; /* "pci", "ccw" */
	const char *awkward_text; /* what model_awkward() does, a sentence */
	/* Who translates for devices that offer ACCESS_PLATFORM: "TCE",
	 * "IOAT", "VIOMMU"; NULL: nobody. */
	const char *iommu_name;
	uint8_t transport; /* enum bounce_transport */
	/*
	 * A forbidden access stops the device, which is then reset and started
	 * again; else it is dropped, and the device goes on.
	 */
	bool iommu_stops;
	/*
	 * No monitor: nothing is protected, and devices bounce because the
	 * guest wants it (BOUNCE_DEVICE_FORCE). It cannot become secure, and
	 * no share call is made.
	 */
	bool forced;
	/* The linear map is the identity, from here on. */
	uint64_t ram_gpa;
	uint64_t ram_bytes;
	/*
	 * Three ranges that no part of the image lies in, aligned to 2 MiB: the
	 * pool, the pool of the controls, and the slab that the monitor
	 * refuses. The sizes are below.
	 */
	uint64_t pool_gpa;
	uint64_t control_gpa;
	uint64_t refused_gpa;
	/*
	 * The space's windows: the bus's own path, and the bypass. Without
	 * BOUNCE_WINDOW_BYPASS in its flags there is no second one.
	 */
	struct bounce_window window[2];
};
extern const struct guest_cpu guest_cpu;

/* What a first image can do beyond that; each may be NULL. */
struct guest_extras {
	/*
	 * Leave out, or no longer, what makes the IOMMU forget a page that is
	 * taken back; NULL where that cannot be left out. A control only.
	 */
	void (*omit_flush)(bool omit);
	/*
	 * Since it was asked last: has the IOMMU reported an access of this
	 * requester to one of these bus addresses? NULL where it reports none.
	 */
	bool (*reported)(uint16_t requester, bounce_bus_t bus, uint64_t len);
	/* Something that only this machine has; before the end. */
	void (*aside)(void);
	/* Instead of the end: on to a second image, for good. */
	void (*next)(void);
};
extern const struct guest_extras guest_extras;

#define GUEST_POOL_BYTES (4u << 20)
#define GUEST_CONTROL_POOL_BYTES BOUNCE_CHUNK_BYTES
#define GUEST_REFUSED_BYTES (2 * BOUNCE_CHUNK_BYTES) /* several calls */

/*
 * guest_main() - the program. The CPU's start code calls it once, with a stack
 * of 64 KiB or more, .bss zeroed, interrupts off, the model listening. It
 * leaves by cpu_exit().
 */
_Noreturn void guest_main(void);

/*
 * machine_start() - of Arm and x86: what differs between guests of one CPU,
 * before guest_main(). Return: NULL, or why it cannot be.
 */
const char *machine_start(void);

/*
 * cpu_arch() - the library's real backend of this CPU, with one hook replaced:
 * detect() gives the model's answer. Emulated CPUs have neither MSR[S] nor
 * facility 158, so the real detect() would say "not protected" and no page
 * would ever be shared. share() and unshare() are the library's own.
 */
void cpu_arch(struct bounce_arch *arch);

/* cpu_console() - write @len bytes; "\n" becomes what the console wants. */
void cpu_console(const char *text, size_t len);

/* cpu_exit() - end QEMU: 0 when @ok, else not 0. Prints nothing. */
_Noreturn void cpu_exit(bool ok);

/*
 * cpu_enter() - leave this image for another, which lies in memory. Its own
 * start code takes the CPU as it is; interrupts are off. Where a machine's
 * firmware told this image something, the other is told the same.
 */
struct guest_image {
	uint64_t entry;
	uint64_t gpa; /* of what was put there just now ... */
	uint64_t len; /* ... as bytes: to be instructions from now on */
};
_Noreturn void cpu_enter(const struct guest_image *image);

/* cpu_milliseconds() - time since some start; for bounds on waiting. */
uint64_t cpu_milliseconds(void);

/*
 * cpu_ticks() - the finest clock of the CPU, for shares of time. QEMU's option
 * -icount shift=0 makes an instruction take a nanosecond: then it counts
 * instructions, by the clock's rate (COUNT_RATES of tools/guests.py).
 */
uint64_t cpu_ticks(void);

/*
 * cpu_share(), cpu_unshare() - ask the monitor for one share granule, past the
 * library, with the same instruction. Controls only (G2).
 * Return: true when the monitor says done.
 */
bool cpu_share(uint64_t gpa);
bool cpu_unshare(uint64_t gpa);

/*
 * cpu_enter_secure() - ask the monitor to make this guest a secure one: all of
 * its memory is private then, and holds what it held. See model_open().
 * Return: true when the monitor says done.
 */
bool cpu_enter_secure(void);

/* ---- the second CPU: <cpu>/second.c ---- */

/*
 * cpu_start_second() - start the machine's second CPU, and let it call @run.
 *
 * It has a stack of 64 KiB or more and an interrupt frame of its own, so that
 * its share calls reach the model, too; interrupts are off. What CPU 0 wrote
 * before this call, @run sees. When @run returns, the CPU stops for good, and
 * may be started once more.
 *
 * The second CPU works on memory and with the library. Console, report.h,
 * devices and cpu_exit() are CPU 0's; only guest_fail() may be called on either
 * and must end QEMU whatever the other CPU does at that moment. The model takes
 * share calls of one CPU at a time, beside the other's model_allows(),
 * model_calls() and model_shared_granules().
 *
 * Return: false when there is no second CPU, or it could not be started.
 */
bool cpu_start_second(void (*run)(void));

/*
 * cpu_join_second() - wait until @run has returned and the second CPU has
 * stopped; what it wrote, the caller sees then.
 *
 * Return: false when it still runs after a bound in time (10 seconds).
 */
bool cpu_join_second(void);

/* ---- the monitor's model: <cpu>/model.c ---- */

/*
 * The model answers the CPU's real share instruction as the monitor would, and
 * like it zeroes what the ABI says is zeroed. It is the only one that knows
 * what is shared (G1), and the one that tells QEMU's IOMMU where there is one.
 */

/*
 * model_open() - the guest is not protected from now on, until
 * cpu_enter_secure(): devices reach all of its memory, detect() says so, and
 * share calls are refused. When nothing is shared, and one CPU runs.
 */
void model_open(void);

/* No page: model_refuse() of it takes a refusal back. */
#define MODEL_NO_PAGE UINT64_MAX

/* model_refuse() - from now on refuse to share the granule that holds @gpa. */
void model_refuse(uint64_t gpa);

/*
 * model_awkward() - from now on answer in the most awkward way that is known:
 * POWER: r3 holds the function number, as in the published firmware, whatever
 * happened. Z: busy (cc 2) and partial (cc 3) come before done.
 */
void model_awkward(bool on);

enum model_lie {
	MODEL_HONEST = 0,
	MODEL_NEVER_DONE = 1, /* "not yet", and nothing done */
	MODEL_LIES_DONE = 2, /* "shared", and nothing done; unshares honestly */
	/* Shares, or does not unshare, and says what has no meaning. */
	MODEL_GARBLES = 3,
};

/* model_lie() - from now on answer share calls like that. */
void model_lie(enum model_lie lie);

/* model_shared_granules() - share granules that are shared now. */
uint64_t model_shared_granules(void);

/* model_calls() - share and unshare instructions seen, retries included. */
uint64_t model_calls(void);

/*
 * model_allows() - is every page of [@gpa, @gpa + @len) shared, or the guest
 * not protected, so that the host reaches all memory? Stands in for
 * hardware that QEMU does not emulate: where no IOMMU confines a device, the
 * driver asks it for every descriptor just before it notifies the device.
 */
bool model_allows(uint64_t gpa, uint64_t len);

/*
 * model_watch() - the instance whose ranges devices may reach, or NULL: what
 * forced.c goes by, whom nobody asks. Others know by themselves.
 */
void model_watch(const struct bounce *bounce);

/* ---- the transport: virtio_pci.c, <cpu>/virtio_ccw.c ---- */

/* Who keeps a device from private memory. */
enum guest_confined {
	GUEST_CONFINED_NONE = 0, /* refused: it is never started */
	GUEST_CONFINED_IOMMU = 1, /* QEMU, by a translation: iommu_name */
	GUEST_CONFINED_MODEL = 2, /* model_allows(), before each notify */
};

/* A device as it was found. The transport keeps the rest, by role. */
struct virtio_device {
	enum guest_role role;
	enum guest_confined confined; /* if it is used; by what it offers */
	uint16_t requester; /* bus << 8 | devfn, or subchannel number */
	/* Features offered. A legacy device's lack VERSION_1, as they are. */
	uint64_t offered;
};

/* Where a virtqueue is, for the device. */
struct virtio_ring {
	uint16_t entries; /* a power of two */
	bounce_bus_t descriptors;
	bounce_bus_t available;
	bounce_bus_t used;
};

/*
 * transport_start() - once, after the pool has grown, before virtio_find().
 * @space: where the transport attaches what it needs itself: on Z the channel
 *         programs must lie in shared memory below 2 GiB. POWER needs nothing.
 * Return: false when it cannot work.
 */
bool transport_start(struct bounce *bounce, struct bounce_space *space);

/* transport_stop() - give back all that transport_start() took. */
bool transport_stop(void);

/*
 * virtio_find() - find a device, reset it, set ACKNOWLEDGE and DRIVER, and
 * read its features (VIRTIO 1.2 section 3.1.1, steps 1 - 4). A legacy device
 * is left alone after its features were read.
 * @device: written on success only.
 * Return: false when there is none.
 */
bool virtio_find(enum guest_role role, struct virtio_device *device);

/*
 * virtio_accept() - write features, set FEATURES_OK, read it back (steps 4 -
 * 6). Return: false when FEATURES_OK did not stick.
 */
bool virtio_accept(const struct virtio_device *device, uint64_t features);

/*
 * virtio_requester() - where a device of this role is, if there is one: its
 * slot, unless virtio_place() said otherwise.
 */
uint16_t virtio_requester(enum guest_role role);

/* virtio_place() - a device is behind a bridge, or has moved. PCI only. */
void virtio_place(enum guest_role role, uint16_t requester);

/* virtio_config() - 64 bits of a device's configuration, at @offset. */
uint64_t virtio_config(const struct virtio_device *device, uint32_t offset);

/* virtio_capacity() - sectors of a block device (VIRTIO 1.2 section 5.2.4). */
uint64_t virtio_capacity(const struct virtio_device *device);

/* virtio_ethernet() - a network device's own address (section 5.1.4, mac). */
#define VIRTIO_ETHERNET_BYTES 6u
bool virtio_ethernet(const struct virtio_device *device,
		     unsigned char address[VIRTIO_ETHERNET_BYTES]);

/*
 * virtio_queue() - set queue @index up; false when there is no such queue, or
 * @ring has too many entries.
 */
#define VIRTIO_QUEUES 2u /* of a device, at most */
bool virtio_queue(const struct virtio_device *device, uint16_t index,
		  const struct virtio_ring *ring);

/*
 * virtio_live() - DRIVER_OK (step 8). The ring must be mapped and zero: QEMU
 * reads it at once.
 */
void virtio_live(const struct virtio_device *device);

/* virtio_notify() - queue @index has something new. Orders ring writes. */
void virtio_notify(const struct virtio_device *device, uint16_t index);

/* virtio_broken() - has the device set NEEDS_RESET? */
bool virtio_broken(const struct virtio_device *device);

/* virtio_failed() - FAILED: the driver gives up. Legacy: nothing. */
void virtio_failed(const struct virtio_device *device);

/* virtio_reset() - reset; false when it is not done within a second. */
bool virtio_reset(const struct virtio_device *device);

/* ---- small words for both sides: print.c, mem.c, picolibc.c, fail.c ---- */

/*
 * guest_print() - a subset of printf to the console, without floating point:
 * %s %c %d %u %x %%, with l for 64 bits, 0 and a width for numbers.
 */
void guest_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* guest_fail() - say `fail text="..."` and end with not 0. */
_Noreturn void guest_fail(const char *text);

/* "none" (mem.c), or the name of the C library that is linked instead. */
extern const char guest_libc[];

/* The four functions that the library, and the compiler, may call. */
void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* Little-endian, as virtio 1.x has its rings and registers, from native. */
#define GUEST_IS_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static inline uint16_t guest_le16(uint16_t x)
{
	return GUEST_IS_LITTLE ? x : __builtin_bswap16(x);
}

static inline uint32_t guest_le32(uint32_t x)
{
	return GUEST_IS_LITTLE ? x : __builtin_bswap32(x);
}

static inline uint64_t guest_le64(uint64_t x)
{
	return GUEST_IS_LITTLE ? x : __builtin_bswap64(x);
}

#endif
