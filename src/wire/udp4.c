#include "wire/udp4.h"

#define PROTOCOL_UDP 17
#define FRAGMENT 0x3fff /* "more fragments", or an offset */

bool
udp4_parse(const void *packet, size_t len, struct udp4 *out)
{
	struct reader r = reader_of(packet, len), u;
	uint8_t first = rd_u8(&r);
	size_t head = 4u * (first & 0xf), total, udp_len;
	uint16_t fragment;

	rd_take(&r, 1);
	total = rd_be16(&r);
	rd_take(&r, 2);
	fragment = rd_be16(&r);
	rd_take(&r, 1);
	if (rd_u8(&r) != PROTOCOL_UDP || r.bad || first >> 4 != 4 || fragment & FRAGMENT)
		return false;
	rd_take(&r, 2);
	out->src = be32_from(rd_be32(&r));
	out->dst = be32_from(rd_be32(&r));
	/* Ethernet pads short frames: the packet ends where its header says. */
	if (r.bad || head < 20 || total < head + UDP4_HEAD || total > len)
		return false;
	u = reader_of((const uint8_t *)packet + head, total - head);
	out->sport = rd_be16(&u);
	out->dport = rd_be16(&u);
	udp_len = rd_be16(&u);
	rd_take(&u, 2);
	if (udp_len < UDP4_HEAD || udp_len > total - head)
		return false;
	out->len = udp_len - UDP4_HEAD;
	out->data = rd_take(&u, out->len);
	return true;
}

static uint32_t
sum(uint32_t so_far, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		so_far += (uint32_t)p[0] << 8 | p[1];
	return len ? so_far + ((uint32_t)p[0] << 8) : so_far;
}

void
udp4_head(uint8_t head[static UDP4_HEAD], const struct udp4 *d)
{
	struct writer w = writer_of(head, UDP4_HEAD);
	uint16_t len = (uint16_t)(UDP4_HEAD + d->len);
	uint32_t s = PROTOCOL_UDP + (uint32_t)len;

	wr_be16(&w, d->sport);
	wr_be16(&w, d->dport);
	wr_be16(&w, len);
	s = sum(s, d->src.b, sizeof(d->src.b));
	s = sum(s, d->dst.b, sizeof(d->dst.b));
	s = sum(s, head, 6);
	s = sum(s, d->data, d->len);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	wr_be16(&w, s == 0xffff ? 0xffff : (uint16_t)~s); /* 0 would mean "none" */
}
