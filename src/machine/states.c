#include "machine/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

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

/* Finding. */

static uint32_t
hash_mac(const struct states *s, const struct mac *mac)
{
	return seeded_hash(s->seed, mac, sizeof(*mac));
}

static struct state_entry *
find(const struct states *s, const struct mac *mac)
{
	uint32_t h = hash_mac(s, mac), slot;
	size_t at;

	for (slot = index_first(&s->by_mac, h, &at); slot != SLOT_NONE;
		slot = index_next(&s->by_mac, h, &at))
		if (mac_equal(&s->entries[slot].mac, mac))
			return &s->entries[slot];
	return NULL;
}

/* Worth remembering once it is on disk. */
static bool
counts(const struct state_entry *e)
{
	return e->state_set || e->once_used || e->done;
}

static bool
record_counts(const struct state_record *r)
{
	return r->state_set || r->once_used || r->done;
}

bool
state_says_same(const struct state_record *a, const struct state_record *b)
{
	return a->state == b->state && a->state_set == b->state_set &&
	       a->once_used == b->once_used && a->done == b->done &&
	       strcmp(a->by, b->by) == 0;
}

/* The machine's own. */
static struct state_entry *
whose(const struct states *s, struct state_entry *e)
{
	return e->is_card ? find(s, &e->of) : e;
}

static struct state_record
record_of(const struct state_entry *e)
{
	struct state_record r = {.mac = e->mac,
		.state = (enum machine_state)e->state,
		.state_set = e->state_set,
		.once_used = e->once_used,
		.once_boot = e->once_boot,
		.boot = e->boot,
		.done = e->done,
		.forgotten = e->forgotten};

	snprintf(r.by, sizeof(r.by), "%s", e->by);
	if (e->has_token)
		hex_text(r.token, e->token, sizeof(e->token));
	return r;
}

bool
states_find(const struct states *s, const struct mac *mac, struct state_record *out)
{
	struct state_entry *e = find(s, mac);

	if (e != NULL)
		e = whose(s, e);
	if (e == NULL || !(counts(e) || e->has_token))
		return false;
	*out = record_of(e);
	return true;
}

