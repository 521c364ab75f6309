/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * instance.h - struct bounce and the tables that hang off it.
 *
 * Everything lies in one block of private memory given to bounce_init(), laid
 * out by instance.c. Nothing is ever freed or moved while the instance lives:
 * all objects are type-stable, so a stale pointer or index reads an old object
 * of the same kind, never something else.
 */
#ifndef LIB_INSTANCE_H
#define LIB_INSTANCE_H

#include <bounce/bounce.h>

#include "pool.h"
#include "topology.h"

/* Where a device is bound: see device.c. One word, changed by one CAS. */
struct bounce_space {
	struct bounce *bounce; /* constant from bounce_init() */
	uint32_t in_use; /* this entry is given out; cold */
	uint32_t index; /* in bounce->space[] */
	struct bounce_pool *pool; /* may be NULL */
	struct bounce_windows windows; /* room for config.windows */
	struct bounce_pool *own; /* bus addresses for own pages, or NULL */
	uint32_t devices; /* attached; cold */
	uint32_t coherency; /* enum bounce_coherency; its pool's, if any */
	/* Its IOMMU: iommu.c. `iommu` is what info() said at the beginning. */
	struct bounce_translation translation;
	struct bounce_iommu_info iommu;
	uint32_t unhonoured;
	_Atomic uint64_t map_calls;
	_Atomic uint64_t unmap_calls;
	_Atomic uint64_t flush_calls;
	_Atomic uint64_t mapped_bytes;
	_Atomic uint64_t lost_bytes;
	/* Bus address of each slab by path (enum bounce_path), or NO_BUS.
	 * Written before the slab is ready, or before a device is attached. */
	uint64_t *bus[2];
};

/* What a mapping of one size class changes of its lane. */
struct queue_traffic {
	/* {generation, maps, bytes} of those whose bytes go out, or do not
	 * count; and of those whose bytes come in: queue.h. */
	_Alignas(32) _Atomic uint64_t turn[2];
	_Atomic uint64_t bytes_from; /* the rest of it; may be "negative" */
};

/*
 * The other counters of a lane and size class, relaxed: struct
 * bounce_device_stats. What is not here of maps and bytes is in `turn`; unmaps
 * are what became of the maps that are not live and did not end otherwise.
 */
struct queue_counters {
	_Atomic uint64_t maps;
	_Atomic uint64_t bytes_to;
	_Atomic uint64_t ended; /* by quiesced() and the like, or elsewhere */
	_Atomic uint64_t refused_lengths;
	_Atomic uint64_t stale;
	_Atomic uint64_t full;
	_Atomic uint64_t fragmented;
	_Atomic uint64_t other;
};

/* A lane: hints and counters, on cache lines of its own. */
struct bounce_queue {
	_Alignas(BOUNCE_CACHE_LINE) struct bounce_device *device;
	uint32_t index; /* in bounce->queue[] */
	struct pool_hint hint;
	_Atomic uint32_t direct_hint; /* word of bounce->direct_busy */
	_Atomic int64_t credits; /* granules of the device's quota; quota.c */
	struct queue_traffic traffic[BOUNCE_SIZES];
	struct queue_counters counters[BOUNCE_SIZES];
};

struct bounce_device {
	struct bounce *bounce; /* constant from bounce_init() */
	uint32_t in_use; /* this entry is given out; cold */
	struct bounce_space *space;
	struct bounce_limits limits;
	uint32_t facts; /* enum bounce_fact, without protection and pool */
	uint16_t owner;
	bool maintained; /* its space is not SNOOPED: cache.c */
	bool dynamic; /* each mapping is in the IOMMU: dynamic.c */
	uint16_t requester;
	uint32_t first_queue;
	uint32_t queues;
	/* {verdict, epoch}: device.c. */
	_Atomic uint64_t binding;
	_Atomic uint32_t unbound; /* how often a binding was taken back */
	_Atomic uint32_t rejected; /* FEATURES_OK did not stick */
	_Atomic uint32_t generation; /* V1; its queues have it, too: queue.h */
	uint32_t unnegotiated; /* since bounce_enter_secure(); cold */
	/* In the topology: change.c. All but `misplaced` is cold. */
	struct bounce_function *function; /* or NULL */
	bool alone;
	bool stopped;
	bool placed; /* has IDs, which nobody else must have */
	_Atomic uint32_t misplaced; /* ALIASED, UNNUMBERED, or 0 */
	bool limited; /* has a quota; else no counter is touched */
	uint32_t quota; /* granules */
	_Atomic int64_t credits; /* granules that no queue has taken */
};

