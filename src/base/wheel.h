/*
 * Deadlines of thousands of objects, each set anew a thousand times a second: a wheel
 * of lists, a tick a slot. Setting, clearing and expiring take the same time
 * however many there are, and touch little memory but the object's own; a heap climbs
 * through a dozen other objects for each.
 *
 * It has no clock: it is told the time, and says when to come back. Entries are
 * embedded by their owner and cleared before they are freed.
 */
#ifndef PIXIE_BASE_WHEEL_H
#define PIXIE_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/mono.h"

#define WHEEL_SLOTS 4096 /* a power of two; later deadlines go round more than once */

/* Zeroed: not set. */
struct wheel_entry {
	LIST_ENTRY(wheel_entry) link;
	struct mono at; /* meaningful while set */
};

struct wheel {
	int64_t tick;                   /* µs */
	int64_t turned;                 /* ticks; all up to here have been looked at */
	LIST_HEAD(, wheel_entry) ready; /* of the last slot, first come first served */
	LIST_HEAD(, wheel_entry) slots[WHEEL_SLOTS];
	uint64_t used[WHEEL_SLOTS / 64]; /* a bit a slot: it may have entries */
};

/* `tick`: how late an entry may expire, µs. */
void wheel_init(struct wheel *wheel, int64_t tick, struct mono now);

/* Sets the entry's deadline, replacing an earlier one; MONO_NEVER clears it. */
void wheel_set(struct wheel *wheel, struct wheel_entry *e, struct mono at);
void wheel_clear(struct wheel_entry *e);

static inline bool
wheel_is_set(const struct wheel_entry *e)
{
	return e->link.le_prev != NULL;
}

/*
 * Takes out an entry whose deadline was reached a tick ago, or less; NULL when there
 * are no more. Of those with the same tick the one that was set first comes first. What
 * is set meanwhile goes into a later slot, so a loop over them ends.
 */
struct wheel_entry *wheel_expire(struct wheel *wheel, struct mono now);

/*
 * When to call wheel_expire() next: never after a deadline by more than a tick, but
 * sometimes before the first one. MONO_NEVER when nothing is set.
 */
struct mono wheel_next(const struct wheel *wheel);

#endif
