/*
 * What must outlive a machine's story: the states of all machines that have one, and
 * which of them are still to be written. The registry forgets stories for want of room;
 * one that it forgot and that speaks again gets its state from here. Grows as needed,
 * about 100 bytes a machine. All of it under the registry's lock.
 */
#ifndef PIXIE_MACHINE_STATES_H
#define PIXIE_MACHINE_STATES_H

#include "machine/index.h"
#include "machine/registry.h"

/* So many that nobody set by hand: a script that says `once` makes them, and
 * default.ipxe is everybody's. What is known stays; more are refused. */
#define STATES_MAX (1u << 20)
/* So many that have a token only, while the store has not taken them. */
#define STATES_TOKENS_MAX 65536u

struct state_entry;

/* uuid.c: firmware and iPXE do not agree on it. */
struct uuid uuid_one_spelling(const struct uuid *u);
bool uuid_is_same(const struct uuid *a, const struct uuid *b);

struct states {
	struct state_entry *entries;
	uint32_t n, fresh, cap; /* used; slots from `fresh` on were never used */
	uint32_t unused;        /* the first of the free ones */
	uint32_t dirty, dirty_last;
	struct index by_mac, by_token, by_uuid;
	uint32_t seed;
	uint64_t refused; /* states, for want of room */
};

bool states_init(struct states *s, uint32_t seed); /* false: no memory */
void states_deinit(struct states *s);
size_t states_memory(const struct states *s);
size_t states_count(const struct states *s);

/* Whether they say the same of a machine, whatever they say of its boots. */
bool state_says_same(const struct state_record *a, const struct state_record *b);

/* What holds for the machine with this card; `out->mac` is the machine's own. */
bool states_find(const struct states *s, const struct mac *mac, struct state_record *out);
bool states_by_token(const struct states *s, const char token[static DONE_TOKEN_TEXT - 1],
	struct mac *out);
/* In either spelling (uuid.c). */
bool states_by_uuid(const struct states *s, const struct uuid *uuid, struct mac *out);

/* The machine's other cards, at most `max`; how many. */
unsigned states_cards(
	const struct states *s, const struct mac *mac, struct mac *out, unsigned max);
bool states_uuid(const struct states *s, const struct mac *mac, struct uuid *out);
/* The machines that have either, one after the other, `*at` 0 to begin with; false: that
 * was all. */
bool states_next_named(const struct states *s, uint32_t *at, struct mac *out);

/* The newest word on a machine, and on each of its cards, so that whichever comes first
 * after a start has it; to be written. False: there is no room for it. */
bool states_put(struct states *s, const struct state_record *record);
/* What is on disk: a newer word stays, but takes from it what it does not say itself. */
void states_restore(struct states *s, const struct state_record *record);
/* Whether what the disk still has of it is to go. */
bool states_is_forgotten(const struct states *s, const struct mac *mac);
/* It goes, the cards of the machine with it; to be written. */
void states_forget(struct states *s, const struct mac *mac);
/* `card` is one of the machine's, if that has a state, which is the card's then. */
void states_link(struct states *s, const struct mac *card, const struct mac *machine);
/* It is a machine of its own; the state stays. */
void states_unlink(struct states *s, const struct mac *card);
/* NULL: none. Nothing for a machine without a state. */
void states_set_uuid(struct states *s, const struct mac *mac, const struct uuid *uuid);

/* Takes up to `max` that are to be written. */
size_t states_take(struct states *s, struct state_record *out, size_t max);
/* It was not written; a newer word stays, and whose card it has become. */
void states_put_back(struct states *s, const struct state_record *record);
void states_all_dirty(struct states *s);

#endif
