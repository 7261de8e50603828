/*
 * What is new, as the text of server-sent events, made once and sent to every reader.
 * Kept by number for a moment; a reader that is further behind makes its own again, as
 * far as the ring goes back, and is told how many it missed.
 */
#ifndef PIXIE_HTTP_FEED_H
#define PIXIE_HTTP_FEED_H

#include <pthread.h>

#include "machine/registry.h"

struct feed;

struct feed *feed_new(struct registry *registry); /* NULL: no memory */
void feed_free(struct feed *feed);                /* NULL is fine */

/* Text that grows; `bad` when memory ran out, after which nothing is added. */
struct text {
	char *p;
	size_t len, cap;
	bool bad;
};
void text_add(struct text *t, const char *p, size_t len);

/*
 * Adds the events after `*cursor`, until about `most` bytes are there, and moves the
 * cursor. From any thread.
 */
void feed_events(struct feed *feed, uint64_t *cursor, struct text *out, size_t most);

/* How the transfers under way stand; made anew every 250 ms at most. */
struct progress_text {
	uint64_t version; /* of the text: the same one, the same text */
	bool idle;        /* nothing is under way */
};
/* Adds an `event: progress` unless `seen` is its version already. From any thread. */
struct progress_text feed_progress(
	struct feed *feed, uint64_t seen, struct text *out, struct mono now);

#endif
