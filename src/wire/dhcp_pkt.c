#include "wire/dhcp_pkt.h"

#define COOKIE 0x63825363u
#define FRAME_MAX (1500 - 28)
/* Option 52: which of the header's fields hold options too (RFC 2132 §9.3). */
#define OVERLOAD_FILE 1
#define OVERLOAD_SNAME 2

static const char *const faults[DHCP_FAULTS] = {
	[DHCP_FINE] = "fine",
	[DHCP_TOO_SHORT] = "shorter than a BOOTP header",
	[DHCP_TOO_LONG] = "longer than any client's request",
	[DHCP_BAD_OP] = "neither a request nor a reply",
	[DHCP_BAD_HLEN] = "hardware address longer than its field",
	[DHCP_OPTION_CUT] = "an option runs over the end",
	[DHCP_BAD_OVERLOAD] = "option 52 is none of 1, 2, 3",
	[DHCP_BAD_TYPE] = "option 53 is no message type",
};

const char *
dhcp_fault_text(enum dhcp_fault fault)
{
	return faults[fault];
}

static be32
rd_addr(struct reader *r)
{
	return be32_from(rd_be32(r));
}

static void
parse_head(struct reader *r, struct dhcp_head *h)
{
	const uint8_t *chaddr;

	h->op = rd_u8(r);
	h->htype = rd_u8(r);
	h->hlen = rd_u8(r);
	h->hops = rd_u8(r);
	h->xid = rd_addr(r);
	h->secs = rd_be16(r);
	h->flags = rd_be16(r);
	h->ciaddr = rd_addr(r);
	h->yiaddr = rd_addr(r);
	h->siaddr = rd_addr(r);
	h->giaddr = rd_addr(r);
	chaddr = rd_take(r, sizeof(h->chaddr));
	if (chaddr != NULL)
		memcpy(h->chaddr, chaddr, sizeof(h->chaddr));
}

/* The places options lie in, in the order RFC 3396 §5 joins them. */
struct areas {
	struct reader area[3];
	int n;
};

/* The next option of an area; false at its END or end, or when it is cut. */
static bool
next_option(struct reader *r, uint8_t *code, struct dhcp_bytes *value)
{
	do {
		if (rd_left(r) ==
			0) /* no END: some BOOTP clients fill up to the last byte */
			return false;
		*code = rd_u8(r);
	} while (*code == OPT_PAD);
	if (*code == OPT_END)
		return false;
	value->len = rd_u8(r);
	value->p = rd_take(r, value->len);
	return !r->bad;
}

static bool
is_present(const struct dhcp_pkt *pkt, uint8_t code)
{
	return pkt->present[code / 32] & 1u << code % 32;
}

/* First pass: how long each option is when its pieces are joined. */
static bool
measure(struct dhcp_pkt *pkt, struct areas areas)
{
	for (int i = 0; i < areas.n; i++) {
		struct dhcp_bytes value;
		uint8_t code;

		while (next_option(&areas.area[i], &code, &value)) {
			pkt->present[code / 32] |= 1u << code % 32;
			pkt->where[code].len += (uint16_t)value.len;
		}
		if (areas.area[i].bad)
			return false;
	}
	return true;
}

/* Second pass: the pieces side by side. They were all in the packet, so they fit. */
static void
gather(struct dhcp_pkt *pkt, struct areas areas)
{
	uint16_t at = 0, filled[256] = {0};

	for (int code = 0; code < 256; code++) {
		pkt->where[code].at = at;
		at = (uint16_t)(at + pkt->where[code].len);
	}
	for (int i = 0; i < areas.n; i++) {
		struct dhcp_bytes v;
		uint8_t code;

		while (next_option(&areas.area[i], &code, &v)) {
			memcpy(pkt->bytes + pkt->where[code].at + filled[code], v.p,
				v.len);
			filled[code] = (uint16_t)(filled[code] + v.len);
		}
	}
}

