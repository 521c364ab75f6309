/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * report.h - what the guest says to the host's tool (tools/demo.py), and the
 * one memory of whether all went well.
 */
#ifndef REPORT_H
#define REPORT_H

#include "driver.h"
#include "sha256.h"

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
 *       confined=<TCE|IOAT|VIOMMU|model|none> requester=<hex> place="..."
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
 *       requester is the device's own ID: bus << 8 | devfn, or the
 *       subchannel on ccw; place is how the machine's interfaces name it, and
 *       what translates for it.
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
 *       moved_in and moved_out are bytes of the device's own account: what it
 *       reported to have written of buffers that the library mapped, and the
 *       length of those that it read. bounce_ticks were spent in bounce_map()
 *       and bounce_unmap(), of pass_ticks for all of the disk's passes. Zeros
 *       where nobody counts.
 *
 *   space name=<main|control|island|static|dynamic|bypass|handover>
 *       class=<snooped|non-coherent|no-snoop> windows=<n>
 *   window space=<as above> path=<bus|bypass> bus=<hex> gpa=<hex> len=<hex>
 *       iommu=<TCE|IOAT|VIOMMU|none> filled_by=<library|monitor|nobody>
 *
 *       A space, as bounce_space_info() and bounce_space_window() tell it, and
 *       each of its windows; len 0 is "to the end". A pool behind bridges, or
 *       of a host bridge, is an island. `ninja explain` shows them.
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
 *   seen device=<in0|out0|net|static> requester=<hex> by="..."
 *
 *       Whom the IOMMU refused, when the device was told of private memory: by
 *       a fault event, or as the function that is in the error state.
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
 *             reported         and the IOMMU said who did it; zpci, VIOMMU
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

/* ---- who says them ---- */

/* What a row says of a device that was used. */
struct report_use {
	const struct bounce_pool *pool;
	uint64_t pool_bytes;
	uint64_t share_calls_start;
	uint64_t share_calls_io;
	const unsigned char *digest; /* of the image moved; NULL: of none */
	uint64_t mappings_second; /* of the second CPU; 0: it had no part */
	/* Of a window that the library fills: its kind, or NULL; bytes that
	 * were moved through it, and calls of the IOMMU meanwhile. */
	const char *window;
	uint64_t io_bytes;
	uint64_t window_calls_io;
	uint64_t pass_ticks; /* cpu_ticks() of all passes; 0: not counted */
};

/* One line about a device; @use is NULL for a refused one. */
void report_row(const char *name, const struct driver *driver,
		const struct report_use *use);

/* Whom the IOMMU refused, and how it said so. */
void report_seen(const char *name, uint32_t requester, const char *by);

/* What a space is, as the library says: one line, and one for each window. */
void report_space(const char *name, const struct bounce_space *space);

/* One line about a control. */
void report_control(const char *device, const char *name, bool ok,
		    const char *text);

/* A demand that has no line of its own: when it is not met, say so. */
void report_demand(bool met, const char *text);

/* Progress: what is to be moved in all, what is going on, what was moved. */
void report_total(uint64_t bytes);
void report_stage(const char *text);
void report_moved(uint64_t bytes);

/* The last line; has everything been as demanded? */
bool report_done(void);

/* What of all this a second image goes on with. */
struct report_state {
	uint64_t all_good;
	uint64_t total;
	uint64_t moved;
};
void report_pass_on(struct report_state *state);
void report_go_on(const struct report_state *state);

#endif
