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
#define GUEST_NOBODY UINT32_MAX
struct guest_extras {
	/*
	 * Leave out, or no longer, what makes the IOMMU forget a page that is
	 * taken back; NULL where that cannot be left out. A control only.
	 */
	void (*omit_flush)(bool omit);
	/*
	 * Since it was asked last: which device has the IOMMU refused at these
	 * bus addresses, by its own word, and what word is that? A requester
	 * ID, or GUEST_NOBODY for none, or several. NULL where it tells none.
	 */
	uint32_t (*refused)(bounce_bus_t bus, uint64_t len);
	const char *refused_by;
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

/* virtio_tell() - print how the machine's own interfaces name a device. */
void virtio_tell(const struct virtio_device *device);

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
