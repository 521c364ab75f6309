/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * control.h - what must not work: each control tries it, and looks at bytes,
 * never at what the device says of itself. Names: report.h.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "blk.h"

/* A device is told to write to a private page; a canary tells. */
void control_private_write(const char *name, struct blk *blk);

/* A device is told to read a private page; the disk tells. */
void control_private_read(const char *name, struct blk *blk);

/* Its control, in a guest that nothing protects: the secret is on the disk, and
 * written over. */
void control_secret_leaks(const char *name, const char *control,
			  struct blk *blk);

/* Unconfined and unchecked, the canary breaks. */
void control_canary_breaks(const char *name, struct blk *blk);

/*
 * A page is taken back in mid-run and given again. @space has the pool of the
 * controls; a second requester for @blk's device takes its page there, since
 * the library must not know of what happens to it.
 */
void control_unshared(const char *name, struct blk *blk, struct bounce *bounce,
		      struct bounce_space *space);

/* The monitor refuses one page of a slab. */
void control_refused_page(struct bounce_pool *pool);

/* A device that is there is refused; @open says by which flags. */
void control_refused(const char *device, const char *name,
		     const struct driver_open *open, unsigned reason);

/*
 * control_forget(), control_seen() - before and after a device was told of
 * private memory at @bus: what the IOMMU says of whom it refused there. A line
 * and a control; nothing where it says nothing. The second is asked before a
 * device that was stopped goes on.
 */
void control_forget(const struct driver *driver);
void control_seen(const char *name, const struct driver *driver,
		  bounce_bus_t bus, uint64_t len);

#endif
