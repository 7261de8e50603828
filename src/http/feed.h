/*
 * What is new, as the text of server-sent events, in slices that are made once and
 * copied to every reader. The clerk makes them; who serves only copies: what is not
 * made yet is wanted, and there when it is asked for again.
 */
#ifndef PIXIE_HTTP_FEED_H
#define PIXIE_HTTP_FEED_H

#include "http/clerk.h"
#include "http/frames.h"

struct feed;

/* `clerk` outlives the last call; NULL: made where it is asked for. NULL: no memory. */
struct feed *feed_new(struct registry *registry, struct clerk *clerk);
/* When the clerk has ended. NULL is fine. */
void feed_free(struct feed *feed);

/*
 * Adds a slice of the events after `*cursor`, about FEED_SLICE bytes at most, and moves
 * the cursor. True: there are more, which are being made. From any thread.
 */
#define FEED_SLICE (32 * 1024)
bool feed_events(struct feed *feed, uint64_t *cursor, struct text *out);

/*
 * How the transfers under way stand, made anew every FEED_PROGRESS at most. Adds an
 * `event: progress` unless `*seen`, a version, is that of it already. True: it is being
 * made. From any thread.
 */
#define FEED_PROGRESS MONO_MS(250)
bool feed_progress(struct feed *feed, uint64_t *seen, struct text *out, struct mono now);

#endif
