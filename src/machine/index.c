#include "machine/index.h"

#include <stdlib.h>

bool
index_init(struct index *x, size_t n)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	x->entries = malloc(size * sizeof(*x->entries));
	x->mask = size - 1;
	x->used = 0;
	for (size_t i = 0; x->entries != NULL && i < size; i++)
		x->entries[i] = (struct index_entry){0, SLOT_NONE};
	return x->entries != NULL;
}

void
index_deinit(struct index *x)
{
	free(x->entries);
	x->entries = NULL;
}

size_t
index_memory(const struct index *x)
{
	return (x->mask + 1) * sizeof(*x->entries);
}

/* From *at on, up to the first hole. */
static uint32_t
seek(const struct index *x, uint32_t hash, size_t *at)
{
	for (;; *at = (*at + 1) & x->mask) {
		const struct index_entry *e = &x->entries[*at];

		if (e->slot == SLOT_NONE || e->hash == hash)
			return e->slot;
	}
}

uint32_t
index_first(const struct index *x, uint32_t hash, size_t *at)
{
	*at = hash & x->mask;
	return seek(x, hash, at);
}

uint32_t
index_next(const struct index *x, uint32_t hash, size_t *at)
{
	*at = (*at + 1) & x->mask;
	return seek(x, hash, at);
}

bool
index_put(struct index *x, uint32_t hash, uint32_t slot)
{
	size_t at = hash & x->mask;

	if (x->used * 4 >= (x->mask + 1) * 3)
		return false;
	while (x->entries[at].slot != SLOT_NONE)
		at = (at + 1) & x->mask;
	x->entries[at] = (struct index_entry){hash, slot};
	x->used++;
	return true;
}

/* Room for twice as many. */
static bool
grow(struct index *x)
{
	struct index more;

	if (!index_init(&more, x->mask + 1))
		return false;
	for (size_t i = 0; i <= x->mask; i++)
		if (x->entries[i].slot != SLOT_NONE)
			index_put(&more, x->entries[i].hash, x->entries[i].slot);
	free(x->entries);
	*x = more;
	return true;
}

bool
index_put_grown(struct index *x, uint32_t hash, uint32_t slot)
{
	return index_put(x, hash, slot) || (grow(x) && index_put(x, hash, slot));
}

/* Those behind the hole that a search would no longer find move into it. */
static void
close_hole(struct index *x, size_t hole)
{
	for (size_t at = (hole + 1) & x->mask; x->entries[at].slot != SLOT_NONE;
		at = (at + 1) & x->mask) {
		size_t home = x->entries[at].hash & x->mask;

		if (((at - home) & x->mask) < ((at - hole) & x->mask))
			continue;
		x->entries[hole] = x->entries[at];
		hole = at;
	}
	x->entries[hole].slot = SLOT_NONE;
}

void
index_remove(struct index *x, uint32_t hash, uint32_t slot)
{
	size_t at;
	uint32_t s = index_first(x, hash, &at);

	while (s != SLOT_NONE && s != slot)
		s = index_next(x, hash, &at);
	if (s == SLOT_NONE)
		return;
	x->used--;
	close_hole(x, at);
}
