/*
 * A reply without an end: what follows its head is asked for bit by bit, when all that
 * was given before has been written. A slow reader is therefore asked for seldom, and
 * it is the stream's own affair what it then leaves out.
 */
#ifndef PIXIE_HTTP_STREAM_H
#define PIXIE_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"

/* The first member of what implements it. */
struct stream {
	/*
	 * A slice of what is new, some 10 KiB of it: text from malloc, the caller's, and
	 * its length in `*len`; NULL when there is nothing. Asked once a turn, every
	 * STREAM_TICK, or every STREAM_SOON while it is hungry.
	 */
	char *(*more)(struct stream *s, size_t *len, struct mono now);
	void (*free)(struct stream *s);
	bool is_hungry; /* there is more than it was given: made for it meanwhile */
};

#define STREAM_TICK MONO_MS(200)
#define STREAM_SOON MONO_MS(10)

static inline void
stream_free(struct stream *s)
{
	if (s != NULL)
		s->free(s);
}

#endif
