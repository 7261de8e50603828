/* IPv4 and UDP headers (RFC 791, 768), for packets that no UDP socket is to see. */
#ifndef PIXIE_WIRE_UDP4_H
#define PIXIE_WIRE_UDP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define UDP4_HEAD 8

struct udp4 {
	be32 src, dst;
	uint16_t sport, dport;
	const uint8_t *data; /* borrowed */
	size_t len;
};

/*
 * Reads an IPv4 packet; false for anything but a whole UDP datagram. The checksum is
 * not looked at: on its way between machines of one host it is not yet there.
 */
bool udp4_parse(const void *packet, size_t len, struct udp4 *out);

/* The UDP header of `d`, checksum included. */
void udp4_head(uint8_t head[static UDP4_HEAD], const struct udp4 *d);

#endif
