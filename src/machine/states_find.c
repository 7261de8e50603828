#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "machine/states_inside.h"

uint32_t
entry_hash_mac(const struct states *s, const struct mac *mac)
{
	return seeded_hash(s->seed, mac, sizeof(*mac));
}

struct state_entry *
entry_find(const struct states *s, const struct mac *mac)
{
	uint32_t h = entry_hash_mac(s, mac), slot;
	size_t at;

	for (slot = index_first(&s->by_mac, h, &at); slot != SLOT_NONE;
		slot = index_next(&s->by_mac, h, &at))
		if (mac_equal(&s->entries[slot].mac, mac))
			return &s->entries[slot];
	return NULL;
}

bool
state_says_same(const struct state_record *a, const struct state_record *b)
{
	return a->state == b->state && a->state_set == b->state_set &&
	       a->once_used == b->once_used && a->done == b->done &&
	       strcmp(a->by, b->by) == 0;
}

struct state_entry *
entry_whose(const struct states *s, struct state_entry *e)
{
	return e->is_card ? entry_find(s, &e->of) : e;
}

struct state_record
entry_record(const struct state_entry *e)
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
	struct state_entry *e = entry_find(s, mac);

	if (e != NULL)
		e = entry_whose(s, e);
	if (e == NULL || !(entry_counts(e) || e->has_token))
		return false;
	*out = entry_record(e);
	return true;
}

bool
entry_token(const char *text, uint8_t out[static TOKEN_BYTES])
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

	if (!entry_token(token, bytes))
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

uint32_t
entry_hash_uuid(const struct states *s, const struct uuid *uuid)
{
	struct uuid u = uuid_one_spelling(uuid);

	return seeded_hash(s->seed, &u, sizeof(u));
}

bool
states_by_uuid(const struct states *s, const struct uuid *uuid, struct mac *out)
{
	uint32_t h = entry_hash_uuid(s, uuid), slot;
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
	const struct state_entry *e = entry_find(s, mac);
	unsigned n = 0;

	for (uint32_t i = e && !e->is_card ? e->card : SLOT_NONE;
		i != SLOT_NONE && n < max; i = s->entries[i].card)
		out[n++] = s->entries[i].mac;
	return n;
}

bool
states_uuid(const struct states *s, const struct mac *mac, struct uuid *out)
{
	const struct state_entry *e = entry_find(s, mac);

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
