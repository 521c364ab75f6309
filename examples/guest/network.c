/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * network.c - the network scenario.
 *
 * What QEMU counts as written and yet leaves as it was, are bytes 10 and 11 of
 * a received packet's header (num_buffers, when MRG_RXBUF was not accepted).
 * So the library hands on what the slot held before, and it must not be another
 * owner's. Strangers and friends of the device's owner fill the pool's slots
 * before the device gets them.
 *
 * Source of the addresses: QEMU, "Network emulation", user mode: the guest is
 * 10.0.2.15, the gateway 10.0.2.2; it answers echo requests itself.
 */
#include "network.h"
#include "control.h"
#include "net.h"

/* Owners of bytes: the device's, and another one. */
#define OWNER 7u
#define OTHER_OWNER 8u

/* Requesters that no device has: slots 30 and 31 of PCI, or no subchannel. */
#define STRANGER 0xf0u
#define FRIEND 0xf8u

#define LEFT_BEHIND 0xeeu
#define SLOTS (GUEST_CONTROL_POOL_BYTES / BOUNCE_SLOT_BYTES)

#define HEADER_UNWRITTEN 10u /* 5.1.6: num_buffers, le16 */

#define ECHO_ID 0x4242u
#define ECHO_SMALLEST 8u
#define ECHO_LARGEST 1400u
#define ECHOES 96u
#define BURST 5u /* requests sent before the first answer is taken */
_Static_assert(BURST < NET_BUFFERS, "an answer finds a buffer");

static struct net net;
static unsigned char payload[ECHO_LARGEST + ECHOES];
static unsigned char page[BOUNCE_SLOT_BYTES]
	__attribute__((aligned(BOUNCE_SLOT_BYTES)));

struct scenario {
	const struct network_place *place;
	struct packet_pair pair;
	uint16_t sent; /* sequence number of the next request */
	uint16_t answered; /* and of the next answer */
	bool odd; /* something came that must not */
	unsigned char last[PACKET_MAX]; /* the last good answer */
	uint32_t last_len;
};

/* ---- slots that somebody else had before ---- */

/* Fill all free slots of the pool with bytes of @owner, and let them go. */
static bool fill_slots(const struct scenario *run, uint16_t owner,
		       uint16_t requester)
{
	static struct bounce_mapping mapping[SLOTS];
	struct bounce_device_info info;
	struct bounce_device *device;
	struct bounce_queue *queue;
	struct bounce_buf buf = guest_buffer(page, sizeof(page));
	uint32_t count = 0;
	bool good = true;

	driver_describe(&net.driver.device, run->place->space, &info);
	info.owner = owner;
	info.requester = requester;
	if (bounce_device_attach(run->place->bounce, &info, &device, NULL) !=
	    BOUNCE_OK)
		return false;
	queue = bounce_device_queue(device, 0);
	memset(page, LEFT_BEHIND, sizeof(page));
	while (count < SLOTS && bounce_map(queue, &buf, BOUNCE_TO_DEVICE,
					   &mapping[count]) == BOUNCE_OK)
		count++;
	for (uint32_t i = 0; i < count; i++)
		good &= bounce_unmap(queue, &mapping[i], 0) == BOUNCE_OK;
	good &= bounce_device_detach(device) == BOUNCE_OK;
	/* All but the two rings. */
	return good && count == SLOTS - 2;
}

static bool post_all(void)
{
	for (uint32_t i = 0; i < NET_BUFFERS; i++)
		if (!net.buffer[i].posted && net_post(&net, i) != BOUNCE_OK)
			return false;
	return true;
}

/* ---- asking and answering ---- */

/* Sizes from the smallest to the largest, all different bytes. */
static uint32_t size_of(uint16_t sequence)
{
	uint32_t span = ECHO_LARGEST - ECHO_SMALLEST + 1;

	if (sequence == 0)
		return ECHO_SMALLEST;
	if (sequence == 1)
		return ECHO_LARGEST;
	return ECHO_SMALLEST + sequence * 379u % span;
}

