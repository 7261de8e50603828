#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/states_inside.h"

bool
states_init(struct states *s, uint32_t seed)
{
	*s = (struct states){.unused = SLOT_NONE,
		.dirty = SLOT_NONE,
		.dirty_last = SLOT_NONE,
		.seed = seed};
	return index_init(&s->by_mac, 16) && index_init(&s->by_token, 16) &&
	       index_init(&s->by_uuid, 16);
}

void
states_deinit(struct states *s)
{
	index_deinit(&s->by_mac);
	index_deinit(&s->by_token);
	index_deinit(&s->by_uuid);
	free(s->entries);
}

size_t
states_memory(const struct states *s)
{
	return s->cap * sizeof(*s->entries) + index_memory(&s->by_mac) +
	       index_memory(&s->by_token) + index_memory(&s->by_uuid);
}

size_t
states_count(const struct states *s)
{
	return s->n;
}

/* Entries: their slots stay theirs, as lists and indexes name them. */

static uint32_t
slot_of_entry(const struct states *s, const struct state_entry *e)
{
	return (uint32_t)(e - s->entries);
}

static void
drop_token(struct states *s, struct state_entry *e)
{
	if (e->has_token)
		index_remove(&s->by_token,
			seeded_hash(s->seed, e->token, sizeof(e->token)),
			slot_of_entry(s, e));
	e->has_token = false;
}

static void
take_token(struct states *s, struct state_entry *e, const char *text)
{
	drop_token(s, e);
	if (strnlen(text, DONE_TOKEN_TEXT) == DONE_TOKEN_TEXT - 1 &&
		entry_token(text, e->token))
		e->has_token = index_put_grown(&s->by_token,
			seeded_hash(s->seed, e->token, sizeof(e->token)),
			slot_of_entry(s, e));
}

static void
drop_uuid(struct states *s, struct state_entry *e)
{
	if (e->has_uuid)
		index_remove(
			&s->by_uuid, entry_hash_uuid(s, &e->uuid), slot_of_entry(s, e));
	e->has_uuid = false;
}

static struct state_entry *
unused_entry(struct states *s)
{
	struct state_entry *e;

	if (s->unused != SLOT_NONE) {
		e = &s->entries[s->unused];
		s->unused = e->next;
		return e;
	}
	if (s->fresh == s->cap) {
		uint32_t cap = s->cap ? s->cap + s->cap / 2 : 64;
		void *p = reallocarray(s->entries, cap, sizeof(*s->entries));

		if (p == NULL)
			return NULL;
		s->entries = p;
		s->cap = cap;
	}
	return &s->entries[s->fresh++];
}

static void
give_back(struct states *s, struct state_entry *e)
{
	*e = (struct state_entry){.next = s->unused};
	s->unused = slot_of_entry(s, e);
}

static struct state_entry *
add(struct states *s, const struct mac *mac)
{
	struct state_entry *e = unused_entry(s);

	if (e == NULL)
		return NULL;
	*e = (struct state_entry){
		.mac = *mac, .next = SLOT_NONE, .card = SLOT_NONE, .is_used = true};
	if (!index_put_grown(&s->by_mac, entry_hash_mac(s, mac), slot_of_entry(s, e))) {
		give_back(s, e);
		return NULL;
	}
	s->n++;
	return e;
}

/* Out of its machine's list of cards. */
static void
leave(struct states *s, struct state_entry *e)
{
	struct state_entry *of = e->is_card ? entry_find(s, &e->of) : NULL;
	uint32_t *at = of ? &of->card : NULL, slot = slot_of_entry(s, e);

	if (!e->is_card)
		return;
	while (at != NULL && *at != slot)
		at = *at == SLOT_NONE ? NULL : &s->entries[*at].card;
	if (at != NULL)
		*at = e->card;
	e->is_card = false;
	e->card = SLOT_NONE;
}

static void drop_if_empty(struct states *s, struct state_entry *e);

static void
leave_all(struct states *s, struct state_entry *of)
{
	while (!of->is_card && of->card != SLOT_NONE) {
		struct state_entry *e = &s->entries[of->card];

		leave(s, e);
		drop_if_empty(s, e);
	}
}

/* One that has nothing to say any more, and is on no list. */
static void
drop_if_empty(struct states *s, struct state_entry *e)
{
	if (entry_counts(e) || e->dirty || e->is_card)
		return;
	leave_all(s, e);
	drop_token(s, e);
	drop_uuid(s, e);
	index_remove(&s->by_mac, entry_hash_mac(s, &e->mac), slot_of_entry(s, e));
	give_back(s, e);
	s->n--;
}

static void
mark_dirty(struct states *s, struct state_entry *e)
{
	uint32_t slot = slot_of_entry(s, e);

	if (e->dirty)
		return;
	e->dirty = true;
	e->next = SLOT_NONE;
	if (s->dirty == SLOT_NONE)
		s->dirty = slot;
	else
		s->entries[s->dirty_last].next = slot;
	s->dirty_last = slot;
}

/* Changing. */

/* Not `forgotten`: of a machine that is known anew the history has to go all the same. */
static void
fill(struct states *s, struct state_entry *e, const struct state_record *r)
{
	e->state = r->state;
	e->state_set = r->state_set;
	e->once_used = r->once_used;
	e->done = r->done;
	snprintf(e->by, sizeof(e->by), "%.9s", r->by);
	e->once_boot = r->once_boot;
	e->boot = r->boot;
	take_token(s, e, r->token);
}