static bool
token_bytes(const char *text, uint8_t out[static TOKEN_BYTES])
{
	for (size_t i = 0; i < TOKEN_BYTES; i++) {
		int high = hex_value(text[2 * i]);
		int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool
states_by_token(const struct states *s, const char token[static DONE_TOKEN_TEXT - 1],
	struct mac *out)
{
	uint8_t bytes[TOKEN_BYTES];
	uint32_t slot = SLOT_NONE, h;
	size_t at;

	if (!token_bytes(token, bytes))
		return false;
	h = seeded_hash(s->seed, bytes, sizeof(bytes));
	for (slot = index_first(&s->by_token, h, &at); slot != SLOT_NONE;
		slot = index_next(&s->by_token, h, &at))
		if (memcmp(s->entries[slot].token, bytes, sizeof(bytes)) == 0)
			break;
	if (slot != SLOT_NONE)
		*out = s->entries[slot].mac;
	return slot != SLOT_NONE;
}

static uint32_t
hash_uuid(const struct states *s, const struct uuid *uuid)
{
	struct uuid u = uuid_one_spelling(uuid);

	return seeded_hash(s->seed, &u, sizeof(u));
}

bool
states_by_uuid(const struct states *s, const struct uuid *uuid, struct mac *out)
{
	uint32_t h = hash_uuid(s, uuid), slot;
	size_t at;

	for (slot = index_first(&s->by_uuid, h, &at); slot != SLOT_NONE;
		slot = index_next(&s->by_uuid, h, &at))
		if (uuid_is_same(&s->entries[slot].uuid, uuid))
			break;
	if (slot != SLOT_NONE)
		*out = s->entries[slot].mac;
	return slot != SLOT_NONE;
}

unsigned
states_cards(const struct states *s, const struct mac *mac, struct mac *out, unsigned max)
{
	const struct state_entry *e = find(s, mac);
	unsigned n = 0;

	for (uint32_t i = e && !e->is_card ? e->card : SLOT_NONE;
		i != SLOT_NONE && n < max; i = s->entries[i].card)
		out[n++] = s->entries[i].mac;
	return n;
}

bool
states_uuid(const struct states *s, const struct mac *mac, struct uuid *out)
{
	const struct state_entry *e = find(s, mac);

	if (e == NULL || !e->has_uuid)
		return false;
	*out = e->uuid;
	return true;
}

bool
states_next_named(const struct states *s, uint32_t *at, struct mac *out)
{
	while (*at < s->fresh) {
		const struct state_entry *e = &s->entries[(*at)++];

		if (e->is_used && !e->is_card && (e->card != SLOT_NONE || e->has_uuid)) {
			*out = e->mac;
			return true;
		}
	}
	return false;
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
		token_bytes(text, e->token))
		e->has_token = index_put_grown(&s->by_token,
			seeded_hash(s->seed, e->token, sizeof(e->token)),
			slot_of_entry(s, e));
}

static void
drop_uuid(struct states *s, struct state_entry *e)
{
	if (e->has_uuid)
		index_remove(&s->by_uuid, hash_uuid(s, &e->uuid), slot_of_entry(s, e));
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
	if (!index_put_grown(&s->by_mac, hash_mac(s, mac), slot_of_entry(s, e))) {
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
	struct state_entry *of = e->is_card ? find(s, &e->of) : NULL;
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
	if (counts(e) || e->dirty || e->is_card)
		return;
	leave_all(s, e);
	drop_token(s, e);
	drop_uuid(s, e);
	index_remove(&s->by_mac, hash_mac(s, &e->mac), slot_of_entry(s, e));
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

/* A machine that was forgotten and is known anew: its history has to go all the same. */
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
	struct state_record word = record_of(of), was = record_of(card);

	word.token[0] = '\0';
	fill(s, card, &word);
	if (!state_says_same(&word, &was))
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
	struct state_entry *e = find(s, &r->mac);
	bool has_room = r->state_set ||
			s->n < (record_counts(r) ? STATES_MAX : STATES_TOKENS_MAX);

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
	struct state_entry *e = find(s, &record->mac);

	if (e != NULL && (e->dirty || counts(e))) {
		e = whose(s, e);
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
	const struct state_entry *e = find(s, mac);

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
	struct state_entry *e = find(s, mac);

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
	struct state_entry *e = find(s, card), *of = find(s, machine);

	if (of == NULL || of == e || !counts(of))
		return;
	if (e == NULL && s->n < STATES_MAX) {
		e = add(s, card);
		of = find(s, machine); /* they may have moved */
	}
	if (e == NULL || whose(s, e) == of)
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
	struct state_entry *e = find(s, card);

	if (e == NULL)
		return;
	leave(s, e);
	leave_all(s, e);
	drop_if_empty(s, e);
}

void
states_set_uuid(struct states *s, const struct mac *mac, const struct uuid *uuid)
{
	struct state_entry *e = find(s, mac);

	if (e == NULL || (uuid != NULL && e->has_uuid &&
				 memcmp(&e->uuid, uuid, sizeof(*uuid)) == 0))
		return;
	drop_uuid(s, e);
	if (uuid == NULL || !counts(e))
		return;
	e->uuid = *uuid;
	e->has_uuid =
		index_put_grown(&s->by_uuid, hash_uuid(s, uuid), slot_of_entry(s, e));
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
		out[n++] = record_of(e);
		e->forgotten = false;
		drop_if_empty(s, e);
	}
	return n;
}

void
states_put_back(struct states *s, const struct state_record *record)
{
	struct state_entry *e = find(s, &record->mac);

	if (e == NULL && record->forgotten)
		states_forget(s, &record->mac);
	if (e == NULL)
		states_put(s, record);
	if (e == NULL && (e = find(s, &record->mac)) == NULL)
		return;
	e->forgotten |= record->forgotten;
	mark_dirty(s, e);
}

void
states_all_dirty(struct states *s)
{
	for (uint32_t i = 0; i < s->fresh; i++)
		if (s->entries[i].is_used && counts(&s->entries[i]))
			mark_dirty(s, &s->entries[i]);
}
