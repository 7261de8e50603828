/*
 * A reply without an end: what follows its head is asked for bit by bit, when all that
 * was given before has been written. A slow reader is therefore asked for seldom, and
 * it is the stream's own affair what it then leaves out.
 */
#ifndef PIXIE_HTTP_STREAM_H
#define PIXIE_HTTP_STREAM_H

#include <stddef.h>

#include "base/mono.h"

/* The first member of what implements it. */
struct stream {
	/*
	 * What is new: text from malloc, the caller's, and its length in `*len`; NULL
	 * when there is nothing. Asked at least every STREAM_TICK; at most about `most`
	 * bytes are wanted.
	 */
	char *(*more)(struct stream *s, size_t most, size_t *len, struct mono now);
	void (*free)(struct stream *s);
};

#define STREAM_TICK MONO_MS(200)

static inline void
stream_free(struct stream *s)
{
	if (s != NULL)
		s->free(s);
}

#endif