struct bounce {
	struct bounce_config config; /* with the defaults filled in */
	struct bounce_env env;
	struct bounce_monitor arch;
	const void *memory; /* of bounce_init(), for overlap checks */
	size_t bytes;

	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint32_t epoch; /* odd */
	_Atomic uint32_t protection; /* enum bounce_protection; YES sticks */
	_Atomic uint32_t dead; /* after bounce_mark_dead() */

	struct bounce_pool *pool;
	struct bounce_slab *slab;
	struct bounce_space *space;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_function *function;

	/* Records: slots of all slabs, then blocks, then the direct table. */
	struct bounce_record *record;
	uint32_t records;
	uint32_t first_block_record;
	uint32_t first_direct_record;

	struct bounce_block *block;
	struct pool_group *block_busy; /* a bit a block */
	struct pool_word *direct_busy; /* a bit a direct record */

	/* Tables that slabs and spaces point into. */
	struct pool_chunk *chunk;
	uint32_t chunks;
	_Atomic uint16_t *owner;
	uint8_t *page;
	struct bounce_window *window;
	uint64_t *bus;

	uint32_t slots_per_slab; /* config.slab_chunks * 64 */
	_Atomic uint32_t slabs_used; /* slab indices given to pools */
	/* All ranges that ever were the library's lie in [low, high]: a quick
	 * no for buffers outside. Only ever widened. */
	_Atomic uint64_t slab_low;
	_Atomic uint64_t slab_high;
};

static inline uint32_t bounce_words(uint32_t bits)
{
	return (bits + 63) / 64;
}

/* A queue of a device that is there: what every call of the I/O path wants. */
static inline bool bounce_queue_attached(const struct bounce_queue *queue)
{
	return queue != NULL && queue->device != NULL;
}

/* Is a lane one of the device's? Looks at nothing of another device, which may
 * be coming or going just now. */
static inline bool bounce_device_has_lane(const struct bounce_device *device,
					  uint32_t queue)
{
	return queue - device->first_queue < device->queues;
}

/* Space << 16 | owner: who shares granules of one slot, and nobody else. */
static inline uint32_t bounce_device_tenant(const struct bounce_device *device)
{
	return device->space->index << 16 | device->owner;
}

/* A mapping that was published for a device that was revoked meanwhile: ends.
 * ERR_STALE; ERR_LOST: an IOMMU may still let the device at it. */
struct bounce_prepared;
enum bounce_err bounce_mapping_withdraw(struct bounce_queue *queue,
					const struct bounce_prepared *prepared,
					uint64_t generation, uint64_t count);

/* Bytes of a record's run, from its first byte, as window.c placed it. */
uint64_t bounce_record_span(const struct bounce *bounce,
			    const struct record_about *about);

/*
 * Look a handle up, without trusting a bit of it: the record and its fields
 * when it names a live mapping of @queue's device, NULL otherwise.
 */
struct bounce_record *bounce_mapping_look_up(
	const struct bounce_queue *queue, const struct bounce_mapping *mapping,
	struct record_about *about, uint64_t *target);

/* The run that a record speaks for (RUN and SHARED). */
void bounce_record_run(const struct bounce *bounce, uint32_t record,
		       const struct record_about *about,
		       struct bounce_run *run);

/* The first shared byte of a bounced mapping. */
unsigned char *bounce_mapping_shared(const struct bounce *bounce,
				     uint32_t record,
				     const struct record_about *about);

