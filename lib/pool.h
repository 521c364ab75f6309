/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pool.h - the slot allocator: a radix-64 sealed bit tree, no roll-back.
 *
 * Every level is words of 64 bits, in private memory, and any run is one
 * compare-and-swap on one word:
 *
 *   slab    free_chunks  bit set: the chunk is wholly free and sealed
 *   chunk   word         bit set: the slot is busy
 *   block   word         bit set: the granule of a split slot is busy
 *
 *   P1  A word of all ones is full, sealed, or not there: nobody's CAS can
 *       start from it, so only its owner changes it. Only a word of 0 can be
 *       sealed, and the sealer owns all of it.
 *   P2  A bit goes free -> busy in one CAS of its word by the claimant, and
 *       busy -> free in one AND by the owner, nowhere else.
 *   P3  A slot's bytes, its record and its owner tag are touched only between
 *       its claim and its release.
 *   P4  A chunk's bit in free_chunks is set only by who sealed its word, after
 *       sealing; so a set bit means a word of all ones.
 *   P5  All words are all ones and free_chunks is 0 at init; growth publishes
 *       by one store to free_chunks, retirement takes it back by one CAS.
 *   P6  A slab index keeps its base and size for life; `ready` is set once,
 *       after they were written, and never cleared.
 *   P7  Hints, classes and `avail` are advice: wrong ones cost time only.
 *
 * Orders: docs/memory-order.md.
 */
#ifndef LIB_POOL_H
#define LIB_POOL_H

#include <bounce/pool.h>

#include "atomic.h"
#include "base.h"
#include "record.h"
#include "window.h"

/* Size classes of slot runs; a chunk has one while it is active. */
enum pool_class {
	POOL_CLASS_SINGLE = 0, /* single slots, and slots that are split */
	POOL_CLASS_SHORT = 1, /* 2 .. 8 slots */
	POOL_CLASS_LONG = 2, /* 9 .. 32 slots */
	POOL_CLASS_WHOLE = 3, /* 33 .. 64 slots: one a chunk */
	POOL_CLASSES = 4,
};

/* Lengths of a run in octaves: level n is for 2^(n-1) + 1 .. 2^n units. */
#define POOL_LEVELS 7u

#define SLOTS_PER_CHUNK 64u
#define CHUNKS_PER_SLAB 64u
#define SLOTS_PER_SLAB 4096u
#define GRANULES_PER_SLOT 64u
#define NO_BUS UINT64_MAX /* a slab that a space's path does not reach */
#define NO_BLOCK UINT32_MAX
#define NO_CHUNK UINT32_MAX /* a hint that leads nowhere */
#define NO_LANE 0u

/* One word alone on its cache line: sharing a line costs five times. */
struct pool_word {
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint64_t bits;
};

/*
 * A chunk: its word, and on the same line what whoever claims from the word
 * wants to know.
 *
 *   P8  `lane` is stored before the word by who activates the chunk, and
 *       constant until it is sealed again; so it is settled for whoever holds a
 *       slot. It names a queue (and path) whose device may use every byte of
 *       the chunk, wherever a run in it begins.
 */
struct pool_chunk {
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint64_t bits;
	_Atomic uint32_t lane; /* P8; or NO_LANE */
	/* All slots hold bytes of this owner; 0: ask each slot's own tag. Set
	 * by who holds the whole chunk, cleared by who holds any slot of it;
	 * bounce_tree_own(). */
	_Atomic uint16_t owner;
	/* Advice (P7): a class, and a bit for each level at which a search
	 * found no room since the last release. */
	_Atomic uint8_t class;
	_Atomic uint8_t missed;
	/* Constant from bounce_init(). */
	uint32_t slab; /* in bounce->slab[] */
	uint32_t slot; /* of the slab: its first */
};

/* 64 blocks: which are taken, and advice (P7) where granules may be free. */
struct pool_group {
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint64_t bits;
	_Atomic uint64_t room[POOL_LEVELS - 1]; /* by level */
};

/* What happens to a slab index; see grow.c. */
enum slab_phase {
	SLAB_UNUSED = 0,
	SLAB_GROWING = 1, /* somebody shares its pages */
	SLAB_READY = 2, /* slots may be claimed */
	SLAB_RETIRING = 3, /* somebody unshares its pages */
	SLAB_RETIRED = 4, /* private again; may be grown at its base */
	SLAB_LOST = 5, /* a page is LOST, or a slot for ever: never again */
	SLAB_OWN = 6, /* bus addresses without memory: dynamic.c */
};

/* One contiguous range of shared pages, and all there is to know about it. */
struct bounce_slab {
	/* E: chunks that are free and sealed. */
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint64_t free_chunks;
	_Atomic uint32_t counted; /* of it in the pool's used_chunks */
	/* Advice: active chunks that may have room for a run of a level, if
	 * that is a level of their class (P7). */
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint64_t avail[POOL_LEVELS];

	/* Set before `ready`, constant afterwards (P6). */
	_Alignas(BOUNCE_CACHE_LINE) bounce_gpa_t base;
	unsigned char *memory;
	uint64_t all_chunks; /* a bit for each chunk that exists */
	uint64_t urgent_chunks; /* of those, for URGENT mappings only */
	uint32_t chunks;
	_Atomic uint32_t node; /* its memory's; advice (P7) */

