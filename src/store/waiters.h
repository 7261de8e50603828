/* Who waits for a state change to be on the disk. Not locked: the store does that. */
#ifndef PIXIE_STORE_WAITERS_H
#define PIXIE_STORE_WAITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

struct waiter {
	uint64_t generation;
	struct mono deadline;
	void (*fn)(void *arg, bool ok);
	void *arg;
};

struct waiters {
	struct waiter *list;
	size_t n, cap;
};

bool waiters_add(struct waiters *w, const struct waiter *one);
/* Takes out one whose generation is durable, or whose deadline has passed. */
bool waiters_take(
	struct waiters *w, uint64_t durable, struct mono now, struct waiter *out);
/* The earliest deadline; MONO_NEVER without any. */
struct mono waiters_deadline(const struct waiters *w);
void waiters_free(struct waiters *w);

#endif
