#include "store/waiters.h"

#include <stdlib.h>

bool
waiters_add(struct waiters *w, const struct waiter *one)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 8;
		void *p = reallocarray(w->list, cap, sizeof(*w->list));

		if (p == NULL)
			return false;
		w->list = p;
		w->cap = cap;
	}
	w->list[w->n++] = *one;
	return true;
}

bool
waiters_take(struct waiters *w, uint64_t durable, struct mono now, struct waiter *out)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].generation <= durable ||
			mono_reached(w->list[i].deadline, now)) {
			*out = w->list[i];
			w->list[i] = w->list[--w->n];
			return true;
		}
	return false;
}

struct mono
waiters_deadline(const struct waiters *w)
{
	struct mono first = MONO_NEVER;

	for (size_t i = 0; i < w->n; i++)
		first = mono_earlier(first, w->list[i].deadline);
	return first;
}

void
waiters_free(struct waiters *w)
{
	free(w->list);
	*w = (struct waiters){0};
}
