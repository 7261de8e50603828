#include "dhcp/memory.h"

#include <stdlib.h>
#include <sys/queue.h>

/* Offers a client may ignore before it is tried otherwise: a packet may get lost. */
#define PATIENCE 2
/* ... and when that offer has worked before: the DHCP server may be away a while. */
#define PATIENCE_PROVEN 6
/* The same DISCOVER by two ways (two relays) is one. Firmware waits a second and more. */
#define SAME_DISCOVER MONO_MS(500)
/* Another boot, not another try of this one. */
#define NEW_BOOT MONO_S(600)
/* TFTP or HTTP so long after an offer is the installed system's, not firmware's. */
#define ON_ITS_WAY MONO_S(60)
#define ADDRS 32768

TAILQ_HEAD(machines, machine);

struct machine {
	TAILQ_ENTRY(machine) age;
	struct machine *chain;
	struct machine_key key;
	be32 addr;
	bool is_kept;
	/* How the kind of client that can be answered in several ways fares: */
	enum proxy_client client;
	uint8_t attempt, ignored;
	bool has_won;
	struct mono last;
};

struct memory {
	unsigned slots, used, kept, buckets;
	uint32_t seed; /* so that nobody can choose MACs of one bucket */
	/* Oldest first. */
	struct machines strangers, regulars;
	struct machine *machines, **bucket;
	struct machine *by_addr[ADDRS]; /* the last of each hash; checked on use */
};

struct memory *
memory_new(unsigned slots)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->slots = m->buckets = slots;
	m->seed = arc4random();
	m->machines = calloc(slots, sizeof(*m->machines));
	m->bucket = calloc(slots, sizeof(*m->bucket));
	if (m->machines == NULL || m->bucket == NULL) {
		memory_free(m);
		return NULL;
	}
	TAILQ_INIT(&m->strangers);
	TAILQ_INIT(&m->regulars);
	return m;
}

void
memory_free(struct memory *m)
{
	if (m == NULL)
		return;
	free(m->machines);
	free(m->bucket);
	free(m);
}

struct machine_key
machine_key_of(const struct dhcp_head *head)
{
	struct machine_key key = {.len = head->hlen ? head->hlen : 16};

	memcpy(key.addr, head->chaddr, key.len);
	return key;
}

struct machine_key
machine_key_mac(const struct mac *mac)
{
	struct machine_key key = {.len = sizeof(mac->b)};

	memcpy(key.addr, mac->b, sizeof(mac->b));
	return key;
}

const struct machine_key *
machine_key(const struct machine *machine)
{
	return &machine->key;
}

