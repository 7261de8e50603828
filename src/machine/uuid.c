/* UUIDs: the several cards of one machine are found by them, if they are its own. */
#include <string.h>

#include "machine/inside.h"

/* Two machines ask DHCP at once; the cards of one do it one after the other. */
#define AT_ONCE MONO_S(3)

static bool
is_one_byte(const struct uuid *u)
{
	for (size_t i = 1; i < sizeof(u->b); i++)
		if (u->b[i] != u->b[0])
			return false;
	return true;
}

/* The smaller of its two spellings stands for both. */
struct uuid
uuid_one_spelling(const struct uuid *u)
{
	struct uuid swapped = uuid_swapped(u);

	return memcmp(u, &swapped, sizeof(*u)) < 0 ? *u : swapped;
}

bool
uuid_is_same(const struct uuid *a, const struct uuid *b)
{
	struct uuid x = uuid_one_spelling(a), y = uuid_one_spelling(b);

	return memcmp(&x, &y, sizeof(x)) == 0;
}

/* What boards say whose maker never wrote one. */
bool
uuid_is_junk(const struct uuid *uuid)
{
	static const char *const known[] = {
		"03000200-0400-0500-0006-000700080009", /* AMI's template */
		"00112233-4455-6677-8899-aabbccddeeff",
		"01020304-0506-0708-090a-0b0c0d0e0f10",
		"12345678-1234-5678-90ab-cddeefaabbcc",
		"12345678-1234-1234-1234-123456789abc",
		"4c4c4544-0000-2010-8020-80c04f202020", /* Dell's, without a service tag
							 */
		"fefefefe-fefe-fefe-fefe-fefefefefefe",
	};
	struct uuid u;

	if (is_one_byte(uuid))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (uuid_parse(known[i], strlen(known[i]), &u) && uuid_is_same(&u, uuid))
			return true;
	return false;
}

static uint32_t
hash_of(const struct registry *r, const struct uuid *uuid)
{
	struct uuid u = uuid_one_spelling(uuid);

	return registry_hash(r, u.b, sizeof(u.b));
}

struct machine *
roster_by_uuid(struct registry *r, const struct uuid *uuid)
{
	uint32_t h = hash_of(r, uuid), slot;
	size_t at;

	for (slot = index_first(&r->by_uuid, h, &at); slot != SLOT_NONE;
		slot = index_next(&r->by_uuid, h, &at))
		if (uuid_is_same(&r->slots[slot].traits->uuid, uuid))
			return &r->slots[slot];
	return NULL;
}

void
machine_drop_uuid(struct registry *r, struct machine *m)
{
	struct traits *t = m->traits;

	if (t == NULL || !t->has_uuid)
		return;
	index_remove(&r->by_uuid, hash_of(r, &t->uuid), slot_of(r, m));
	t->has_uuid = false;
}

static bool
is_common(const struct registry *r, const struct uuid *uuid)
{
	for (unsigned i = 0; i < r->n_common && i < COMMON_UUIDS_MAX; i++)
		if (uuid_is_same(&r->common[i], uuid))
			return true;
	return false;
}

/* It is on several machines: what was put together by it comes apart again. */
static void
came_apart(struct registry *r, struct machine *m)
{
	r->common[r->n_common++ % COMMON_UUIDS_MAX] = m->traits->uuid;
	machine_drop_uuid(r, m);
	states_set_uuid(&r->states, &m->mac, NULL);
	while (m->n_macs > 1) {
		states_unlink(&r->states, machine_mac(m, m->n_macs - 1u));
		machine_drop_last_mac(r, m);
	}
}

/* Whether `who`, with another machine's UUID, cannot be that machine. */
static bool
is_another(
	const struct registry *r, const struct machine *other, const struct sighting *who)
{
	bool is_ipxe = who->firmware != NULL && strncmp(who->firmware, "iPXE", 4) == 0;
	const struct traits *t = traits_of(other);

	if (other->n_macs == MACS_MAX)
		return true;
	return who->by_dhcp && who->has_mac && !is_ipxe && t->asked_at.us != 0 &&
	       !mac_equal(&t->asked_as, &who->mac) &&
	       mono_since(registry_now(r), t->asked_at) < AT_ONCE;
}

void
machine_take_uuid(struct registry *r, struct machine *m, const struct uuid *uuid)
{
	struct traits *t = machine_traits(r, m);

	if (t == NULL || (t->has_uuid && uuid_is_same(&t->uuid, uuid)))
		return;
	machine_drop_uuid(r, m);
	t->uuid = *uuid;
	t->has_uuid = index_put(&r->by_uuid, hash_of(r, uuid), slot_of(r, m));
	if (m->n_macs > 0)
		states_set_uuid(&r->states, &m->mac, uuid);
}

/* One whose story was forgotten, and its state was not: this may be another card. */
static struct machine *
called_back(struct registry *r, struct machine *m, const struct uuid *uuid)
{
	struct machine *other;
	struct mac mac;

	if (!states_by_uuid(&r->states, uuid, &mac))
		return NULL;
	m->transfers++; /* it is not the one to make room */
	other = roster_named(r, &mac, true);
	m->transfers--;
	if (other != NULL)
		machine_take_uuid(r, other, uuid);
	return other;
}

/*
 * The one with a state set by somebody swallows the other; two of them stay two, as
 * somebody thinks they are.
 */
static struct machine *
unite(struct registry *r, struct machine *m, struct machine *other,
	const struct uuid *uuid)
{
	struct machine *into = orders_of(m)->state_set ? m : other;
	struct machine *from = into == m ? other : m;

	if (orders_of(from)->state_set || from->n_macs + into->n_macs > MACS_MAX)
		return m;
	machine_absorb(r, into, from);
	machine_take_uuid(r, into, uuid); /* it may have been the other's */
	return into;
}

struct machine *
machine_note_uuid(struct registry *r, struct machine *m, const struct sighting *who)
{
	struct machine *other;

	if (!who->has_uuid || uuid_is_junk(&who->uuid) || is_common(r, &who->uuid))
		return m;
	other = roster_by_uuid(r, &who->uuid);
	if (other == NULL)
		other = called_back(r, m, &who->uuid);
	if (other == m)
		return m;
	if (other != NULL && is_another(r, other, who)) {
		came_apart(r, other);
		return m;
	}
	if (other != NULL)
		return unite(r, m, other, &who->uuid);
	machine_take_uuid(r, m, &who->uuid);
	return m;
}