/* Option 52 counts only in the options field: it cannot speak of itself elsewhere. */
static int
overload_of(struct reader options)
{
	struct dhcp_bytes value;
	uint8_t code;

	while (next_option(&options, &code, &value))
		if (code == OPT_OVERLOAD)
			return value.len > 0 ? value.p[0] : -1;
	return 0;
}

static enum dhcp_fault
parse_options(
	struct dhcp_pkt *pkt, struct reader *r, const uint8_t *sname, const uint8_t *file)
{
	struct areas areas = {.area = {*r}, .n = 1};
	int overload = overload_of(*r);

	if (overload < 0 || overload > (OVERLOAD_FILE | OVERLOAD_SNAME))
		return DHCP_BAD_OVERLOAD;
	if (overload & OVERLOAD_FILE) {
		areas.area[areas.n++] = reader_of(file, DHCP_FILE_MAX);
		pkt->file[0] = '\0';
	}
	if (overload & OVERLOAD_SNAME) {
		areas.area[areas.n++] = reader_of(sname, DHCP_SNAME_MAX);
		pkt->sname[0] = '\0';
	}
	if (!measure(pkt, areas))
		return DHCP_OPTION_CUT;
	gather(pkt, areas);
	return DHCP_FINE;
}

static enum dhcp_fault
parse_type(struct dhcp_pkt *pkt)
{
	uint8_t type;

	if (!is_present(pkt, OPT_TYPE))
		return DHCP_FINE;
	if (!dhcp_get_u8(pkt, OPT_TYPE, &type) || type < DHCP_DISCOVER ||
		type > DHCP_INFORM)
		return DHCP_BAD_TYPE;
	pkt->type = (enum dhcp_type)type;
	return DHCP_FINE;
}

static enum dhcp_fault
parse_body(struct dhcp_pkt *pkt, struct reader *r)
{
	const uint8_t *sname = rd_take(r, DHCP_SNAME_MAX);
	const uint8_t *file = rd_take(r, DHCP_FILE_MAX);
	enum dhcp_fault fault;

	if (r->bad)
		return DHCP_TOO_SHORT;
	if (pkt->head.op != BOOTREQUEST && pkt->head.op != BOOTREPLY)
		return DHCP_BAD_OP;
	if (pkt->head.hlen > sizeof(pkt->head.chaddr))
		return DHCP_BAD_HLEN;
	memcpy(pkt->sname, sname, DHCP_SNAME_MAX);
	memcpy(pkt->file, file, DHCP_FILE_MAX);
	/* RFC 951 leaves the vendor area to the vendor: without the cookie it is theirs.
	 */
	if (rd_left(r) < 4 || rd_be32(r) != COOKIE)
		return DHCP_FINE;
	fault = parse_options(pkt, r, sname, file);
	return fault == DHCP_FINE ? parse_type(pkt) : fault;
}

enum dhcp_fault
dhcp_parse(const void *data, size_t len, struct dhcp_pkt *pkt)
{
	struct reader r = reader_of(data, len);

	memset(pkt, 0, offsetof(struct dhcp_pkt, bytes));
	if (len > DHCP_DATAGRAM_MAX)
		return DHCP_TOO_LONG;
	parse_head(&r, &pkt->head);
	return parse_body(pkt, &r);
}

struct dhcp_bytes
dhcp_get(const struct dhcp_pkt *pkt, uint8_t option)
{
	if (!is_present(pkt, option))
		return (struct dhcp_bytes){NULL, 0};
	return (struct dhcp_bytes){
		pkt->bytes + pkt->where[option].at, pkt->where[option].len};
}

/* A repeated number is joined to a longer value: its first bytes are the first one. */
bool
dhcp_get_u8(const struct dhcp_pkt *pkt, uint8_t option, uint8_t *out)
{
	struct dhcp_bytes v = dhcp_get(pkt, option);
	struct reader r = reader_of(v.p, v.len);

	*out = rd_u8(&r);
	return !r.bad;
}

