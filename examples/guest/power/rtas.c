/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * rtas.c - Run-Time Abstraction Services: configuration, CPUs, power-off.
 *
 * On a machine with firmware RTAS is code; without, QEMU takes the argument
 * block straight from a hypervisor call. Its words are big-endian, and it must
 * lie below 4 GiB: on the caller's stack, so that two CPUs can call at once.
 *
 * Source: LoPAR 1.1, RTAS argument buffer.
 */
#include "power.h"

#define CELLS 16

uint32_t rtas_token(const char *service)
{
	uint32_t len;
	const unsigned char *value = tree_property("rtas", service, &len);

	return value != NULL && len == 4 ? tree_cell(value) : RTAS_NO_TOKEN;
}

/* Big-endian from native, and back. */
static uint32_t big(uint32_t x)
{
	return GUEST_IS_LITTLE ? __builtin_bswap32(x) : x;
}

void rtas_call(struct rtas_call *call)
{
	uint32_t block[CELLS];
	uint32_t *cell = block;

	*cell++ = big(call->token);
	*cell++ = big(call->arguments);
	*cell++ = big(call->results);
	for (uint32_t i = 0; i < call->arguments; i++)
		*cell++ = big(call->argument[i]);
	for (uint32_t i = 0; i < call->results; i++)
		cell[i] = big(UINT32_MAX);

	(void)power_hcall(KVMPPC_H_RTAS, (uintptr_t)block, 0, 0, 0);

	for (uint32_t i = 0; i < call->results; i++)
		call->result[i] = big(cell[i]);
}