/* After the last one is out: retire the record and release what it held. */
void bounce_mapping_release(struct bounce *bounce, uint32_t record,
			    const struct record_about *about, uint64_t target);

/* Leave a record that we hold; whoever is last releases what it stands for. */
void bounce_mapping_leave(struct bounce *bounce, uint32_t record,
			  const struct record_about *about, uint64_t target);

/* ---- a mapping in the making, in two steps ---- */

struct bounce_request {
	struct bounce_queue *queue;
	struct bounce_buf buf;
	uint32_t how; /* enum bounce_how */
	uint32_t path; /* enum bounce_path */
	uint32_t generation; /* of the device, when the request began */
};

/* What the first step holds: a run, or a direct record; unpublished. */
struct bounce_prepared {
	uint32_t record;
	struct record_about about;
	uint64_t target;
	uint64_t bus; /* what the device will be told */
	struct bounce_run run; /* of kind RUN and SHARED */
};

/* Work @bus and @run out anew, where only the rest was kept. */
void bounce_prepared_locate(const struct bounce *bounce,
			    struct bounce_prepared *prepared);

/* Decide, place and claim: no shared byte is touched. */
enum bounce_err bounce_map_prepare(struct bounce_request *request,
				   struct bounce_prepared *prepared);

/* The same where the verdict is known: the buffer bounces; or it was DIRECT for
 * a whole, reachable page, and may be for this buffer: open.c. */
enum bounce_err bounce_map_bounced(const struct bounce_request *request,
				   struct bounce_prepared *prepared);
enum bounce_err bounce_open_prepare(struct bounce_request *request,
				    struct bounce_prepared *prepared);

/* Make it what the device may see, but for an IOMMU. */
void bounce_map_show(const struct bounce_request *request,
		     const struct bounce_prepared *prepared);

/* Publish and answer: what is shown, and open. ERR_STALE when the device was
 * revoked meanwhile. */
enum bounce_err bounce_map_publish(const struct bounce_request *request,
				   const struct bounce_prepared *prepared,
				   struct bounce_mapping *mapping);

/* All of that. */
enum bounce_err bounce_map_finish(const struct bounce_request *request,
				  const struct bounce_prepared *prepared,
				  struct bounce_mapping *mapping);

/* An unmap in two steps: the caller alone ends the mapping, false when it was
 * not live; and what comes when it is out of reach. */
bool bounce_unmap_begin(const struct bounce_queue *queue,
			const struct bounce_mapping *mapping, uint32_t *record,
			struct record_about *about);
enum bounce_err bounce_unmap_rest(struct bounce_queue *queue, uint32_t record,
				  const struct record_about *about,
				  uint64_t written);

/* Or give it back. */
void bounce_map_cancel(const struct bounce_request *request,
		       const struct bounce_prepared *prepared);

/* Publish the record and fill in the handle; when the device was revoked
 * meanwhile, the mapping ends again, as above. @count: see queue_count(). */
enum bounce_err bounce_mapping_publish(const struct bounce_request *request,
				       const struct bounce_prepared *prepared,
				       uint64_t count,
				       struct bounce_mapping *mapping);

/* A part of a mapping, and who is next to use it: RECORD_TO or RECORD_FROM. */
struct bounce_part {
	uint64_t offset; /* bytes */
	uint64_t len;
	uint8_t direction;
};

/* Claim a run, from the smallest unit that will do: @prepared's run and offset.
 * Or at one place. Quota. */
enum bounce_err bounce_mapping_claim(const struct bounce_request *request,
				     const struct bounce_limits *limits,
				     struct bounce_prepared *prepared);
enum bounce_err bounce_mapping_claim_at(const struct bounce_request *request,
					const struct bounce_place *place,
					struct bounce_run *run);

/* A buffer that shares a byte with a slab, and begins in @slab, or NULL: born
 * shared, or an error. @how is enum record_how. */
enum bounce_err bounce_shared_prepare(const struct bounce_request *request,
				      const struct bounce_slab *slab,
				      uint8_t how,
				      struct bounce_prepared *prepared);

