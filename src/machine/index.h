/*
 * Slots of an array found by a hash: open addressing, of a fixed size unless it is made
 * to grow. It knows hashes only; whoever asks compares the thing itself.
 */
#ifndef PIXIE_MACHINE_INDEX_H
#define PIXIE_MACHINE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_NONE UINT32_MAX

struct index_entry {
	uint32_t hash, slot;
};

struct index {
	struct index_entry *entries;
	size_t mask, used;
};

/* Room for `n` entries; false without memory. */
bool index_init(struct index *x, size_t n);
void index_deinit(struct index *x);
size_t index_memory(const struct index *x);

/*
 * The candidates for a hash, one after the other:
 *	for (s = index_first(x, h, &at); s != SLOT_NONE; s = index_next(x, h, &at))
 * The index must not be changed meanwhile.
 */
uint32_t index_first(const struct index *x, uint32_t hash, size_t *at);
uint32_t index_next(const struct index *x, uint32_t hash, size_t *at);

/* False when it is full. */
bool index_put(struct index *x, uint32_t hash, uint32_t slot);
/* The same in one that grows; false without memory. */
bool index_put_grown(struct index *x, uint32_t hash, uint32_t slot);
/* Takes one entry out; nothing when there is none. */
void index_remove(struct index *x, uint32_t hash, uint32_t slot);

#endif