static uint32_t
hash(const struct memory *m, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u ^ m->seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct machine **
bucket_of(struct memory *m, const struct machine_key *key)
{
	return &m->bucket[hash(m, key->addr, key->len) % m->buckets];
}

static bool
is_same(const struct machine_key *a, const struct machine_key *b)
{
	return a->len == b->len && memcmp(a->addr, b->addr, a->len) == 0;
}

struct machine *
memory_find(struct memory *m, const struct machine_key *key)
{
	struct machine *at = *bucket_of(m, key);

	while (at != NULL && !is_same(&at->key, key))
		at = at->chain;
	return at;
}

static struct machines *
queue_of(struct memory *m, const struct machine *machine)
{
	return machine->is_kept ? &m->regulars : &m->strangers;
}

static void
make_youngest(struct memory *m, struct machine *machine)
{
	TAILQ_REMOVE(queue_of(m, machine), machine, age);
	TAILQ_INSERT_TAIL(queue_of(m, machine), machine, age);
}

static void
forget(struct memory *m, struct machine *machine)
{
	struct machine **at = bucket_of(m, &machine->key);

	while (*at != machine)
		at = &(*at)->chain;
	*at = machine->chain;
}

/* A slot that was never used, whose memory is not touched before; else that of the
 * stranger who was silent for longest. */
static struct machine *
make_room(struct memory *m)
{
	struct machine *machine = TAILQ_FIRST(&m->strangers);

	if (m->used == m->slots) {
		forget(m, machine);
		return machine;
	}
	machine = &m->machines[m->used++];
	TAILQ_INSERT_TAIL(&m->strangers, machine, age);
	return machine;
}

struct machine *
memory_meet(struct memory *m, const struct machine_key *key)
{
	struct machine *machine = memory_find(m, key), **bucket = bucket_of(m, key);

	if (machine == NULL) {
		machine = make_room(m);
		machine->key = *key;
		machine->addr = be32_from(0);
		machine->ignored = machine->attempt = 0;
		machine->has_won = false;
		machine->chain = *bucket;
		*bucket = machine;
	}
	make_youngest(m, machine);
	return machine;
}

/* Regulars are three quarters at most: strangers must have room to become some. */
static void
keep(struct memory *m, struct machine *machine)
{
	struct machine *oldest;

	if (machine->is_kept)
		return;
	TAILQ_REMOVE(&m->strangers, machine, age);
	machine->is_kept = true;
	TAILQ_INSERT_TAIL(&m->regulars, machine, age);
	if (++m->kept <= m->slots - m->slots / 4 - 1)
		return;
	oldest = TAILQ_FIRST(&m->regulars);
	TAILQ_REMOVE(&m->regulars, oldest, age);
	oldest->is_kept = false;
	TAILQ_INSERT_TAIL(&m->strangers, oldest, age);
	m->kept--;
}

void
memory_set_addr(struct memory *m, struct machine *machine, be32 addr)
{
	machine->addr = addr;
	m->by_addr[hash(m, addr.b, sizeof(addr.b)) % ADDRS] = machine;
}

struct machine *
memory_find_addr(struct memory *m, be32 addr)
{
	struct machine *machine = m->by_addr[hash(m, addr.b, sizeof(addr.b)) % ADDRS];

	if (machine == NULL || dhcp_no_addr(addr) ||
		be32_to(machine->addr) != be32_to(addr))
		return NULL;
	return machine;
}

/* What the machine is like after one more DISCOVER. The one place that changes it. */
static struct machine
after_discover(struct machine machine, enum proxy_client client, struct mono now)
{
	int64_t since = mono_since(now, machine.last);
	unsigned patience = machine.has_won ? PATIENCE_PROVEN : PATIENCE;

	if (machine.client != client) {
		machine.client = client;
		machine.attempt = machine.ignored = 0;
		machine.has_won = false;
	}
	if (machine.ignored > 0 && since < SAME_DISCOVER)
		return machine;
	if (machine.ignored > 0 && since > NEW_BOOT)
		machine.ignored = 0;
	if (machine.ignored >= patience) {
		machine.attempt =
			(uint8_t)((machine.attempt + 1u) % proxy_attempts(client));
		machine.ignored = 0;
		machine.has_won = false;
	}
	machine.ignored++;
	machine.last = now;
	return machine;
}

/* iPXE follows the firmware on the same MAC: what firmware taught us shall stay. */
static bool
can_learn(enum proxy_client client)
{
	return proxy_attempts(client) > 1;
}

unsigned
machine_attempt(const struct machine *machine, enum proxy_client client, struct mono now)
{
	if (machine == NULL || !can_learn(client))
		return 0;
	return after_discover(*machine, client, now).attempt;
}

bool
machine_offered(struct machine *machine, enum proxy_client client, struct mono now)
{
	unsigned before = machine->attempt;

	if (!can_learn(client))
		return false;
	*machine = after_discover(*machine, client, now);
	return machine->attempt != before && machine->ignored == 1;
}

const struct proxy_row *
memory_moved_on(struct memory *m, struct machine *machine, struct mono now)
{
	if (machine->ignored == 0 || mono_since(now, machine->last) > ON_ITS_WAY)
		return NULL;
	machine->ignored = 0;
	keep(m, machine);
	if (machine->has_won)
		return NULL;
	machine->has_won = true;
	return proxy_row_find(machine->client, machine->attempt);
}
