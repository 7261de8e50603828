/* Who is who: the machines, found by MAC and address, and whose turn it is to go. */
#include <string.h>

#include "machine/inside.h"

/* An address seen with two MACs within so long is that of a router (NAT). */
#define SHARED_FOR MONO_S(600)
/* A MAC learnt from DHCP stands for its address so long after it was last heard. */
#define DHCP_FOR MONO_S(1800)
/* What an address did without a MAC is its machine's, if it just did it. */
#define SAME_BOOT_FOR MONO_S(300)

uint32_t
registry_hash(const struct registry *r, const void *data, size_t len)
{
	return seeded_hash(r->seed, data, len);
}

static uint32_t
hash_addr(const struct registry *r, const struct netaddr *a)
{
	if (a->sa.sa_family == AF_INET)
		return registry_hash(r, &a->v4.sin_addr, sizeof(a->v4.sin_addr));
	return registry_hash(r, &a->v6.sin6_addr, sizeof(a->v6.sin6_addr));
}

static bool
has_mac(const struct machine *m, const struct mac *mac)
{
	for (unsigned i = 0; i < m->n_macs; i++)
		if (mac_equal(machine_mac(m, i), mac))
			return true;
	return false;
}

struct machine *
roster_by_mac(struct registry *r, const struct mac *mac)
{
	uint32_t h = registry_hash(r, mac->b, sizeof(mac->b)), slot;
	size_t at;

	for (slot = index_first(&r->by_mac, h, &at); slot != SLOT_NONE;
		slot = index_next(&r->by_mac, h, &at))
		if (has_mac(&r->slots[slot], mac))
			return &r->slots[slot];
	return NULL;
}

static struct machine *
find_addr(struct registry *r, const struct index *x, const struct netaddr *addr)
{
	uint32_t h = hash_addr(r, addr), slot;
	size_t at;

	for (slot = index_first(x, h, &at); slot != SLOT_NONE;
		slot = index_next(x, h, &at))
		if (netaddr_same_host(&r->slots[slot].addr, addr))
			return &r->slots[slot];
	return NULL;
}

struct machine *
roster_by_addr(struct registry *r, const struct netaddr *addr)
{
	struct machine *m = find_addr(r, &r->by_addr, addr);

	return m ? m : find_addr(r, &r->by_bare, addr);
}

/* Queues. */

static void
enqueue(struct registry *r, struct machine *m, enum queue queue)
{
	m->queue = (uint8_t)queue;
	r->counts[queue]++;
	TAILQ_INSERT_TAIL(&r->queues[queue], m, age);
}

static void
dequeue(struct registry *r, struct machine *m)
{
	r->counts[m->queue]--;
	TAILQ_REMOVE(&r->queues[m->queue], m, age);
}

/* The oldest of a queue that has grown too long. */
static void
demote(struct registry *r, enum queue queue, enum queue to)
{
	struct machine *oldest = TAILQ_FIRST(&r->queues[queue]);

	dequeue(r, oldest);
	enqueue(r, oldest, to);
}

/*
 * Those with a state are half at most, their states being kept without them; regulars
 * are three quarters: strangers must have room to become some.
 */
void
roster_promote(struct registry *r, struct machine *m, enum queue queue)
{
	dequeue(r, m);
	enqueue(r, m, queue);
	if (r->counts[QUEUE_KEPT] > r->n_slots / 2)
		demote(r, QUEUE_KEPT, QUEUE_REGULARS);
	if (r->counts[QUEUE_REGULARS] > r->n_slots - r->n_slots / 4)
		demote(r, QUEUE_REGULARS, QUEUE_STRANGERS);
}

static void
make_youngest(struct registry *r, struct machine *m)
{
	TAILQ_REMOVE(&r->queues[m->queue], m, age);
	TAILQ_INSERT_TAIL(&r->queues[m->queue], m, age);
}

/* Birth and death. */

static void
disown_addr(struct registry *r, struct machine *m)
{
	struct index *x = m->n_macs ? &r->by_addr : &r->by_bare;

	if (m->owns_addr)
		index_remove(x, hash_addr(r, &m->addr), slot_of(r, m));
	m->owns_addr = false;
}

static void
disown_records(struct registry *r, struct machine *m)
{
	for (uint32_t at = m->first; at != RECORD_NONE;) {
		struct record *rec = timeline_at(&r->timeline, at);

		at = rec->next;
		rec->owner = SLOT_NONE;
	}
}

void
roster_forget(struct registry *r, struct machine *m)
{
	disown_addr(r, m);
	disown_records(r, m);
	machine_drop_uuid(r, m);
	while (m->n_macs > 0)
		machine_drop_last_mac(r, m);
	machine_drop_orders(r, m);
	machine_shut(r, m);
	dequeue(r, m);
	machine_drop_parts(r, m);
	memset(m, 0, sizeof(*m));
	TAILQ_INSERT_HEAD(&r->unused, m, age);
}

