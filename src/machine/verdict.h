/*
 * Why did it not boot? A table of rules over the events of one boot; the first that
 * fits speaks. Pure: events and the time since the last one in, words out.
 */
#ifndef PIXIE_MACHINE_VERDICT_H
#define PIXIE_MACHINE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/event.h"

struct verdict {
	const char *code; /* "rom-then-silence"; never changes, for metrics and scripts */
	const char *outcome; /* running booted done local failed quiet */
	char text[256];      /* what happened, in plain words */
	char next[256];      /* what to do about it */
};

/*
 * `events`: those of one boot in order. `earlier_roms`: the ROMs fetched in the boots
 * just before it that came no further, newest first, for loops. `silent_ms`: since the
 * last event or the last byte moved. Returns false while there is nothing to say (all
 * goes well).
 */
bool verdict_of(const struct event *events, size_t n, const char *const *earlier_roms,
	size_t n_earlier, int64_t silent_ms, struct verdict *out);

/* The constant that `text` says, for what was read from a file; "quiet", NULL: none. */
const char *verdict_outcome(const char *text);
const char *verdict_code(const char *text);
/* All codes, for metrics: NULL after the last. */
const char *verdict_code_at(size_t i);

#endif
