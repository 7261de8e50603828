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

#define EARLIER_ROMS 3
/* Of the boots before, newest first: what loops are told by. Strings borrowed. */
struct earlier {
	const char *roms[EARLIER_ROMS]; /* of those just before it that came no further */
	size_t n_roms;
	int64_t installs[2]; /* when they were done by a script that does it at every
				boot; wall, ms, 0 none */
};

/* Whether an installer is done that the machine's script would start again. */
bool event_is_install(const struct event *e);
/* An event of a boot before, later than those noted already: `installs` gets it. */
void earlier_note_install(struct earlier *before, const struct event *e);

/*
 * `events`: those of one boot in order. `before`: of the boots before it, NULL: nothing.
 * `silent_ms`: since the last event or the last byte moved. Returns false while there is
 * nothing to say (all goes well).
 */
bool verdict_of(const struct event *events, size_t n, const struct earlier *before,
	int64_t silent_ms, struct verdict *out);

/* The constant that `text` says, for what was read from a file; "quiet", NULL: none. */
const char *verdict_outcome(const char *text);
const char *verdict_code(const char *text);
/* All codes, for metrics: NULL after the last. */
const char *verdict_code_at(size_t i);

#endif