	/* Constant from bounce_pool_init(). */
	struct bounce_pool *pool;

	/* Constant from bounce_init(). */
	uint32_t index; /* in bounce->slab[] */
	uint32_t first_record;
	struct pool_chunk *chunk; /* config.slab_chunks of them */
	struct bounce_record *record; /* one a slot */
	_Atomic uint16_t *owner; /* one a slot: whose bytes are in it */

	/* Cold: growth and retirement. */
	uint8_t *page; /* one a slot: enum share_state of share.h */
	/* An IOMMU may still translate some of it: never given back. */
	_Atomic uint32_t held;
	bool by_monitor; /* SHARED pages were shared by calls; share.c */
	/* base | chunks while the range is the library's, else 0; grow.c G1 */
	_Atomic uint64_t extent;
	_Atomic uint32_t phase; /* enum slab_phase */
	_Atomic uint32_t ready; /* P6 */
};

/*
 * What a slot needs to be split into granules: 64 records and a word. The
 * blocks are the instance's, counted at init.
 *
 *   B1  A block belongs to the CPU that claimed its bit in block_busy until it
 *       stores the word; then to whoever gets granules; then to whoever sealed
 *       an empty word.
 *   B2  A split slot has one tenant (owner and space): `tag` says which, and
 *       is constant from the store of the word to its sealing; but a tenant
 *       that ends becomes 0, nobody, at the same slot.
 */
struct bounce_block {
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint64_t word;
	_Atomic uint64_t tag; /* tenant << 32 | slab << 12 | slot */
	/* As a chunk's (P8): stored before the word, settled for a holder. */
	_Atomic uint32_t lane;
	_Atomic uint8_t missed; /* levels; advice (P7) */
};

struct bounce_pool {
	struct bounce *bounce; /* constant from bounce_init() */
	uint32_t in_use; /* this entry is given out; cold */
	uint32_t first_slab; /* of bounce->slab[] */
	uint32_t slab_count;
	/* Every claim reads it: few stores, and none beside it (P7). */
	_Atomic uint32_t scarce;
	_Atomic uint32_t homes; /* some slab is not of node 0 */
	/* Not sealed, within an eighth of each slab; now, and at most. */
	_Alignas(BOUNCE_CACHE_LINE) _Atomic uint32_t used_chunks;
	_Atomic uint32_t used_chunks_high;
	/* With so many in use room is scarce: pool.c packs. Follows growth. */
	_Atomic uint32_t scarce_chunks;
	_Atomic uint64_t lost_bytes;
	_Atomic uint64_t share_calls;
	_Atomic uint64_t share_retries;
	uint32_t spaces; /* that use it; cold */
	uint32_t coherency; /* enum bounce_coherency, of each of them */
	uint16_t urgent_chunks; /* of each slab */
	uint8_t high; /* watermarks, percent */
	uint8_t low;
	_Atomic uint32_t pressure; /* said `on` last */
};

/* A run: where it is, and the record that speaks for it. */
struct bounce_run {
	uint32_t slab; /* index in bounce->slab[] */
	uint32_t slot; /* first slot of the slab */
	uint32_t slots; /* 1 .. 4096; 1 for granules */
	uint32_t block; /* NO_BLOCK, or the block that splits `slot` */
	uint32_t granule; /* first granule, when block is set */
	uint32_t granules; /* 1 .. 64, when block is set */
};

/* Where a queue looks first; advice (P7). */
struct pool_hint {
	_Atomic uint32_t chunk[POOL_CLASSES]; /* in bounce->chunk[] */
	_Atomic uint32_t block; /* in bounce->block[] */
	_Atomic uint32_t slab; /* of the last large run */
	_Atomic uint32_t reclaim; /* block whose turn it was; block.c */
	_Atomic uint32_t node; /* whose slabs come first */
};

/* Who claims. */
struct pool_client {
	struct pool_hint *hint;
	/* For each of the instance's slabs the bus address of its first byte
	 * as the client's path sees it, or NO_BUS. */
	const uint64_t *bus;
	/* Space << 16 | owner tag: granules share a slot within one of them. */
	uint32_t tenant;
	uint32_t lane; /* of the queue and path (P8), or NO_LANE */
	/* Granules: a whole slot will do, so do not look at every block. */
	bool content;
	bool urgent; /* may use the chunks that are kept for such */
};

/*
 * bounce_pool_claim() - claim a run.
 *
 * @place->shift says at which level: a granule, slot, or chunk unit.
 *
 * Return: OK, ERR_FULL, ERR_FRAGMENTED, ERR_UNREACHABLE (no ready slab is
 * reached, or none at an address that @place allows). For granules also
 * ERR_FULL when no slot could be split, and to a @client who is content with a
 * whole slot also when a split one with room was not found at once.
 */
enum bounce_err bounce_pool_claim(struct bounce_pool *pool,
				  const struct bounce_place *place,
				  const struct pool_client *client,
				  struct bounce_run *run);

