/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * packet.c - building and checking the packets of packet.h.
 *
 * Sources: IEEE 802.3 clause 3 (Ethernet), RFC 826 (ARP), RFC 791 (IPv4), RFC
 * 792 (ICMP), RFC 1071 (their checksum). Numbers are big-endian.
 */
#include "packet.h"

#include "guest.h"

#define ETHERNET_HEADER 14u
#define TYPE_IP 0x0800u
#define TYPE_ARP 0x0806u

#define ARP_BYTES 28u
#define ARP_HARDWARE_ETHERNET 1u
#define ARP_REQUEST 1u
#define ARP_REPLY 2u

#define IP_HEADER 20u /* without options */
#define IP_VERSION 4u
#define IP_TOTAL 2u
#define IP_FRAGMENT 6u
#define IP_FRAGMENT_MASK 0x3fffu /* more fragments, and the offset */
#define IP_PROTOCOL 9u
#define IP_CHECKSUM 10u
#define IP_SOURCE 12u
#define IP_DESTINATION 16u
#define IP_TTL 64u
#define PROTOCOL_ICMP 1u

#define ICMP_HEADER 8u
#define ICMP_CHECKSUM 2u
#define ICMP_ID 4u
#define ICMP_SEQUENCE 6u
#define ICMP_ECHO 8u
#define ICMP_ECHO_REPLY 0u
_Static_assert(ETHERNET_HEADER + IP_HEADER + ICMP_HEADER == PACKET_ECHO_HEADERS,
	       "packet.h");