/* The one silent for longest that may go; those amid a transfer may not. */
static bool
make_room(struct registry *r)
{
	for (int queue = QUEUE_STRANGERS; queue < QUEUE_KEPT; queue++) {
		struct machine *m = TAILQ_FIRST(&r->queues[queue]);

		for (int tries = 64; m != NULL && m->transfers > 0 && tries > 0; tries--)
			m = TAILQ_NEXT(m, age);
		if (m != NULL && m->transfers == 0) {
			roster_forget(r, m);
			return true;
		}
	}
	return false;
}

static struct machine *
unused_slot(struct registry *r)
{
	struct machine *m;

	if (TAILQ_EMPTY(&r->unused) && r->fresh < r->n_slots)
		return &r->slots[r->fresh++];
	if (TAILQ_EMPTY(&r->unused) && !make_room(r))
		return NULL;
	m = TAILQ_FIRST(&r->unused);
	TAILQ_REMOVE(&r->unused, m, age);
	return m;
}

/* One that is made has not been seen: what is told of it next says when. */
struct machine *
roster_make(struct registry *r, const struct mac *mac)
{
	struct machine *m = unused_slot(r);

	if (m == NULL)
		return NULL;
	m->is_used = true;
	m->arch = -1;
	m->first = m->last = m->boot_first = RECORD_NONE;
	m->heard = registry_now(r);
	enqueue(r, m, QUEUE_STRANGERS);
	if (mac == NULL)
		return m;
	machine_add_mac(r, m, mac);
	if (m->n_macs > 0)
		return m;
	roster_forget(r, m); /* nobody would find it again */
	return NULL;
}

/* A machine known by its address only gets its name by this. */
void
machine_add_mac(struct registry *r, struct machine *m, const struct mac *mac)
{
	if (m->n_macs == MACS_MAX || has_mac(m, mac))
		return;
	if (m->n_macs == 0)
		disown_addr(r, m);
	else if (machine_traits(r, m) == NULL)
		return;
	if (!index_put_grown(
		    &r->by_mac, registry_hash(r, mac->b, sizeof(mac->b)), slot_of(r, m)))
		return;
	*(m->n_macs ? &m->traits->others[m->n_macs - 1] : &m->mac) = *mac;
	m->n_macs++;
	if (m->n_macs > 1)
		states_link(&r->states, mac, &m->mac);
}

void
machine_drop_last_mac(struct registry *r, struct machine *m)
{
	const struct mac *mac = machine_mac(m, --m->n_macs);

	index_remove(&r->by_mac, registry_hash(r, mac->b, sizeof(mac->b)), slot_of(r, m));
}

/* One that was forgotten for want of room, but not its state. */
static struct machine *
called_back(struct registry *r, const struct mac *mac, const struct state_record *kept)
{
	struct machine *m = roster_make(r, &kept->mac);
	struct mac cards[MACS_MAX];
	struct uuid uuid;
	unsigned n;

	if (m == NULL)
		return NULL;
	machine_add_mac(r, m, mac);
	n = states_cards(&r->states, &kept->mac, cards, MACS_MAX);
	for (unsigned i = 0; i < n; i++)
		if (roster_by_mac(r, &cards[i]) == NULL)
			machine_add_mac(r, m, &cards[i]);
	if (states_uuid(&r->states, &kept->mac, &uuid) &&
		roster_by_uuid(r, &uuid) == NULL)
		machine_take_uuid(r, m, &uuid);
	machine_recall(r, m, kept);
	return m;
}

struct machine *
roster_named(struct registry *r, const struct mac *mac, bool make)
{
	struct machine *m = roster_by_mac(r, mac);
	struct state_record kept;

	if (m != NULL || !mac_is_of_a_card(mac))
		return m;
	if (!states_find(&r->states, mac, &kept))
		return make ? roster_make(r, mac) : NULL;
	m = roster_by_mac(r, &kept.mac); /* and this is another card of it */
	if (m != NULL)
		machine_add_mac(r, m, mac);
	return m != NULL || !make ? m : called_back(r, mac, &kept);
}

/* Addresses. */

/* Whether the one that has the address now is there too, behind a router. */
static bool
is_beside(
	const struct registry *r, const struct machine *owner, const struct sighting *who)
{
	return !who->by_dhcp && mono_since(registry_now(r), owner->heard) < SHARED_FOR;
}

static void
own_addr(struct registry *r, struct machine *m, const struct sighting *who)
{
	struct index *x = m->n_macs ? &r->by_addr : &r->by_bare;
	struct machine *owner = find_addr(r, x, &who->addr);

	if (owner == m) {
		m->addr_by_dhcp |= who->by_dhcp;
		return;
	}
	disown_addr(r, m);
	m->addr_is_shared = false;
	if (owner != NULL) {
		m->addr_is_shared = owner->addr_is_shared || is_beside(r, owner, who);
		disown_addr(r, owner);
	}
	m->addr = who->addr;
	netaddr_set_port(&m->addr, 0);
	m->addr_by_dhcp = who->by_dhcp;
	m->owns_addr = index_put(x, hash_addr(r, &m->addr), slot_of(r, m));
}

