/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * packet.h - the few packets that a ping takes: Ethernet, ARP, IPv4, ICMP echo.
 *
 * Pure: bytes in, bytes out. What is parsed lies in private memory already and
 * may hold anything: every field is looked at only when it is there, and a
 * packet is refused as a whole when one field is not as it must be.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_ETHERNET_BYTES 6u /* of an address */
#define PACKET_IP_BYTES 4u
#define PACKET_MAX 1514u /* 1500 behind an Ethernet header */
/* Ethernet, IPv4 without options and ICMP: what precedes an echo's payload. */
#define PACKET_ECHO_HEADERS 42u

struct packet_host {
	unsigned char ethernet[PACKET_ETHERNET_BYTES];
	unsigned char ip[PACKET_IP_BYTES];
};

/* An echo and its answer carry the same. */
struct packet_echo {
	uint16_t id;
	uint16_t sequence;
	uint32_t len;
	const unsigned char *payload;
};

/* Who asks, and who is asked. */
struct packet_pair {
	struct packet_host near;
	struct packet_host far;
};

/* packet_ask() - ARP: who has pair->far.ip? Returns the packet's bytes. */
uint32_t packet_ask(unsigned char packet[PACKET_MAX],
		    const struct packet_pair *pair);

/* packet_told() - is it the answer? Then pair->far.ethernet is filled in. */
bool packet_told(const unsigned char *packet, uint32_t len,
		 struct packet_pair *pair);

/*
 * packet_echo() - an echo request; its payload must fit PACKET_MAX.
 * Returns the packet's bytes.
 */
uint32_t packet_echo(unsigned char packet[PACKET_MAX],
		     const struct packet_pair *pair,
		     const struct packet_echo *echo);

/* packet_echoed() - is it an answer? Then @echo says to what. */
bool packet_echoed(const unsigned char *packet, uint32_t len,
		   const struct packet_pair *pair, struct packet_echo *echo);

/* packet_seal() - make the IPv4 header's checksum right, for a test's lies. */
void packet_seal(unsigned char *packet);

#endif