/* A card says what its machine does. The token is the machine's alone. */
static void
repeat(struct states *s, struct state_entry *card, const struct state_entry *of)
{
	struct state_record word = entry_record(of), was = entry_record(card);

	word.token[0] = '\0';
	fill(s, card, &word);
	if (!state_says_same(&word, &was) || word.once_boot != was.once_boot)
		mark_dirty(s, card);
}

static void
repeat_all(struct states *s, const struct state_entry *of)
{
	for (uint32_t i = of->card; i != SLOT_NONE; i = s->entries[i].card)
		repeat(s, &s->entries[i], of);
}

static struct state_entry *
find_or_add(struct states *s, const struct state_record *r)
{
	struct state_entry *e = entry_find(s, &r->mac);
	bool has_room =
		r->state_set ||
		(s->n < STATES_MAX &&
			(record_counts(r) || s->by_token.used < STATES_TOKENS_MAX));

	if (e == NULL && has_room)
		e = add(s, &r->mac);
	if (e == NULL)
		s->refused += record_counts(r);
	return e;
}

bool
states_put(struct states *s, const struct state_record *record)
{
	struct state_entry *e = find_or_add(s, record);

	if (e == NULL)
		return false;
	leave(s, e);
	fill(s, e, record);
	mark_dirty(s, e);
	repeat_all(s, e);
	return true;
}

/* What was told while the disk could not be read was told without its knowledge. */
static void
take_unsaid(struct state_entry *e, const struct state_record *r)
{
	if (e->forgotten || e->state_set)
		return;
	if (r->state_set) {
		e->state = r->state;
		e->state_set = true;
		snprintf(e->by, sizeof(e->by), "%.9s", r->by);
	}
	if (!e->once_used) {
		e->once_used = r->once_used;
		e->once_boot = r->once_boot;
	}
}

void
states_restore(struct states *s, const struct state_record *record)
{
	struct state_entry *e = entry_find(s, &record->mac);

	if (e != NULL && (e->dirty || entry_counts(e))) {
		e = entry_whose(s, e);
		take_unsaid(e, record);
		repeat_all(s, e);
	} else if (record_counts(record)) {
		e = find_or_add(s, record);
		if (e != NULL)
			fill(s, e, record);
	}
}

bool
states_is_forgotten(const struct states *s, const struct mac *mac)
{
	const struct state_entry *e = entry_find(s, mac);

	return e != NULL && e->forgotten;
}

static void
tombstone(struct states *s, struct state_entry *e)
{
	drop_token(s, e);
	drop_uuid(s, e);
	e->state = STATE_BOOT;
	e->state_set = e->once_used = e->done = false;
	e->by[0] = '\0';
	e->forgotten = true;
	mark_dirty(s, e);
}

void
states_forget(struct states *s, const struct mac *mac)
{
	struct state_entry *e = entry_find(s, mac);

	if (e == NULL)
		e = add(s, mac);
	if (e == NULL)
		return;
	leave(s, e);
	while (e->card != SLOT_NONE) {
		struct state_entry *card = &s->entries[e->card];

		leave(s, card);
		tombstone(s, card);
	}
	tombstone(s, e);
}

void
states_link(struct states *s, const struct mac *card, const struct mac *machine)
{
	struct state_entry *e = entry_find(s, card), *of = entry_find(s, machine);

	if (of == NULL || of == e || !entry_counts(of))
		return;
	if (e == NULL && (of->state_set || s->n < STATES_MAX)) {
		e = add(s, card);
		of = entry_find(s, machine); /* they may have moved */
	}
	if (e == NULL || entry_whose(s, e) == of)
		return;
	leave(s, of);
	leave(s, e);
	leave_all(s, e);
	drop_uuid(s, e);
	repeat(s, e, of);
	e->is_card = true;
	e->of = *machine;
	e->card = of->card;
	of->card = slot_of_entry(s, e);
}

void
states_unlink(struct states *s, const struct mac *card)
{
	struct state_entry *e = entry_find(s, card);

	if (e == NULL)
		return;
	leave(s, e);
	leave_all(s, e);
	drop_if_empty(s, e);
}

void
states_set_uuid(struct states *s, const struct mac *mac, const struct uuid *uuid)
{
	struct state_entry *e = entry_find(s, mac);

	if (e == NULL || (uuid != NULL && e->has_uuid &&
				 memcmp(&e->uuid, uuid, sizeof(*uuid)) == 0))
		return;
	drop_uuid(s, e);
	if (uuid == NULL || !entry_counts(e))
		return;
	e->uuid = *uuid;
	e->has_uuid = index_put_grown(
		&s->by_uuid, entry_hash_uuid(s, uuid), slot_of_entry(s, e));
}

/* For the store. */

size_t
states_take(struct states *s, struct state_record *out, size_t max)
{
	size_t n = 0;

	while (n < max && s->dirty != SLOT_NONE) {
		struct state_entry *e = &s->entries[s->dirty];

		s->dirty = e->next;
		e->dirty = false;
		out[n++] = entry_record(e);
		e->forgotten = false;
		drop_if_empty(s, e);
	}
	return n;
}

void
states_put_back(struct states *s, const struct state_record *record)
{
	struct state_entry *e = entry_find(s, &record->mac);

	if (e == NULL && record->forgotten)
		states_forget(s, &record->mac);
	if (e == NULL)
		states_put(s, record);
	if (e == NULL && (e = entry_find(s, &record->mac)) == NULL)
		return;
	e->forgotten |= record->forgotten;
	mark_dirty(s, e);
}

void
states_all_dirty(struct states *s)
{
	for (uint32_t i = 0; i < s->fresh; i++)
		if (s->entries[i].is_used && entry_counts(&s->entries[i]))
			mark_dirty(s, &s->entries[i]);
}
