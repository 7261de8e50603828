/*
 * Bounded cursors over bytes, and wire-order integers as types.
 *
 * A reader or writer never goes past its end: the first access that would sets
 * `bad`, after which every access yields zero or writes nothing. Parsers can
 * therefore read a whole header and ask `bad` once.
 */
#ifndef PIXIE_BASE_BYTES_H
#define PIXIE_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Big-endian integers as structs: they cannot be used unconverted by mistake. */
typedef struct {
	uint8_t b[2];
} be16;

typedef struct {
	uint8_t b[4];
} be32;

static inline be16
be16_from(uint16_t v)
{
	return (be16){{(uint8_t)(v >> 8), (uint8_t)v}};
}

static inline uint16_t
be16_to(be16 v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

static inline be32
be32_from(uint32_t v)
{
	return (be32){
		{(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

static inline uint32_t
be32_to(be32 v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 |
	       v.b[3];
}

/* The value of a hex digit in any case, -1 for anything else. */
static inline int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `len` bytes as small hex digits, ended by a NUL: `out` holds 2 * len + 1. */
static inline void
hex_text(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 0xf];
	}
	*out = '\0';
}

/* FNV-1a, 64 bits: tells bytes apart where nobody gains by making them collide. */
static inline uint64_t
fnv1a(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

/* FNV-1a, 32 bits, begun at a secret: for tables whose keys strangers choose. */
static inline uint32_t
seeded_hash(uint32_t seed, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u ^ seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

/* NULL with no bytes is an empty reader, as for an option that is absent. */
static inline struct reader
reader_of(const void *data, size_t len)
{
	const uint8_t *p = data;

	return (struct reader){p, len ? p + len : p, false};
}

static inline size_t
rd_left(const struct reader *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

/* Takes `n` bytes; NULL (and `bad`) when fewer are left. Borrowed, not copied. */
static inline const uint8_t *
rd_take(struct reader *r, size_t n)
{
	const uint8_t *at = r->p;

	if (rd_left(r) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return at;
}

static inline uint8_t
rd_u8(struct reader *r)
{
	const uint8_t *b = rd_take(r, 1);

	return b ? *b : 0;
}

static inline uint16_t
rd_be16(struct reader *r)
{
	const uint8_t *b = rd_take(r, 2);

	return b ? be16_to((be16){{b[0], b[1]}}) : 0;
}

static inline uint32_t
rd_be32(struct reader *r)
{
	const uint8_t *b = rd_take(r, 4);

	return b ? be32_to((be32){{b[0], b[1], b[2], b[3]}}) : 0;
}

/*
 * Takes a NUL-terminated string and its NUL; `*len` is without the NUL.
 * NULL (and `bad`) when no NUL is left.
 */
static inline const char *
rd_cstr(struct reader *r, size_t *len)
{
	size_t left = rd_left(r);
	const uint8_t *at = r->p, *nul = left ? memchr(at, 0, left) : NULL;

	*len = 0;
	if (nul == NULL) {
		r->bad = true;
		return NULL;
	}
	*len = (size_t)(nul - at);
	r->p = nul + 1;
	return (const char *)at;
}

struct writer {
	uint8_t *p;
	size_t cap, len;
	bool bad;
};

static inline struct writer
writer_of(void *buf, size_t cap)
{
	return (struct writer){buf, cap, 0, false};
}

static inline void
wr_mem(struct writer *w, const void *data, size_t n)
{
	if (w->bad || w->cap - w->len < n) {
		w->bad = true;
		return;
	}
	if (n)
		memcpy(w->p + w->len, data, n);
	w->len += n;
}

static inline void
wr_u8(struct writer *w, uint8_t v)
{
	wr_mem(w, &v, 1);
}

static inline void
wr_be16(struct writer *w, uint16_t v)
{
	be16 be = be16_from(v);

	wr_mem(w, be.b, sizeof(be.b));
}

static inline void
wr_be32(struct writer *w, uint32_t v)
{
	be32 be = be32_from(v);

	wr_mem(w, be.b, sizeof(be.b));
}

/* Writes the characters of `s` without a NUL. */
static inline void
wr_str(struct writer *w, const char *s)
{
	wr_mem(w, s, strlen(s));
}

/* Writes `s` and its NUL, as TFTP strings are. */
static inline void
wr_cstr(struct writer *w, const char *s)
{
	wr_mem(w, s, strlen(s) + 1);
}

/* printf into the writer, without a NUL in `len`; needs one spare byte of room. */
__attribute__((format(printf, 2, 3))) static inline void
wr_fmt(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	size_t room = w->bad ? 0 : w->cap - w->len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? (char *)w->p + w->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		w->bad = true;
	else
		w->len += (size_t)n;
}

#endif