/* What the address did before its MAC was known was this machine. */
static void
adopt_bare(struct registry *r, struct machine *m, const struct netaddr *addr)
{
	struct machine *bare = find_addr(r, &r->by_bare, addr);

	if (bare == NULL || bare == m || m->addr_is_shared ||
		mono_since(registry_now(r), bare->heard) > SAME_BOOT_FOR)
		return;
	machine_absorb(r, m, bare);
}

/* The order of identification. */

static struct machine *
by_dhcps_word(struct registry *r, const struct netaddr *addr)
{
	struct machine *m = find_addr(r, &r->by_addr, addr);

	if (m == NULL || !m->addr_by_dhcp || m->addr_is_shared ||
		mono_since(registry_now(r), m->heard) > DHCP_FOR)
		return NULL;
	return m;
}

static struct machine *
by_address(struct registry *r, const struct sighting *who, bool make)
{
	struct machine *m = find_addr(r, &r->by_addr, &who->addr);

	if (m != NULL && !m->addr_is_shared)
		return m;
	m = find_addr(r, &r->by_bare, &who->addr);
	return m != NULL || !make ? m : roster_make(r, NULL);
}

static struct machine *
find(struct registry *r, const struct sighting *who, bool make)
{
	bool has_addr =
		who->addr.sa.sa_family == AF_INET || who->addr.sa.sa_family == AF_INET6;
	bool named = who->has_mac && mac_is_of_a_card(&who->mac);
	struct machine *m = NULL;

	if (named && (who->mac_in_name || who->by_dhcp))
		return roster_named(r, &who->mac, make);
	if (has_addr)
		m = by_dhcps_word(r, &who->addr);
	if (m == NULL && named)
		return roster_named(r, &who->mac, make);
	if (m == NULL && who->has_uuid && !uuid_is_junk(&who->uuid))
		m = roster_by_uuid(r, &who->uuid);
	if (m == NULL && has_addr)
		m = by_address(r, who, make);
	return m;
}

static bool
is_said(const char *text)
{
	return text != NULL && *text != '\0';
}

/* As long as readers can show it. */
static void
note_text(struct registry *r, const char **to, const char *text, size_t max)
{
	char clean[128];
	size_t n = 0;

	if (!is_said(text))
		return;
	for (; *text != '\0' && n < max && n < sizeof(clean) - 1; text++)
		clean[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
	clean[n] = '\0';
	if (*to == NULL || strcmp(*to, clean) != 0)
		texts_set(&r->texts, to, clean, n);
}

void
machine_note_traits(struct registry *r, struct machine *m, const struct sighting *who)
{
	struct traits *t;

	if (!is_said(who->firmware) && !is_said(who->vendor) && !is_said(who->product) &&
		!is_said(who->serial))
		return;
	if ((t = machine_traits(r, m)) == NULL)
		return;
	note_text(r, &t->firmware, who->firmware, VIEW_MAX(firmware));
	note_text(r, &t->vendor, who->vendor, VIEW_MAX(vendor));
	note_text(r, &t->product, who->product, VIEW_MAX(product));
	note_text(r, &t->serial, who->serial, VIEW_MAX(serial));
}

static void
note_asked(struct registry *r, struct machine *m, const struct mac *mac)
{
	struct traits *t = machine_traits(r, m);

	if (t == NULL)
		return;
	t->asked_as = *mac;
	t->asked_at = registry_now(r);
}

static void
note_facts(struct registry *r, struct machine *m, const struct sighting *who)
{
	bool is_ipxe = who->firmware != NULL && strncmp(who->firmware, "iPXE", 4) == 0;

	if (who->arch >= 0 && !(is_ipxe && m->arch >= 0))
		m->arch = who->arch;
	machine_note_traits(r, m, who);
	m->last_ms = registry_wall(r);
	if (m->first_ms == 0)
		m->first_ms = m->last_ms;
	if (who->by_dhcp && who->has_mac && !is_ipxe)
		note_asked(r, m, &who->mac);
}

struct machine *
roster_meet(struct registry *r, const struct sighting *who, bool make)
{
	struct machine *m = find(r, who, make);

	if (m == NULL)
		return NULL;
	m = machine_note_uuid(r, m, who);
	if (who->addr.sa.sa_family == AF_INET || who->addr.sa.sa_family == AF_INET6) {
		own_addr(r, m, who);
		if (m->n_macs > 0)
			adopt_bare(r, m, &who->addr);
	}
	note_facts(r, m, who);
	make_youngest(r, m);
	return m;
}