/* ---- caches: cache.c; for devices that are `maintained` ---- */

/* Clean, or also drop, what a mapping shows the device; before it is told. */
void bounce_cache_for_device(const struct bounce_request *request,
			     const struct bounce_prepared *prepared);

/* [@offset, +@len) of a mapping that is held: the CPU is about to read it, or
 * has written it. */
void bounce_cache_sync(const struct bounce_device *device, uint32_t record,
		       const struct record_about *about, uint64_t target,
		       const struct bounce_part *part);

/* Memory that is born shared, from its first use on. */
void bounce_cache_drop(const struct bounce *bounce, const void *memory,
		       uint64_t len);

/* Can a buffer be maintained where it is: whole lines, in the linear map? */
bool bounce_cache_reaches(const struct bounce_device *device,
			  const struct bounce_buf *buf);

/* Is a class one that the instance can serve? */
bool bounce_cache_serves(const struct bounce *bounce, uint32_t coherency);

/* Keep for ever what a record that was never published stands for. */
void bounce_mapping_bury(struct bounce *bounce, uint32_t record,
			 const struct record_about *about);

/* Make all bytes of a run what the device may see, with @len private ones at
 * @offset (S1). */
void bounce_map_fill(const struct bounce_request *request,
		     const struct bounce_run *run, uint32_t offset,
		     const void *private, size_t len);

/* What a buffer is made of whose own pages are mapped: own.c. */
enum own_piece {
	OWN_HEAD, /* bounced */
	OWN_PAGES, /* where they are */
	OWN_TAIL, /* bounced */
	OWN_PARTS,
};

/* ---- dynamic windows: dynamic.c; for devices that are `dynamic` ---- */

/* Let the device at a mapping that is about to be published. When that fails,
 * nothing of it is left, or (ERR_LOST) it is buried. */
enum bounce_err bounce_dynamic_open(const struct bounce_request *request,
				    const struct bounce_prepared *prepared);

/* Take a mapping that the caller has ended, and holds, out of reach. ERR_LOST:
 * the last one out will bury it. */
enum bounce_err bounce_dynamic_close(const struct bounce_device *device,
				     uint32_t record,
				     const struct record_about *about);

/* What the IOMMU has of a mapping: bus addresses in one piece. False: it has
 * no part in it. */
bool bounce_dynamic_run(const struct bounce_device *device, uint32_t record,
			const struct record_about *about,
			struct bounce_iommu_run *run);

/* And what it is to have, piece by piece; how many. */
uint32_t bounce_dynamic_runs(const struct bounce_request *request,
			     const struct bounce_prepared *prepared,
			     struct bounce_iommu_run run[OWN_PARTS]);

/* The same where it may not be dynamic. */
static inline enum bounce_err bounce_dynamic_leave(
	const struct bounce_device *device, uint32_t record,
	const struct record_about *about)
{
	return bounce_unlikely(device->dynamic) ?
		       bounce_dynamic_close(device, record, about) :
		       BOUNCE_OK;
}

/* Bus addresses for own pages: can they be, have them, and let them go. */
bool bounce_own_valid(const struct bounce_space *space,
		      const struct bounce_iommu_info *iommu,
		      const struct bounce_translation *t);
enum bounce_err bounce_own_open(struct bounce_space *space);
void bounce_own_close(struct bounce_space *space);
/* Take all of them out of reach, whatever lives; other CPUs are stopped. */
enum bounce_err bounce_own_abandon(struct bounce_space *space);

/* ---- the caller's own pages: own.c ---- */

/* Of a record of kind DIRECT: are its bus addresses a run's (O1)? */
static inline bool bounce_is_own(const struct bounce *bounce, uint32_t record)
{
	return record < bounce->first_block_record;
}

/* Bus addresses, and slots for the ends; any error: bounce all of it. @how is
 * enum record_how; @private the buffer, or NULL. */
enum bounce_err bounce_own_prepare(const struct bounce_request *request,
				   const void *private, uint8_t how,
				   struct bounce_prepared *prepared);

