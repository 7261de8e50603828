/* DHCP packets for tests: captured ones (tests/vectors) and ones put together by hand. */
#ifndef PIXIE_UNIT_PACKETS_H
#define PIXIE_UNIT_PACKETS_H

#include "unit.h"

#include "wire/dhcp_pkt.h"

/* Reads tests/vectors/NAME.hex; the bytes' number. */
static inline size_t
read_vector(const char *name, uint8_t *buf, size_t cap)
{
	const char *folder = getenv("VECTORS");
	char path[512];
	unsigned byte;
	size_t n = 0;
	FILE *f;

	snprintf(
		path, sizeof(path), "%s/%s.hex", folder ? folder : "tests/vectors", name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("no %s", path);
	while (n < cap && fscanf(f, "%2x", &byte) == 1)
		buf[n++] = (uint8_t)byte;
	fclose(f);
	return n;
}

static inline void
load(const char *name, struct dhcp_pkt *pkt)
{
	uint8_t buf[DHCP_DATAGRAM_MAX];
	size_t n = read_vector(name, buf, sizeof(buf));

	assert_int_equal(dhcp_parse(buf, n, pkt), DHCP_FINE);
}

/* A request under construction: craft(), option…(), made(). */
struct craft {
	uint8_t buf[DHCP_DATAGRAM_MAX];
	struct dhcp_head head;
	struct dhcp_writer dw;
};

static inline struct craft *
craft(struct craft *c, enum dhcp_type type, const char *mac)
{
	c->head = (struct dhcp_head){
		.op = BOOTREQUEST, .htype = 1, .hlen = 6, .xid = be32_from(0x12345678)};
	memcpy(c->head.chaddr, mac, 6);
	c->dw = dhcp_begin(c->buf, sizeof(c->buf), &c->head, "");
	if (type != DHCP_BOOTP)
		dhcp_put_u8(&c->dw, OPT_TYPE, (uint8_t)type);
	return c;
}

static inline struct craft *
with(struct craft *c, uint8_t option, const void *data, size_t len)
{
	assert_true(dhcp_put(&c->dw, option, data, len));
	return c;
}

static inline struct craft *
with_text(struct craft *c, uint8_t option, const char *text)
{
	return with(c, option, text, strlen(text));
}

static inline struct craft *
with_arch(struct craft *c, int arch)
{
	uint8_t be[2] = {(uint8_t)(arch >> 8), (uint8_t)arch};

	return arch < 0 ? c : with(c, OPT_ARCH, be, 2);
}

static inline void
made(struct craft *c, struct dhcp_pkt *pkt)
{
	assert_int_equal(dhcp_parse(c->buf, dhcp_end(&c->dw), pkt), DHCP_FINE);
}

#endif
