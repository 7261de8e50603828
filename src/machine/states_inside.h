/*
 * What the two files of the states share: states.c keeps the entries, states_find.c finds
 * them. Nobody else's.
 */
#ifndef PIXIE_MACHINE_STATES_INSIDE_H
#define PIXIE_MACHINE_STATES_INSIDE_H

#include "machine/states.h"

#define TOKEN_BYTES ((DONE_TOKEN_TEXT - 1) / 2)

struct state_entry {
	struct mac mac;
	struct mac of; /* is_card: whose */
	uint8_t state : 2;
	bool is_used : 1, state_set : 1, once_used : 1, done : 1, forgotten : 1,
		dirty : 1;
	bool is_card : 1, has_token : 1, has_uuid : 1;
	char by[10]; /* what pixie says is shorter */
	uint32_t once_boot, boot;
	uint32_t next; /* the next dirty one, or the next free one */
	uint32_t card; /* the machine's next card */
	uint8_t token[TOKEN_BYTES];
	struct uuid uuid;
};

/* Worth remembering once it is on disk. */
static inline bool
entry_counts(const struct state_entry *e)
{
	return e->state_set || e->once_used || e->done;
}

static inline bool
record_counts(const struct state_record *r)
{
	return r->state_set || r->once_used || r->done;
}

/* NULL: none. Until the next entry is made. */
struct state_entry *entry_find(const struct states *s, const struct mac *mac);
/* Of a card the machine's, else `e` itself. */
struct state_entry *entry_whose(const struct states *s, struct state_entry *e);
struct state_record entry_record(const struct state_entry *e);

/* The keys of the indexes. */
uint32_t entry_hash_mac(const struct states *s, const struct mac *mac);
uint32_t entry_hash_uuid(const struct states *s, const struct uuid *uuid);
/* False: not the hex digits of one. */
bool entry_token(const char *text, uint8_t out[static TOKEN_BYTES]);

#endif