/* Fill the slots at the ends. */
void bounce_own_fill(const struct bounce_request *request,
		     const struct bounce_prepared *prepared);

/* run[0] is all of the bus addresses; it becomes what is to be mapped. Returns
 * the count. */
uint32_t bounce_own_runs(const struct bounce_request *request,
			 const struct bounce_prepared *prepared,
			 struct bounce_iommu_run run[OWN_PARTS]);

/* A piece of a buffer. */
struct bounce_piece {
	unsigned char *slot; /* that it is bounced in, or NULL */
	uint32_t offset; /* in the slot */
	uint64_t at; /* in the buffer */
	uint64_t len;
};

/* One piece of such a mapping; false: it has none of this kind. */
bool bounce_own_piece(const struct bounce *bounce, uint32_t record,
		      const struct record_about *about, enum own_piece which,
		      struct bounce_piece *piece);

/* What is wanted of a piece: its bytes, from *@first on. */
static inline uint64_t bounce_piece_cut(const struct bounce_piece *piece,
					const struct bounce_part *wanted,
					uint64_t *first)
{
	uint64_t end = bounce_min(piece->at + piece->len,
				  wanted->offset + wanted->len);
	uint64_t start = piece->at > wanted->offset ? piece->at :
						      wanted->offset;

	*first = start - piece->at;
	return start < end ? end - start : 0;
}

/* Copy the bytes of a part that are bounced. */
void bounce_own_copy(struct bounce_queue *queue, uint32_t record,
		     const struct record_about *about, uint64_t target,
		     const struct bounce_part *wanted);

/* The slots at the ends, if there are any. */
bool bounce_own_ends(const struct bounce *bounce, uint32_t record,
		     const struct record_about *about, struct bounce_run *ends);

/* Give back, or keep for ever, what such a mapping holds. */
void bounce_own_give(struct bounce *bounce, uint32_t record,
		     const struct record_about *about);
void bounce_own_bury(struct bounce *bounce, uint32_t record,
		     const struct record_about *about);

/* ---- revoke: revoke.c ---- */

/* Does a record of the device stand in @states (1 << enum record_state)? */
bool bounce_device_has(const struct bounce_device *device, uint32_t states);

/* ---- topology: change.c ---- */

/* What the topology says of a device that is being attached: `misplaced`. */
void bounce_topology_place(struct bounce_device *device);

/* A device is being detached: its IDs are free for others. */
void bounce_topology_leave(struct bounce_device *device);

/* ---- quota: quota.c ---- */

/* Charge a run to the device of @queue; false when its quota is used up. */
bool bounce_quota_take(struct bounce_queue *queue,
		       const struct bounce_run *run);
void bounce_quota_give(struct bounce_queue *queue,
		       const struct bounce_run *run);

/* A record of the direct table, if need be one that is kept, or UINT32_MAX; and
 * its return. */
uint32_t bounce_direct_take(struct bounce_queue *queue);
void bounce_direct_give(struct bounce *bounce, uint32_t record);

/* ---- mappings of born-shared memory: kept.c ---- */

/* The record that the memory of record @home keeps, which holds it: now the
 * caller's. UINT32_MAX: none, or it is in use, or @home is not live with
 * @generation. */
uint32_t bounce_kept_take(struct bounce *bounce, uint32_t home,
			  uint64_t generation);

/* At the end of a mapping of @target: its record and its hold stay with the
 * memory. False: both are the caller's to give back. */
bool bounce_kept_put(struct bounce *bounce, uint32_t record, uint64_t target);

/* The same of one that was to be, and was not published. */
bool bounce_kept_return(struct bounce *bounce, uint32_t record,
			uint64_t target);

/* The memory of record @home is to be given back: it keeps none, unless there
 * is more that holds it. */
void bounce_kept_drop(struct bounce *bounce, uint32_t home);

/* Any that is kept: now the caller's, and its memory let go of. Or UINT32_MAX.
 * Bounded by the direct table. */
uint32_t bounce_kept_seize(struct bounce *bounce);