static struct packet_echo request_of(uint16_t sequence)
{
	return (struct packet_echo) {
		.id = ECHO_ID,
		.sequence = sequence,
		.len = size_of(sequence),
		.payload = payload + sequence % ECHOES,
	};
}

static bool send_echo(struct scenario *run)
{
	const struct packet_echo echo = request_of(run->sent++);

	return net_send(&net,
			packet_echo(net.out + NET_HEADER, &run->pair, &echo));
}

/* Is it the answer that is due? QEMU's user network keeps the order. */
static bool check_answer(struct scenario *run, const struct net_packet *packet)
{
	const struct packet_echo due = request_of(run->answered++);
	struct packet_echo echo;

	if (!packet_echoed(packet->bytes, packet->len, &run->pair, &echo) ||
	    echo.id != due.id || echo.sequence != due.sequence ||
	    echo.len != due.len ||
	    memcmp(echo.payload, due.payload, due.len) != 0)
		return false;
	memcpy(run->last, packet->bytes, packet->len);
	run->last_len = packet->len;
	return true;
}

/* Send @count requests, then take as many answers; @old counts the buffers
 * whose unwritten header bytes were not 0. */
static bool burst(struct scenario *run, uint32_t count, uint32_t *old)
{
	struct net_packet packet;

	for (uint32_t i = 0; i < count; i++)
		if (!send_echo(run))
			return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!net_receive(&net, &packet) || packet.len > PACKET_MAX ||
		    !check_answer(run, &packet))
			return false;
		*old += packet.header[HEADER_UNWRITTEN] != 0 ||
			packet.header[HEADER_UNWRITTEN + 1] != 0;
	}
	return true;
}

static bool ask_gateway(struct scenario *run, uint32_t *old)
{
	struct net_packet packet;

	if (!net_send(&net, packet_ask(net.out + NET_HEADER, &run->pair)) ||
	    !net_receive(&net, &packet))
		return false;
	*old += packet.header[HEADER_UNWRITTEN] != 0 ||
		packet.header[HEADER_UNWRITTEN + 1] != 0;
	return packet_told(packet.bytes, packet.len, &run->pair);
}

/* ---- the controls ---- */

/*
 * All buffers once after a stranger, all once after a friend. The first packet
 * of all is the gateway's answer to who it is.
 */
static void try_unwritten(struct scenario *run)
{
	uint32_t strange = 0;
	uint32_t friendly = 0;
	bool good;

	good = fill_slots(run, OTHER_OWNER, STRANGER) && post_all() &&
	       ask_gateway(run, &strange);
	report_control("net", "arp", good,
		       "the gateway said who it is, to a buffer with room for "
		       "far more");
	good = good && burst(run, NET_BUFFERS - 1, &strange) && strange == 0 &&
	       fill_slots(run, OWNER, FRIEND) && post_all() &&
	       burst(run, NET_BUFFERS, &friendly);
	guest_print("bytes 10 and 11 of the header, of %u buffers: not zero in "
		    "%u after another owner, in %u after the same one\n",
		    NET_BUFFERS, strange, friendly);
	report_control("net", "unwritten_bytes", good,
		       friendly != 0 ?
			       "two header bytes that QEMU counts as written "
			       "and leaves: zero where another owner was "
			       "before, old bytes of the same owner's" :
			       "two header bytes that QEMU counts as written "
			       "and leaves: zero whoever was before");
}

static void try_echoes(struct scenario *run)
{
	uint32_t old = 0;
	bool good = true;

	while (good && run->answered < ECHOES)
		good = post_all() && burst(run, BURST, &old);
	report_control("net", "echo", good && post_all(),
		       "pings of 8 to 1400 bytes came back byte for byte, and "
		       "no byte behind those written has changed");
}

/* A checker of packets must refuse what is not one. */
static bool refuses(const struct scenario *run, const unsigned char *packet,
		    uint32_t len)
{
	struct packet_echo echo;

	return !packet_echoed(packet, len, &run->pair, &echo);
}

