#include "http/range.h"

#include <stdbool.h>
#include <strings.h>

struct cursor {
	const char *p, *end;
};

static void
skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

/* 1*DIGIT, held at the largest number: no file reaches it. */
static bool
number(struct cursor *c, uint64_t *out)
{
	const char *from = c->p;
	uint64_t v = 0;

	for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*c->p - '0'), &v))
			v = UINT64_MAX;
	}
	*out = v;
	return c->p > from;
}

/* "-N": the last N bytes. */
static enum ranged
suffix(struct cursor *c, uint64_t size, uint64_t *off, uint64_t *part)
{
	uint64_t n;

	if (!number(c, &n))
		return RANGE_IGNORED;
	*part = n < size ? n : size;
	*off = size - *part;
	return n == 0 ? RANGE_UNSATISFIABLE : RANGE_PART;
}

/* "A-" or "A-B" */
static enum ranged
from_to(struct cursor *c, uint64_t size, uint64_t *off, uint64_t *part)
{
	uint64_t first, last = UINT64_MAX;

	if (!number(c, &first) || c->p == c->end || *c->p++ != '-')
		return RANGE_IGNORED;
	if (c->p < c->end && *c->p >= '0' && *c->p <= '9' && !number(c, &last))
		return RANGE_IGNORED;
	if (last < first)
		return RANGE_IGNORED;
	*off = first;
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	*part = (last < size ? last + 1 : size) - first;
	return RANGE_PART;
}

enum ranged
range_parse(const char *text, size_t len, uint64_t size, uint64_t *off, uint64_t *part)
{
	struct cursor c = {text, text + len};
	enum ranged kind;

	/*
	 * Of an empty file no part can be named in a Content-Range; clients that put
	 * "bytes=0-" on everything want the 200.
	 */
	if (len < 6 || strncasecmp(text, "bytes=", 6) != 0 || size == 0)
		return RANGE_IGNORED;
	c.p += 6;
	skip_space(&c);
	if (c.p < c.end && *c.p == '-') {
		c.p++;
		kind = suffix(&c, size, off, part);
	} else
		kind = from_to(&c, size, off, part);
	skip_space(&c);
	return c.p == c.end ? kind : RANGE_IGNORED; /* a comma: several ranges */
}