/* The part of it for slots, which a block is claimed for. */
enum bounce_err bounce_pool_claim_slots(struct bounce_pool *pool,
					const struct bounce_place *place,
					const struct pool_client *client,
					struct bounce_run *run);

/* Give a run back; by its owner, once. Wait-free where the CPU's AND is. */
void bounce_pool_release(struct bounce_pool *pool,
			 const struct bounce_run *run);

/* The same, by a client that would like to have it again soon. */
void bounce_pool_give_back(struct bounce_pool *pool,
			   const struct pool_client *client,
			   const struct bounce_run *run);

/* Release all but the first @keep slots of a run of slots; by its owner. */
void bounce_pool_trim(struct bounce_pool *pool, const struct bounce_run *run,
		      uint32_t keep);

/* The run of a record that speaks for @span bytes, which place() told. */
void bounce_pool_run_of(const struct bounce *bounce, uint32_t record,
			uint32_t span, struct bounce_run *run);

/* The record that speaks for a run. */
uint32_t bounce_pool_record_of(const struct bounce *bounce,
			       const struct bounce_run *run);

static inline size_t bounce_run_bytes(const struct bounce_run *run)
{
	if (run->block != NO_BLOCK)
		return (size_t)run->granules << BOUNCE_GRANULE_SHIFT;
	return (size_t)run->slots << BOUNCE_SLOT_SHIFT;
}

/* The run's first byte: the CPU's address, and its guest-physical address. */
unsigned char *bounce_pool_memory(const struct bounce *bounce,
				  const struct bounce_run *run);

/* Tree level of 64 B: claim, give back, and un-split what is empty; block.c. */
enum bounce_err bounce_block_claim(struct bounce_pool *pool,
				   const struct bounce_place *place,
				   const struct pool_client *client,
				   struct bounce_run *run);
/* Say again that a split slot has room, at all levels where it was missed. */
void bounce_block_reopen(struct bounce *bounce, uint32_t index);
/* The slot that run->block splits: fills in run->slab and run->slot. */
void bounce_block_locate(const struct bounce *bounce, struct bounce_run *run);
/* How many slots went back to the pool. */
uint32_t bounce_block_reclaim(struct bounce *bounce);
uint32_t bounce_block_free_count(const struct bounce *bounce);
/* @tenant is nobody's from now on: no granule of his slots is claimed any more,
 * also of one that could not be given back. */
void bounce_block_disown(struct bounce *bounce, uint32_t tenant);
/* Growth's last step (P5): all chunks of a slab become claimable. */
void bounce_pool_publish(struct bounce_slab *slab);

/* No slot is claimed from here on; what is claimed stays so. For when no other
 * CPU runs. */
void bounce_pool_close(struct bounce_slab *slab);

/* Retirement's first step (P5). False while a slot is claimed. */
bool bounce_pool_withdraw(struct bounce_pool *pool, struct bounce_slab *slab);

/* The bus address of a slab's first byte as the client sees it; NO_BUS when it
 * is not ready, or out of reach. */
uint64_t bounce_slab_bus(const struct bounce_pool *pool,
			 const struct pool_client *client, uint32_t slab);

/* Slots that nobody has claimed, of the chunks in a set; a snapshot. */
uint64_t bounce_slab_free_in(const struct bounce_slab *slab, uint64_t chunks);

static inline uint64_t bounce_slab_free_slots(const struct bounce_slab *slab)
{
	return bounce_slab_free_in(slab, slab->all_chunks);
}

/* The chunks of a slab that a client may use. */
static inline uint64_t bounce_slab_open(const struct bounce_slab *slab,
					const struct pool_client *client)
{
	return client->urgent ? slab->all_chunks :
				slab->all_chunks & ~slab->urgent_chunks;
}

/* Remember that a range is the library's, and, by that: could [gpa, +len) share
 * a byte with such a range? A quick no. */
void bounce_pool_widen(struct bounce *bounce, bounce_gpa_t gpa, uint64_t len);
bool bounce_pool_near(const struct bounce *bounce, bounce_gpa_t gpa,
		      uint64_t len);

/* The slab that holds a gpa, or NULL; slabs that were ever ready and are not
 * private again. */
struct bounce_slab *bounce_pool_find(const struct bounce *bounce,
				     bounce_gpa_t gpa);

/*
 * The set of bits at which @count (1 .. 64) adjacent bits of @free start: the
 * pure half of every claim.
 */
/*@ requires 1 <= count <= 64;
    assigns \nothing;
    ensures \forall integer i; 0 <= i <= 63 ==>
            ((\result >> i & 1) == 1 <==>
             (free >> i & (1 << count) - 1) == (1 << count) - 1); */
static inline uint64_t bounce_pool_runs(uint64_t free, unsigned count)
{
	unsigned have = 1;

	/* Invariant: bit i is set iff bits i .. i + have - 1 of @free are. To
	 * stop when none is left costs more branches than it saves steps. */
	while (have < count) {
		unsigned step = count - have < have ? count - have : have;

		free &= free >> step;
		have += step;
	}
	return free;
}

#endif