/* The answer cut short, with a byte changed, and with lengths that lie. */
static void try_malformed(struct scenario *run)
{
	unsigned char *ip = run->last + PACKET_ECHO_HEADERS - 28;
	uint32_t used = PACKET_ECHO_HEADERS +
			size_of((uint16_t)(run->answered - 1));
	bool good = !refuses(run, run->last, run->last_len);

	for (uint32_t i = 0; i < used; i++) {
		good &= refuses(run, run->last, i);
		run->last[i] ^= 0x10;
		good &= refuses(run, run->last, run->last_len);
		run->last[i] ^= 0x10;
	}
	ip[0] = 0x4f; /* a header of 60 bytes */
	packet_seal(run->last);
	good &= refuses(run, run->last, run->last_len);
	ip[0] = 0x45;
	ip[2] = 0xff; /* 65 280 bytes and more */
	packet_seal(run->last);
	good &= refuses(run, run->last, run->last_len);
	report_control("net", "malformed", good,
		       "an answer cut short anywhere, or with a byte changed, "
		       "or with lengths that lie, was refused");
}

/* The one packet that goes to the private page; what the driver sees of it. */
static bool receive_raw(struct scenario *run)
{
	struct net_packet packet;
	bool good = send_echo(run) && net_receive(&net, &packet) &&
		    packet.index == NET_BUFFERS;

	run->answered = run->sent;
	control_seen("net", &net.driver, driver_bus_of(&net.driver, page),
		     sizeof(page));
	if (!guest_cpu.iommu_stops)
		return good;
	return !good && virtio_broken(&net.driver.device) && net_stop(&net) &&
	       net_again(&net) == BOUNCE_OK;
}

/* Buffers are taken in the order in which they were posted: this one last. */
static bool raw_is_harmless(struct scenario *run)
{
	uint32_t old = 0;
	enum bounce_err err;

	control_forget(&net.driver);
	err = net_post_raw(&net, driver_bus_of(&net.driver, page),
			   sizeof(page));
	if (net.driver.device.confined == GUEST_CONFINED_MODEL)
		return err == BOUNCE_ERR_REFUSED;
	return err == BOUNCE_OK && burst(run, NET_BUFFERS, &old) &&
	       receive_raw(run);
}

static void try_private(struct scenario *run)
{
	uint32_t old = 0;
	bool good;

	memset(page, LEFT_BEHIND, sizeof(page));
	good = raw_is_harmless(run);
	for (uint32_t i = 0; i < sizeof(page); i++)
		good &= page[i] == LEFT_BEHIND;
	/* A dead device leaves every canary alone: it must have been alive. */
	report_control("net", "private_write",
		       good && post_all() && burst(run, 1, &old),
		       "told to receive into a private page, the device left "
		       "the canary as it was");
}

/* ---- the whole ---- */

void network_run(const struct network_place *place)
{
	static struct scenario run;
	const struct driver_open open = {
		.bounce = place->bounce,
		.space = place->space,
		.role = GUEST_NET,
		.owner = OWNER,
	};
	struct report_use use = place->use;

	run = (struct scenario) {
		.place = place,
		.pair = {
			.near = { .ip = { 10, 0, 2, 15 } },
			.far = { .ip = { 10, 0, 2, 2 } },
		},
	};
	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = (unsigned char)(i * 31 + (i >> 8));
	if (net_open(&net, &open) != BOUNCE_OK)
		guest_fail("the network device was refused");
	memcpy(run.pair.near.ethernet, net.address, sizeof(net.address));
	use.share_calls_io = model_calls();
	try_unwritten(&run);
	try_echoes(&run);
	try_malformed(&run);
	try_private(&run);
	use.share_calls_io = model_calls() - use.share_calls_io;
	report_row("net", &net.driver, &use);
	report_demand(net_close(&net), "the network device gave all back");
}