static void put16(unsigned char *at, uint32_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static uint16_t get16(const unsigned char *at)
{
	return (uint16_t)((uint32_t)at[0] << 8 | at[1]);
}

/* RFC 1071; 0 over bytes that hold their own right checksum. */
static uint16_t checksum(const unsigned char *bytes, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ---- building ---- */

static void put_ethernet(unsigned char *packet, const unsigned char *to,
			 const unsigned char *from, uint32_t type)
{
	memcpy(packet, to, PACKET_ETHERNET_BYTES);
	memcpy(packet + PACKET_ETHERNET_BYTES, from, PACKET_ETHERNET_BYTES);
	put16(packet + 2 * PACKET_ETHERNET_BYTES, type);
}

uint32_t packet_ask(unsigned char packet[PACKET_MAX],
		    const struct packet_pair *pair)
{
	static const unsigned char everyone[PACKET_ETHERNET_BYTES] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	unsigned char *arp = packet + ETHERNET_HEADER;

	put_ethernet(packet, everyone, pair->near.ethernet, TYPE_ARP);
	memset(arp, 0, ARP_BYTES);
	put16(arp, ARP_HARDWARE_ETHERNET);
	put16(arp + 2, TYPE_IP);
	arp[4] = PACKET_ETHERNET_BYTES;
	arp[5] = PACKET_IP_BYTES;
	put16(arp + 6, ARP_REQUEST);
	memcpy(arp + 8, pair->near.ethernet, PACKET_ETHERNET_BYTES);
	memcpy(arp + 14, pair->near.ip, PACKET_IP_BYTES);
	memcpy(arp + 24, pair->far.ip, PACKET_IP_BYTES);
	return ETHERNET_HEADER + ARP_BYTES;
}

void packet_seal(unsigned char *packet)
{
	unsigned char *ip = packet + ETHERNET_HEADER;

	put16(ip + IP_CHECKSUM, 0);
	put16(ip + IP_CHECKSUM, checksum(ip, IP_HEADER));
}

static void put_icmp(unsigned char *icmp, const struct packet_echo *echo)
{
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = ICMP_ECHO;
	put16(icmp + ICMP_ID, echo->id);
	put16(icmp + ICMP_SEQUENCE, echo->sequence);
	memcpy(icmp + ICMP_HEADER, echo->payload, echo->len);
	put16(icmp + ICMP_CHECKSUM, checksum(icmp, ICMP_HEADER + echo->len));
}

uint32_t packet_echo(unsigned char packet[PACKET_MAX],
		     const struct packet_pair *pair,
		     const struct packet_echo *echo)
{
	unsigned char *ip = packet + ETHERNET_HEADER;
	uint32_t len = IP_HEADER + ICMP_HEADER + echo->len;

	put_ethernet(packet, pair->far.ethernet, pair->near.ethernet, TYPE_IP);
	memset(ip, 0, IP_HEADER);
	ip[0] = IP_VERSION << 4 | IP_HEADER / 4;
	put16(ip + IP_TOTAL, len);
	ip[8] = IP_TTL;
	ip[IP_PROTOCOL] = PROTOCOL_ICMP;
	memcpy(ip + IP_SOURCE, pair->near.ip, PACKET_IP_BYTES);
	memcpy(ip + IP_DESTINATION, pair->far.ip, PACKET_IP_BYTES);
	packet_seal(packet);
	put_icmp(ip + IP_HEADER, echo);
	return ETHERNET_HEADER + len;
}

/* ---- checking ---- */

/* What is left of a packet. */
struct rest {
	const unsigned char *bytes;
	uint32_t len;
};

/* The next @len bytes, or NULL when they are not there. */
static const unsigned char *take(struct rest *rest, uint32_t len)
{
	const unsigned char *bytes = rest->bytes;

	if (len > rest->len)
		return NULL;
	rest->bytes += len;
	rest->len -= len;
	return bytes;
}

static bool same(const unsigned char *a, const unsigned char *b, uint32_t len)
{
	return memcmp(a, b, len) == 0;
}

static bool take_ethernet(struct rest *rest, const struct packet_pair *pair,
			  uint32_t type)
{
	const unsigned char *header = take(rest, ETHERNET_HEADER);

	return header != NULL &&
	       same(header, pair->near.ethernet, PACKET_ETHERNET_BYTES) &&
	       get16(header + 2 * PACKET_ETHERNET_BYTES) == type;
}

bool packet_told(const unsigned char *packet, uint32_t len,
		 struct packet_pair *pair)
{
	struct rest rest = { packet, len };
	const unsigned char *arp;

	if (!take_ethernet(&rest, pair, TYPE_ARP))
		return false;
	arp = take(&rest, ARP_BYTES);
	if (arp == NULL || get16(arp) != ARP_HARDWARE_ETHERNET ||
	    get16(arp + 2) != TYPE_IP || arp[4] != PACKET_ETHERNET_BYTES ||
	    arp[5] != PACKET_IP_BYTES || get16(arp + 6) != ARP_REPLY)
		return false;
	if (!same(arp + 14, pair->far.ip, PACKET_IP_BYTES) ||
	    !same(arp + 18, pair->near.ethernet, PACKET_ETHERNET_BYTES) ||
	    !same(arp + 24, pair->near.ip, PACKET_IP_BYTES))
		return false;
	memcpy(pair->far.ethernet, arp + 8, PACKET_ETHERNET_BYTES);
	return true;
}

/* Leaves what IPv4 carries: options and Ethernet's padding are cut off. */
static bool take_ip(struct rest *rest, const struct packet_pair *pair)
{
	struct rest whole = *rest;
	const unsigned char *ip = take(&whole, IP_HEADER);
	uint32_t header;
	uint32_t total;

	if (ip == NULL || ip[0] >> 4 != IP_VERSION)
		return false;
	header = (ip[0] & 0xfu) * 4;
	total = get16(ip + IP_TOTAL);
	if (header < IP_HEADER || total < header || total > rest->len ||
	    checksum(ip, header) != 0)
		return false;
	if ((get16(ip + IP_FRAGMENT) & IP_FRAGMENT_MASK) != 0 ||
	    ip[IP_PROTOCOL] != PROTOCOL_ICMP ||
	    !same(ip + IP_SOURCE, pair->far.ip, PACKET_IP_BYTES) ||
	    !same(ip + IP_DESTINATION, pair->near.ip, PACKET_IP_BYTES))
		return false;
	rest->len = total;
	return take(rest, header) != NULL;
}

bool packet_echoed(const unsigned char *packet, uint32_t len,
		   const struct packet_pair *pair, struct packet_echo *echo)
{
	struct rest rest = { packet, len };
	const unsigned char *icmp;

	if (!take_ethernet(&rest, pair, TYPE_IP) ||
	    !same(packet + PACKET_ETHERNET_BYTES, pair->far.ethernet,
		  PACKET_ETHERNET_BYTES) ||
	    !take_ip(&rest, pair) || checksum(rest.bytes, rest.len) != 0)
		return false;
	icmp = take(&rest, ICMP_HEADER);
	if (icmp == NULL || icmp[0] != ICMP_ECHO_REPLY || icmp[1] != 0)
		return false;
	*echo = (struct packet_echo) {
		.id = get16(icmp + ICMP_ID),
		.sequence = get16(icmp + ICMP_SEQUENCE),
		.len = rest.len,
		.payload = rest.bytes,
	};
	return true;
}
