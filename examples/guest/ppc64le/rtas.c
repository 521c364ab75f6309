/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * rtas.c - Run-Time Abstraction Services: configuration cycles, power-off.
 *
 * On a machine with firmware RTAS is code; without, QEMU takes the argument
 * block straight from a hypervisor call. Its words are big-endian, and it must
 * lie below 4 GiB. One call at a time: this guest has one CPU.
 *
 * Source: LoPAR 1.1, RTAS argument buffer.
 */
#include "power.h"

#define CELLS 16

static uint32_t block[CELLS] __attribute__((aligned(64)));

uint32_t rtas_token(const char *service)
{
	uint32_t len;
	const unsigned char *value = tree_property("rtas", service, &len);

	return value != NULL && len == 4 ? tree_cell(value) : RTAS_NO_TOKEN;
}

static uint32_t big(uint32_t x)
{
	return __builtin_bswap32(x);
}

void rtas_call(struct rtas_call *call)
{
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
