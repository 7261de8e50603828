#include "wire/tftp_pkt.h"

#include <stdbool.h>
#include <strings.h>

#include "base/bytes.h"

/* What each RFC allows as a value. */
static const struct option {
	const char *name;
	uint64_t min, max;
} options[TFTP_OPTIONS] = {
	[TFTP_BLKSIZE] = {"blksize", TFTP_BLKSIZE_MIN, TFTP_BLKSIZE_MAX}, /* RFC 2348 */
	[TFTP_TSIZE] = {"tsize", 0, INT64_MAX},                           /* RFC 2349 */
	[TFTP_TIMEOUT] = {"timeout", 1, 255},                             /* RFC 2349 */
	[TFTP_WINDOWSIZE] = {"windowsize", 1, 65535}, /* RFC 7440 §3 */
};

static const char *const faults[] = {
	[TFTP_FINE] = "fine",
	[TFTP_TOO_SHORT] = "shorter than its header",
	[TFTP_BAD_OPCODE] = "opcode is none of RFC 1350 and 2347",
	[TFTP_NAME_UNENDED] = "file name has no end",
	[TFTP_MODE_UNENDED] = "mode is missing or has no end",
	[TFTP_BAD_MODE] = "mode is neither octet nor netascii",
};

const char *
tftp_fault_text(enum tftp_fault fault)
{
	return faults[fault];
}

const char *
tftp_option_name(enum tftp_option o)
{
	return options[o].name;
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

enum tftp_option
tftp_option_find(const char *name, size_t len)
{
	int o = 0;

	while (o < TFTP_OPTIONS && !is_word(name, len, options[o].name))
		o++;
	return (enum tftp_option)o;
}

/* Digits and nothing else: no sign, no space, no hex. */
static bool
parse_decimal(const char *text, size_t len, uint64_t *out)
{
	uint64_t v = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)text[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

static void
parse_option(struct tftp_opts *opts, const char *name, size_t name_len, const char *value,
	size_t value_len)
{
	enum tftp_option o = tftp_option_find(name, name_len);
	uint64_t v;

	if (o == TFTP_OPTIONS) /* iPXE's "multicast" (RFC 2090) among them */
		return;
	if (opts->set & 1u << o) /* RFC 2347: at most once each; the first counts */
		return;
	if (!parse_decimal(value, value_len, &v) || v < options[o].min ||
		v > options[o].max)
		return;
	opts->set |= 1u << o;
	opts->value[o] = v;
}

/*
 * Pairs of strings to the end of the packet. What follows the last whole pair is
 * ignored: some Apple OpenFirmware versions leave garbage there (OpenBSD tftpd).
 */
static void
parse_options(struct reader *r, struct tftp_opts *opts)
{
	for (;;) {
		size_t name_len, value_len;
		const char *name = rd_cstr(r, &name_len);
		const char *value = rd_cstr(r, &value_len);

		if (r->bad)
			return;
		parse_option(opts, name, name_len, value, value_len);
	}
}

/* In any case (RFC 1350 §5); "binary" is what BSD tftp's users call octet. */
static bool
parse_mode(const char *text, size_t len, enum tftp_mode *mode)
{
	*mode = is_word(text, len, "netascii") ? TFTP_NETASCII : TFTP_OCTET;
	return *mode == TFTP_NETASCII || is_word(text, len, "octet") ||
	       is_word(text, len, "binary");
}

/*
 * Name and mode must have their NUL: no client is known to leave it out, and a
 * packet without it was most likely cut.
 */
static enum tftp_fault
parse_request(struct reader *r, struct tftp_request *req)
{
	size_t len;
	const char *mode;

	req->name = rd_cstr(r, &req->len);
	if (r->bad)
		return TFTP_NAME_UNENDED;
	mode = rd_cstr(r, &len);
	if (r->bad)
		return TFTP_MODE_UNENDED;
	if (!parse_mode(mode, len, &req->mode))
		return TFTP_BAD_MODE;
	parse_options(r, &req->opts);
	return TFTP_FINE;
}

/* The message's NUL may be missing: an ERROR without it is still an ERROR. */
static void
parse_error(struct reader *r, struct tftp_pkt *pkt)
{
	const uint8_t *nul;

	pkt->code = rd_be16(r);
	pkt->len = rd_left(r);
	pkt->data = rd_take(r, pkt->len);
	nul = pkt->len ? memchr(pkt->data, 0, pkt->len) : NULL;
	if (nul != NULL)
		pkt->len = (size_t)(nul - (const uint8_t *)pkt->data);
}

enum tftp_fault
tftp_parse(const void *data, size_t len, struct tftp_pkt *pkt)
{
	struct reader r = reader_of(data, len);

	*pkt = (struct tftp_pkt){.op = (enum tftp_opcode)rd_be16(&r)};
	switch (pkt->op) {
	case TFTP_RRQ:
	case TFTP_WRQ:
		return parse_request(&r, &pkt->req);
	case TFTP_DATA:
	case TFTP_ACK: /* longer ones are taken: what follows the number is padding */
		pkt->block = rd_be16(&r);
		pkt->len = rd_left(&r);
		pkt->data = rd_take(&r, pkt->len);
		break;
	case TFTP_ERROR:
		parse_error(&r, pkt);
		break;
	case TFTP_OACK:
		parse_options(&r, &pkt->oack);
		return TFTP_FINE;
	default:
		return r.bad ? TFTP_TOO_SHORT : TFTP_BAD_OPCODE;
	}
	return r.bad ? TFTP_TOO_SHORT : TFTP_FINE;
}

static void
put_head(uint8_t head[static TFTP_HEAD], enum tftp_opcode op, uint16_t block)
{
	head[0] = 0;
	head[1] = (uint8_t)op;
	head[2] = (uint8_t)(block >> 8);
	head[3] = (uint8_t)block;
}

void
tftp_put_data_head(uint8_t head[static TFTP_HEAD], uint16_t block)
{
	put_head(head, TFTP_DATA, block);
}

void
tftp_put_ack(uint8_t packet[static TFTP_HEAD], uint16_t block)
{
	put_head(packet, TFTP_ACK, block);
}

static void
put_options(struct writer *w, const struct tftp_opts *opts)
{
	for (int o = 0; o < TFTP_OPTIONS; o++) {
		if (!(opts->set & 1u << o))
			continue;
		wr_cstr(w, options[o].name);
		wr_fmt(w, "%llu", (unsigned long long)opts->value[o]);
		wr_u8(w, 0);
	}
}

size_t
tftp_put_oack(void *packet, size_t cap, const struct tftp_opts *opts)
{
	struct writer w = writer_of(packet, cap);

	wr_be16(&w, TFTP_OACK);
	put_options(&w, opts);
	return w.bad ? 0 : w.len;
}

size_t
tftp_put_rrq(void *packet, size_t cap, const char *name, const struct tftp_opts *opts)
{
	struct writer w = writer_of(packet, cap);

	wr_be16(&w, TFTP_RRQ);
	wr_cstr(&w, name);
	wr_cstr(&w, "octet");
	put_options(&w, opts);
	return w.bad ? 0 : w.len;
}

/* The largest n ≤ `max` that does not cut a UTF-8 character of `text` in two. */
static size_t
cut_utf8(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

size_t
tftp_put_error(void *packet, size_t cap, enum tftp_code code, const char *text)
{
	struct writer w = writer_of(packet, cap);

	wr_be16(&w, TFTP_ERROR);
	wr_be16(&w, (uint16_t)code);
	wr_mem(&w, text, cut_utf8(text, cap - TFTP_HEAD - 1));
	wr_u8(&w, 0);
	return w.len;
}
