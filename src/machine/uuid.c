/* UUIDs: the several cards of one machine are found by them, if they are its own. */
#include <string.h>

#include "machine/inside.h"

/* Two machines ask DHCP at once; the cards of one do it one after the other. */
#define AT_ONCE MONO_S(3)

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

/* One byte sixteen times, or bytes that count: 00010203-..., 00112233-... */
static bool
is_even(const struct uuid *u)
{
	uint8_t step = (uint8_t)(u->b[1] - u->b[0]);

	for (size_t i = 2; i < sizeof(u->b); i++)
		if ((uint8_t)(u->b[i] - u->b[i - 1]) != step)
			return false;
	return true;
}

/* What boards say whose maker never wrote one, from those who met it on many of them. */
static const char *const known_junk[] = {
	/* Templates: AMI's, Insyde's, Dell's without a tag, SolidRun's until 2021 */
	"03000200-0400-0500-0006-000700080009",
	"12345678-1234-5678-90ab-cddeefaabbcc",
	"4c4c4544-0000-2010-8020-80c04f202020",
	"8a95d198-7f46-11e5-bf8b-08002704d48e",
	/* CapaInstaller's list of non-unique UUIDs */
	"07090201-0103-0301-0807-060504030201",
	"50fb9712-ffff-ffff-ffff-ffffffffffff",
	"52309712-ffff-ffff-ffff-ffffffffffff",
	"56f49712-ffff-ffff-ffff-ffffffffffff",
	"61f39712-ffff-ffff-ffff-ffffffffffff",
	"890e2d14-cacd-45d1-ae66-bc80e8bfeb0f",
	"8e275844-178f-44a8-aceb-a7d7e5178c63",
	"93309712-ffff-ffff-ffff-ffffffffffff",
	"dc698397-fa54-4cf2-82c8-b1b5307a6a7f",
	/* osquery (pull request 4374), GLPI, FOG, Rockstor (issue 2143) */
	"10000000-0000-8000-0040-000000000000",
	"6ab5b300-538d-1014-9fb5-b0684d007b53",
	"ffffff00-ffff-ffff-ffff-ffffffffffff",
	"00000000-0000-0000-0807-060504030201",
	/* Digits that count, and other fillings that agents for inventories leave out */
	"01234567-8910-1112-1314-151617181920",
	"01234567-89ab-cdef-0123-456789abcdef",
	"11111111-2222-3333-4444-555555555555",
	"12345678-1234-1234-1234-123456789abc",
	"12345678-1234-5678-1234-567812345678",
	"deadbeef-dead-beef-dead-beefdeadbeef",
};

bool
uuid_is_junk(const struct uuid *uuid)
{
	struct uuid swapped = uuid_swapped(uuid);
	char text[UUID_TEXT], other[UUID_TEXT];

	if (is_even(uuid) || is_even(&swapped))
		return true;
	uuid_text(uuid, text);
	uuid_text(&swapped, other);
	for (size_t i = 0; i < sizeof(known_junk) / sizeof(*known_junk); i++)
		if (strcmp(known_junk[i], text) == 0 || strcmp(known_junk[i], other) == 0)
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