/* The size class of a mapping of @len bytes. */
static inline enum bounce_size bounce_size_of(uint64_t len)
{
	return (enum bounce_size)((len > BOUNCE_SLOT_BYTES / 2 ? 1u : 0u) +
				  (len > BOUNCE_SLOT_BYTES ? 1u : 0u) +
				  (len > 8 * BOUNCE_SLOT_BYTES ? 1u : 0u) +
				  (len > 32 * BOUNCE_SLOT_BYTES ? 1u : 0u) +
				  (len > BOUNCE_CHUNK_BYTES ? 1u : 0u));
}

/* Where mappings of @len bytes are counted. */
static inline struct queue_traffic *bounce_traffic(struct bounce_queue *queue,
						   uint64_t len)
{
	return &queue->traffic[bounce_size_of(len)];
}

/* Count an error of the I/O path on its way out; @len bytes were asked for. */
enum bounce_err bounce_count_error(struct bounce_queue *queue,
				   enum bounce_err err, uint64_t len);

/* gpa to the CPU's address by env's linear map, or NULL. */
unsigned char *bounce_linear_pointer(const struct bounce *bounce,
				     bounce_gpa_t gpa, uint64_t len);

/* Unshare a ready slab whatever is claimed of it; other CPUs are stopped. */
enum bounce_err bounce_slab_abandon(struct bounce_slab *slab);

/* A ready slab of which a slot is never given back: unshare what can be, and
 * never grow it again; no other call is in progress. */
void bounce_slab_lose(struct bounce_slab *slab);

/* The bus addresses of a slab in every space of its pool; before `ready`. */
void bounce_space_place_slab(struct bounce *bounce, struct bounce_pool *pool,
			     struct bounce_slab *slab);

/* The same for all slabs of a space's pool that are there already. */
void bounce_space_place_all(struct bounce_space *space);

/* Do the pages of [@gpa, +len) overlap a range that is the library's? */
bool bounce_pool_overlaps(const struct bounce *bounce, bounce_gpa_t gpa,
			  uint64_t len);

/* Bind a device again after an epoch, whose binding was @word: the new one. */
uint64_t bounce_device_rebind(struct bounce_device *device, uint32_t epoch,
			      uint64_t word);

/* The verdict in a binding, above the epoch (D1): which is so compared as it
 * was loaded. */
static inline struct bounce_verdict bounce_device_unpack(uint64_t word)
{
	return (struct bounce_verdict) {
		.kind = (uint8_t)(word >> 56),
		.path = (uint8_t)(word >> 48),
		.reason = (uint8_t)(word >> 40),
		.accept = (uint8_t)(word >> 32),
	};
}

/* The verdict that holds for a device of @bounce now: one load and one compare
 * while the epoch stands still. */
static inline struct bounce_verdict bounce_device_bind(
	const struct bounce *bounce, struct bounce_device *device)
{
	/*
	 * acquire: pairs with the release that moves the epoch: facts written
	 * before it are seen after it (D1).
	 */
	uint32_t epoch = atomic_load_explicit(&bounce->epoch,
					      memory_order_acquire);
	/* acquire: pairs with the release in bounce_device_rebind(). */
	uint64_t word = atomic_load_explicit(&device->binding,
					     memory_order_acquire);

	if (bounce_unlikely((uint32_t)word != epoch))
		word = bounce_device_rebind(device, epoch, word);
	return bounce_device_unpack(word);
}

/* What a verdict of REFUSE is told as: for want of a pool, though there is one,
 * it is out of reach. */
static inline enum bounce_err bounce_device_refusal(
	const struct bounce_device *device, struct bounce_verdict verdict)
{
	return verdict.reason == BOUNCE_WHY_NO_POOL &&
			       device->space->pool != NULL ?
		       BOUNCE_ERR_UNREACHABLE :
		       BOUNCE_ERR_REFUSED;
}

/* The policy's word on a DIRECT device's awkward buffer. */
struct bounce_verdict bounce_device_judge(const struct bounce_device *device,
					  uint32_t extra, uint32_t missing);

#endif
