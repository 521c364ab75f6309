/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * atomics.h - C11's atomic accesses, handed to the explorer. Included before
 * anything else of each library source (clang -include), which stays as it is:
 * types, layout and order arguments are its own.
 *
 * Each access is a site: where it stands and its orders, which the explorer
 * may weaken while it runs. Plain accesses come by way of -fsanitize=thread,
 * whose calls hooks.c answers.
 */
#ifndef EXPLORER_ATOMICS_H
#define EXPLORER_ATOMICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum explorer_access {
	EXPLORER_LOAD,
	EXPLORER_STORE,
	EXPLORER_AND,
	EXPLORER_OR,
	EXPLORER_ADD, /* and subtract */
	EXPLORER_EXCHANGE,
	EXPLORER_SWAP, /* compare and exchange */
	EXPLORER_FENCE,
};

struct explorer_site {
	const char *file;
	const char *function;
	int line;
	enum explorer_access access;
	int order;
	int failure; /* of a compare and exchange */
	bool touched; /* a thread made it, to an atomic that others share */
};

uint64_t explorer_load(struct explorer_site *site, const volatile void *p,
		       size_t size);
void explorer_store(struct explorer_site *site, volatile void *p, size_t size,
		    uint64_t value);
/* AND, OR, ADD, EXCHANGE: what was there. */
uint64_t explorer_change(struct explorer_site *site, volatile void *p,
			 size_t size, uint64_t value);
/* @old is written when it fails. @weak: it may fail for no reason. */
bool explorer_swap(struct explorer_site *site, volatile void *p, size_t size,
		   uint64_t *old, uint64_t value);
bool explorer_swap_weak(struct explorer_site *site, volatile void *p,
			size_t size, uint64_t *old, uint64_t value);
void explorer_fence(struct explorer_site *site);

/* For memcpy() and memset() of copy.c: -D. */
void *explorer_memcpy(void *restrict to, const void *restrict from, size_t len);
void *explorer_memset(void *to, int byte, size_t len);

/* The linker gathers them: __start_explorer_sites[]. */
#define explorer_site(what, success, otherwise)                              \
	__extension__({                                                      \
		static struct explorer_site site_                            \
			__attribute__((used, section("explorer_sites"))) = { \
				__FILE__,  __func__,	__LINE__, (what),    \
				(success), (otherwise), false                \
			};                                                   \
		&site_;                                                      \
	})

/* The type of an atomic's value: the comma drops _Atomic. */
#define explorer_type(p) __typeof__(((void)0, *(p)))

#undef atomic_load_explicit
#define atomic_load_explicit(p, order)                                       \
	((explorer_type(p))explorer_load(explorer_site(EXPLORER_LOAD, order, \
						       order),               \
					 (p), sizeof(*(p))))

#undef atomic_store_explicit
#define atomic_store_explicit(p, value, order)                           \
	explorer_store(explorer_site(EXPLORER_STORE, order, order), (p), \
		       sizeof(*(p)), (uint64_t)(value))

#define explorer_changed(what, p, value, order)                               \
	((explorer_type(p))explorer_change(explorer_site(what, order, order), \
					   (p), sizeof(*(p)),                 \
					   (uint64_t)(value)))

#undef atomic_fetch_and_explicit
#define atomic_fetch_and_explicit(p, value, order) \
	explorer_changed(EXPLORER_AND, p, value, order)
#undef atomic_fetch_or_explicit
#define atomic_fetch_or_explicit(p, value, order) \
	explorer_changed(EXPLORER_OR, p, value, order)
#undef atomic_fetch_add_explicit
#define atomic_fetch_add_explicit(p, value, order) \
	explorer_changed(EXPLORER_ADD, p, value, order)
#undef atomic_fetch_sub_explicit
#define atomic_fetch_sub_explicit(p, value, order) \
	explorer_changed(EXPLORER_ADD, p, -(uint64_t)(value), order)
#undef atomic_exchange_explicit
#define atomic_exchange_explicit(p, value, order) \
	explorer_changed(EXPLORER_EXCHANGE, p, value, order)

#define explorer_swapped(call, p, old, value, order, otherwise)              \
	__extension__({                                                      \
		__typeof__(old) old_ = (old);                                \
		uint64_t was_ = (uint64_t)*old_;                             \
		bool done_ =                                                 \
			call(explorer_site(EXPLORER_SWAP, order, otherwise), \
			     (p), sizeof(*(p)), &was_, (uint64_t)(value));   \
		*old_ = (__typeof__(*old_))was_;                             \
		done_;                                                       \
	})

#undef atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_strong_explicit(p, old, value, order, failure) \
	explorer_swapped(explorer_swap, p, old, value, order, failure)
#undef atomic_compare_exchange_weak_explicit
#define atomic_compare_exchange_weak_explicit(p, old, value, order, failure) \
	explorer_swapped(explorer_swap_weak, p, old, value, order, failure)

#undef atomic_thread_fence
#define atomic_thread_fence(order) \
	explorer_fence(explorer_site(EXPLORER_FENCE, order, order))

#endif
