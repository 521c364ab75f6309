/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * doors.c - the locks of the IOMMU backends: one word each, in front of what
 * one CPU does with a list, a ring or the host (E2, Y4, Z3).
 *
 * The host is played here; that it was asked is a plain write to `host`, and
 * two CPUs that ask at once are a race.
 */
#include <bounce/tce.h>
#include <bounce/zpci.h>

#include "groups.h"
#include "search.h"
#include "stand.h"
#include "tce.h"
#include "viommu.h"
#include "zpci.h"

#define RELAXED memory_order_relaxed
#define WINDOW (UINT64_C(1) << 30) /* bus addresses from here on */

static uint64_t host;

static void ask_host(void)
{
	explorer_plain(&host, sizeof(host), true);
}

static void is_over(unsigned frozen)
{
	(void)frozen;
}

/* ---- POWER: the list for many entries ---- */

static struct bounce_tce tce;
static _Alignas(
	BOUNCE_TCE_LIST_BYTES) unsigned char list[BOUNCE_TCE_LIST_BYTES];

/* H_PUT_TCE_INDIRECT reads the list; no other call is made. */
int64_t bounce_power_hcall(uint64_t function, uint64_t liobn, uint64_t bus,
			   uint64_t value, uint64_t count)
{
	(void)function;
	(void)liobn;
	(void)bus;
	if (value == tce.info.list_gpa.v)
		explorer_plain(list, count * 8, false);
	return 0;
}

static void setup_tce(void)
{
	const struct bounce_tce_info info = {
		.bus = { WINDOW },
		.len = 1 << 20,
		.flags = BOUNCE_TCE_MULTI,
		.list = list,
		.list_gpa = { UINT64_C(1) << 20 },
	};
	struct bounce_tce *made;

	explorer_check(bounce_tce_init(&tce, sizeof(tce), &info, &made) ==
		       BOUNCE_OK);
	explorer_keep(&tce, sizeof(tce));
	explorer_keep(list, sizeof(list));
}

static void map_pages(uint64_t at)
{
	const struct bounce_iommu_run run = {
		.bus = { WINDOW + at },
		.gpa = { at },
		.len = 8192,
		.access = BOUNCE_ACCESS_READ,
	};
	uint64_t done;

	explorer_check(bounce_iommu_tce.map(&tce, &run, 1, &done) ==
		       BOUNCE_STEP_DONE);
}

static void map_pages_0(void)
{
	map_pages(0);
}

static void map_pages_1(void)
{
	map_pages(1 << 16);
}

static const struct control of_the_list[] = {
	{ "put_some", EXPLORER_EXCHANGE, 0, RELAXED },
	{ "put_some", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- virtio-iommu: the request queue ---- */

static struct bounce_viommu viommu;

/* Whoever finds it locked gives up at once. */
static bool gives_up(void *ctx, uint64_t turn)
{
	(void)ctx;
	(void)turn;
	return false;
}

static void setup_viommu(void)
{
	viommu = (struct bounce_viommu) { .info.wait = gives_up };
	explorer_keep(&viommu, sizeof(viommu));
	explorer_keep(&host, sizeof(host));
}

static void request(void)
{
	if (!bounce_viommu_lock(&viommu))
		return;
	ask_host();
	bounce_viommu_unlock(&viommu);
}

static const struct control of_the_queue[] = {
	{ "bounce_viommu_lock", EXPLORER_EXCHANGE, 0, RELAXED },
	{ "bounce_viommu_unlock", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

/* ---- zPCI: a function's translation ---- */

#define HANDLE 5u

static _Alignas(BOUNCE_ZPCI_ALIGN) unsigned char zpci_memory[256];
static _Alignas(BOUNCE_ZPCI_TABLES_ALIGN) unsigned char tables[1 << 16];
static struct bounce_zpci *zpci;

unsigned bounce_s390_mpcifc(uint64_t *wanted, const void *fib)
{
	(void)wanted;
	(void)fib;
	ask_host();
	return 0;
}

unsigned bounce_s390_rpcit(uint64_t *wanted, uint64_t bus, uint64_t len)
{
	(void)wanted;
	(void)bus;
	(void)len;
	return 0;
}

/* Room for one function, which is attached. */
static void setup_zpci(void)
{
	const struct bounce_zpci_info info = {
		.tables = tables,
		.tables_gpa = { UINT64_C(1) << 20 },
		.bus = { WINDOW },
		.len = BOUNCE_ZPCI_WINDOW_ALIGN,
		.functions = 1,
	};

	explorer_check(bounce_zpci_tables_size(&info) <= sizeof(tables));
	explorer_check(bounce_zpci_init(zpci_memory, sizeof(zpci_memory), &info,
					&zpci) == BOUNCE_OK);
	explorer_check(bounce_zpci_attach(zpci, HANDLE) == BOUNCE_OK);
	explorer_keep(zpci_memory, sizeof(zpci_memory));
	explorer_keep(&host, sizeof(host));
}

static void detach_0(void)
{
	enum bounce_err err = bounce_zpci_detach(zpci, HANDLE);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_BUSY ||
		       err == BOUNCE_ERR_ARG);
}

static void attach_another_1(void)
{
	enum bounce_err err = bounce_zpci_attach(zpci, HANDLE + 1);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_FULL);
}

static void recover_1(void)
{
	enum bounce_err err = bounce_zpci_recover(zpci, HANDLE);

	explorer_check(err == BOUNCE_OK || err == BOUNCE_ERR_BUSY ||
		       err == BOUNCE_ERR_ARG);
}

static void is_settled(unsigned frozen)
{
	(void)frozen;
	explorer_check(bounce_zpci_valid(zpci));
}

static const struct control of_a_place[] = {
	{ "look", EXPLORER_LOAD, 0, RELAXED },
	{ "set", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

static const struct control of_a_change[] = {
	{ "seize", EXPLORER_SWAP, 0, RELAXED },
	{ "set", EXPLORER_STORE, 0, RELAXED },
	{ NULL, 0, 0, 0 },
};

const struct scenario doors_scenarios[] = {
	{ .name = "a list of entries is read before it is written again",
	  .setup = setup_tce,
	  .thread = { map_pages_0, map_pages_1 },
	  .check = is_over,
	  .controls = of_the_list },
	{ .name = "a request queue is one CPU's at a time",
	  .setup = setup_viommu,
	  .thread = { request, request, request },
	  .check = is_over,
	  .controls = of_the_queue },
	{ .name = "a place is given away after its function is out",
	  .setup = setup_zpci,
	  .thread = { detach_0, attach_another_1 },
	  .check = is_settled,
	  .controls = of_a_place },
	{ .name = "a function is changed by one CPU at a time",
	  .setup = setup_zpci,
	  .thread = { detach_0, recover_1 },
	  .check = is_settled,
	  .controls = of_a_change },
	{ .name = NULL },
};
