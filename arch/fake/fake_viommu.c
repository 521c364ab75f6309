/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fake_viommu.c - see fake_viommu.h. Little-endian by bytes, on any CPU.
 *
 * Source: VIRTIO 1.2, 2.7 and 5.13.6.
 */
#include "fake_viommu.h"

#include <string.h>

#define PAGE UINT64_C(4096)

enum status {
	OK = 0,
	UNSUPPORTED = 2,
	INVALID = 4,
	RANGE = 5,
	NO_ENTRY = 6,
	NO_MEMORY = 8,
};

/* ---- memory by bus address ---- */

static unsigned char *at(const struct fake_viommu *v, uint64_t bus,
			 uint64_t len)
{
	if (bus < v->bus || bus - v->bus > v->bytes ||
	    len > v->bytes - (bus - v->bus))
		return NULL;
	return v->memory + (bus - v->bus);
}

static uint64_t get(const unsigned char *from, uint32_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | from[bytes];
	return value;
}

static void put(unsigned char *to, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

/* ---- rings ---- */

struct chain {
	uint32_t head;
	unsigned char *question; /* NULL: none */
	uint32_t question_len;
	unsigned char *answer;
	uint32_t answer_len;
};

static bool read_chain(struct fake_viommu *v, uint32_t queue,
		       struct chain *chain)
{
	const struct bounce_viommu_ring *ring = &v->ring[queue];
	uint32_t index = chain->head;

	for (uint32_t i = 0; i < 2; i++) {
		const unsigned char *d = at(v, ring->descriptors.v + 16 * index,
					    16);
		uint32_t len = (uint32_t)get(d + 8, 4);
		uint32_t flags = (uint32_t)get(d + 12, 2);
		unsigned char *memory = at(v, get(d, 8), len);

		if (memory == NULL)
			return false;
		if ((flags & 2) != 0) {
			chain->answer = memory;
			chain->answer_len = len;
		} else {
			chain->question = memory;
			chain->question_len = len;
		}
		if ((flags & 1) == 0)
			return true;
		index = (uint32_t)get(d + 14, 2);
		if (index >= ring->entries)
			return false;
	}
	return false;
}

/* The next available chain, or false. */
static bool take(struct fake_viommu *v, uint32_t queue, struct chain *chain)
{
	const struct bounce_viommu_ring *ring = &v->ring[queue];
	unsigned char *available = at(v, ring->available.v,
				      4 + 2 * ring->entries);

	*chain = (struct chain) { .head = 0 };
	if ((uint16_t)get(available + 2, 2) == v->seen[queue])
		return false;
	chain->head = (uint32_t)get(
		available + 4 + 2 * (v->seen[queue] % ring->entries), 2);
	v->seen[queue]++;
	if (chain->head < ring->entries && read_chain(v, queue, chain))
		return true;
	v->wrong++;
	return false;
}

static void push_used(struct fake_viommu *v, uint32_t queue, uint32_t id,
		      uint32_t len)
{
	const struct bounce_viommu_ring *ring = &v->ring[queue];
	unsigned char *used = at(v, ring->used.v, 4 + 8 * ring->entries);
	unsigned char *element = used + 4 +
				 8 * (v->used[queue] % ring->entries);

	put(element, id, 4);
	put(element + 4, len, 4);
	v->used[queue]++;
	put(used + 2, v->used[queue], 2);
}

static void complete(struct fake_viommu *v, const struct chain *chain,
		     uint32_t len)
{
	switch (v->mood) {
	case FAKE_VIOMMU_SILENT:
		return;
	case FAKE_VIOMMU_WRONG_ID:
		push_used(v, 0, chain->head + 1, len);
		return;
	case FAKE_VIOMMU_WRONG_LENGTH:
		push_used(v, 0, chain->head, chain->answer_len + 1);
		return;
	case FAKE_VIOMMU_AHEAD:
		v->used[0] = (uint16_t)(v->used[0] + 100);
		break;
	case FAKE_VIOMMU_TWICE:
		push_used(v, 0, chain->head, len);
		break;
	case FAKE_VIOMMU_HONEST:
	case FAKE_VIOMMU_MOODS:
		break;
	}
	push_used(v, 0, chain->head, len);
}

/* ---- requests ---- */

static int endpoint_of(const struct fake_viommu *v, uint32_t endpoint)
{
	for (int i = 0; i < (int)FAKE_VIOMMU_ENDPOINTS; i++)
		if (v->endpoint[i] == endpoint && endpoint != 0)
			return i;
	return -1;
}

static bool domain_exists(const struct fake_viommu *v, uint32_t domain)
{
	for (uint32_t i = 0; i < FAKE_VIOMMU_ENDPOINTS; i++)
		if (v->domain_of[i] == domain && domain != 0)
			return true;
	return false;
}

static enum status attach(struct fake_viommu *v, const unsigned char *q,
			  bool on)
{
	uint32_t domain = (uint32_t)get(q + 4, 4);
	int i = endpoint_of(v, (uint32_t)get(q + 8, 4));

	if (i < 0)
		return NO_ENTRY;
	if (on && v->domain_of[i] != 0)
		v->wrong++; /* attached twice: empties the domain in QEMU */
	if (!on && v->domain_of[i] != domain)
		return INVALID;
	v->domain_of[i] = on ? domain : 0;
	return OK;
}

static bool overlaps(const struct fake_viommu_mapping *m, uint32_t domain,
		     uint64_t first, uint64_t last)
{
	return m->access != 0 && m->domain == domain && m->first <= last &&
	       first <= m->last;
}

static enum status map(struct fake_viommu *v, const unsigned char *q)
{
	const struct fake_viommu_mapping m = {
		.domain = (uint32_t)get(q + 4, 4),
		.first = get(q + 8, 8),
		.last = get(q + 16, 8),
		.gpa = get(q + 24, 8),
		.access = (uint32_t)get(q + 32, 4),
	};
	int room = -1;

	if (!domain_exists(v, m.domain))
		return NO_ENTRY;
	if (((m.first | (m.last + 1) | m.gpa) & (PAGE - 1)) != 0 ||
	    m.last < m.first || m.access == 0 || m.access > 3)
		v->wrong++;
	for (int i = 0; i < (int)FAKE_VIOMMU_MAPPINGS; i++) {
		if (overlaps(&v->mapping[i], m.domain, m.first, m.last))
			return INVALID;
		if (v->mapping[i].access == 0)
			room = i;
	}
	if (room < 0)
		return NO_MEMORY;
	v->mapping[room] = m;
	return OK;
}

static enum status unmap(struct fake_viommu *v, const unsigned char *q)
{
	uint32_t domain = (uint32_t)get(q + 4, 4);
	uint64_t first = get(q + 8, 8);
	uint64_t last = get(q + 16, 8);

	if (!domain_exists(v, domain))
		return NO_ENTRY;
	for (uint32_t i = 0; i < FAKE_VIOMMU_MAPPINGS; i++) {
		const struct fake_viommu_mapping *m = &v->mapping[i];

		if (overlaps(m, domain, first, last) &&
		    (m->first < first || m->last > last))
			return RANGE;
	}
	for (uint32_t i = 0; i < FAKE_VIOMMU_MAPPINGS; i++)
		if (overlaps(&v->mapping[i], domain, first, last))
			v->mapping[i].access = 0;
	return OK;
}

static enum status probe(struct fake_viommu *v, const struct chain *chain)
{
	if (endpoint_of(v, (uint32_t)get(chain->question + 4, 4)) < 0)
		return NO_ENTRY;
	memcpy(chain->answer, v->property,
	       chain->answer_len - 4 < sizeof(v->property) ?
		       chain->answer_len - 4 :
		       sizeof(v->property));
	return OK;
}

static enum status perform(struct fake_viommu *v, const struct chain *chain)
{
	static const uint8_t lengths[] = { 0, 20, 20, 36, 28, 72 };
	uint32_t type = chain->question[0];

	if (type >= sizeof(lengths) || chain->question_len != lengths[type] ||
	    chain->answer_len < 4) {
		v->wrong++;
		return UNSUPPORTED;
	}
	switch (type) {
	case 1:
	case 2:
		return attach(v, chain->question, type == 1);
	case 3:
		return map(v, chain->question);
	case 4:
		return unmap(v, chain->question);
	default:
		return probe(v, chain);
	}
}

void fake_viommu_notify(void *viommu, uint32_t queue)
{
	struct fake_viommu *v = viommu;
	struct chain chain;

	v->notified[queue]++;
	while (queue == BOUNCE_VIOMMU_REQUESTS && take(v, queue, &chain)) {
		uint8_t status;

		if (chain.question == NULL || chain.answer == NULL) {
			v->wrong++;
			return;
		}
		if (v->requests++ == v->fail_at)
			status = v->fail_status;
		else
			status = (uint8_t)perform(v, &chain);
		put(chain.answer + chain.answer_len - 4, status, 4);
		complete(v, &chain, chain.answer_len);
	}
}

bool fake_viommu_wait(void *viommu, uint64_t turn)
{
	const struct fake_viommu *v = viommu;

	return turn < v->patience;
}

void fake_viommu_set_bypass(void *viommu, bool on)
{
	struct fake_viommu *v = viommu;

	v->bypass = on;
}

/* ---- for tests ---- */

struct bounce_viommu_info fake_viommu_info(struct fake_viommu *v)
{
	return (struct bounce_viommu_info) {
		.ctx = v,
		.notify = fake_viommu_notify,
		.wait = fake_viommu_wait,
		.set_bypass = fake_viommu_set_bypass,
		.bus = { FAKE_VIOMMU_BUS },
		.features = BOUNCE_VIOMMU_FEATURES,
		.page_size_mask = ~(PAGE - 1),
		.input_first = { PAGE },
		.input_last = { (UINT64_C(1) << 48) - 1 },
		.domain_first = 1,
		.domain_last = 15,
		.probe_size = FAKE_VIOMMU_PROBE_SIZE,
		.entries = 8,
		.domains = 2,
		.endpoints = 2,
	};
}

bool fake_viommu_reach(const struct fake_viommu *v, uint32_t endpoint,
		       uint64_t bus, uint32_t access, uint64_t *gpa)
{
	int i = endpoint_of(v, endpoint);

	if (i < 0)
		return false;
	*gpa = bus;
	if (v->domain_of[i] == 0)
		return v->bypass;
	for (uint32_t k = 0; k < FAKE_VIOMMU_MAPPINGS; k++) {
		const struct fake_viommu_mapping *m = &v->mapping[k];

		if (!overlaps(m, v->domain_of[i], bus, bus) ||
		    (m->access & access) != access)
			continue;
		*gpa = m->gpa + (bus - m->first);
		return true;
	}
	return false;
}

uint32_t fake_viommu_mappings(const struct fake_viommu *v)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < FAKE_VIOMMU_MAPPINGS; i++)
		count += v->mapping[i].access != 0;
	return count;
}

bool fake_viommu_report(struct fake_viommu *v,
			const struct bounce_viommu_fault *fault, uint32_t bytes)
{
	struct chain chain;

	if (!take(v, BOUNCE_VIOMMU_EVENTS, &chain) || chain.answer == NULL ||
	    chain.answer_len < 24)
		return false;
	memset(chain.answer, 0, 24);
	chain.answer[0] = fault->reason;
	put(chain.answer + 4, fault->flags, 4);
	put(chain.answer + 8, fault->endpoint, 4);
	put(chain.answer + 16, fault->address, 8);
	push_used(v, BOUNCE_VIOMMU_EVENTS, chain.head, bytes);
	return true;
}
