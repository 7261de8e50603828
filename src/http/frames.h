/*
 * Events as the text of server-sent events. Kept by number for a moment, so that readers
 * at about the same place have each made once. Of one thread, the clerk's: the JSON of
 * an event takes as long as serving a small file does.
 */
#ifndef PIXIE_HTTP_FRAMES_H
#define PIXIE_HTTP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/registry.h"

/* Text that grows; `bad` when memory ran out, after which nothing is added. */
struct text {
	char *p;
	size_t len, cap;
	bool bad;
};
void text_add(struct text *t, const char *p, size_t len);

struct frames;

struct frames *frames_new(struct registry *registry); /* NULL: no memory */
void frames_free(struct frames *f);                   /* NULL is fine */

/*
 * Adds the events after `*cursor`, until about `most` bytes are there, and moves the
 * cursor. What the ring has forgotten of them is counted in an `event: lost`.
 */
void frames_read(struct frames *f, uint64_t *cursor, struct text *out, size_t most);

/* `event: progress`, malloc'ed; `*idle`: nothing is under way. NULL: no memory. */
char *progress_frame(struct registry *registry, bool *idle);

#endif