bool
dhcp_get_u16(const struct dhcp_pkt *pkt, uint8_t option, uint16_t *out)
{
	struct dhcp_bytes v = dhcp_get(pkt, option);
	struct reader r = reader_of(v.p, v.len);

	*out = rd_be16(&r);
	return !r.bad;
}

bool
dhcp_get_addr(const struct dhcp_pkt *pkt, uint8_t option, be32 *out)
{
	struct dhcp_bytes v = dhcp_get(pkt, option);
	struct reader r = reader_of(v.p, v.len);

	*out = rd_addr(&r);
	return !r.bad;
}

static void
put_head(struct writer *w, const struct dhcp_head *h)
{
	wr_u8(w, h->op);
	wr_u8(w, h->htype);
	wr_u8(w, h->hlen);
	wr_u8(w, h->hops);
	wr_mem(w, h->xid.b, sizeof(h->xid.b));
	wr_be16(w, h->secs);
	wr_be16(w, h->flags);
	wr_mem(w, h->ciaddr.b, sizeof(h->ciaddr.b));
	wr_mem(w, h->yiaddr.b, sizeof(h->yiaddr.b));
	wr_mem(w, h->siaddr.b, sizeof(h->siaddr.b));
	wr_mem(w, h->giaddr.b, sizeof(h->giaddr.b));
	wr_mem(w, h->chaddr, sizeof(h->chaddr));
}

struct dhcp_writer
dhcp_begin(void *buf, size_t cap, const struct dhcp_head *head, const char *file)
{
	static const uint8_t zeros[DHCP_FILE_MAX];
	struct dhcp_writer dw = {writer_of(buf, cap)};
	size_t n = strnlen(file, DHCP_FILE_MAX - 1);

	put_head(&dw.w, head);
	wr_mem(&dw.w, zeros, DHCP_SNAME_MAX);
	wr_mem(&dw.w, file, n);
	wr_mem(&dw.w, zeros, DHCP_FILE_MAX - n);
	wr_be32(&dw.w, COOKIE);
	return dw;
}

bool
dhcp_put(struct dhcp_writer *dw, uint8_t option, const void *data, size_t len)
{
	size_t pieces = len ? (len + 254) / 255 : 1, room = dw->w.cap - dw->w.len;
	const uint8_t *p = data;

	if (dw->w.bad || room < len + 2 * pieces + 1)
		return false;
	do {
		size_t n = len < 255 ? len : 255;

		wr_u8(&dw->w, option);
		wr_u8(&dw->w, (uint8_t)n);
		wr_mem(&dw->w, p, n);
		p += n;
		len -= n;
	} while (len > 0);
	return true;
}

bool
dhcp_put_u8(struct dhcp_writer *dw, uint8_t option, uint8_t v)
{
	return dhcp_put(dw, option, &v, sizeof(v));
}

bool
dhcp_put_str(struct dhcp_writer *dw, uint8_t option, const char *text)
{
	return dhcp_put(dw, option, text, strlen(text));
}

void
dhcp_put_pad(struct dhcp_writer *dw)
{
	if (dw->w.cap - dw->w.len > 1)
		wr_u8(&dw->w, OPT_PAD);
}

size_t
dhcp_end(struct dhcp_writer *dw)
{
	wr_u8(&dw->w, OPT_END);
	while (dw->w.len < BOOTP_MIN && !dw->w.bad)
		wr_u8(&dw->w, 0);
	return dw->w.len;
}

size_t
dhcp_reply_max(const struct dhcp_pkt *request)
{
	uint16_t said = 0;

	if (!dhcp_get_u16(request, OPT_MAX_SIZE, &said) || said < DHCP_SAFE_MAX + 28)
		return DHCP_SAFE_MAX;
	return said > FRAME_MAX + 28 ? FRAME_MAX : said - 28u;
}
