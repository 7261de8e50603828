#include "store/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define BUCKETS 16384u /* a power of two */
#define NOBODY UINT32_MAX

struct entry {
	struct state_record record;
	uint32_t next; /* in its bucket */
	bool unsaved;
	bool taken; /* given out by the last ledger_unsaved() */
};

struct ledger {
	struct entry *entries;
	uint32_t n, cap;
	uint32_t hand;    /* where the search for room goes on */
	uint32_t unsaved; /* how many */
	uint32_t buckets[BUCKETS];
};

struct ledger *
ledger_new(void)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l != NULL)
		memset(l->buckets, 0xff, sizeof(l->buckets));
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (l != NULL)
		free(l->entries);
	free(l);
}

static uint32_t *
bucket(struct ledger *l, const struct mac *mac)
{
	return &l->buckets[fnv1a(mac, sizeof(*mac)) % BUCKETS];
}

static struct entry *
find(struct ledger *l, const struct mac *mac)
{
	for (uint32_t i = *bucket(l, mac); i != NOBODY; i = l->entries[i].next)
		if (memcmp(&l->entries[i].record.mac, mac, sizeof(*mac)) == 0)
			return &l->entries[i];
	return NULL;
}

/* The link that leads to entry `i`. */
static uint32_t *
link_to(struct ledger *l, uint32_t i)
{
	uint32_t *at = bucket(l, &l->entries[i].record.mac);

	while (*at != i)
		at = &l->entries[*at].next;
	return at;
}

/* The last entry takes the place of the one that goes. */
static void
drop(struct ledger *l, uint32_t i)
{
	uint32_t last = l->n - 1;

	*link_to(l, i) = l->entries[i].next;
	if (i != last) {
		*link_to(l, last) = i;
		l->entries[i] = l->entries[last];
	}
	l->n--;
}

/* Drops one that nobody set and that is on disk, if a short search finds one. */
static void
make_room(struct ledger *l)
{
	for (unsigned tries = 0; tries < 1024 && l->n >= LEDGER_MAX; tries++) {
		uint32_t i = l->hand++ % l->n;

		if (!l->entries[i].unsaved && !l->entries[i].record.state_set)
			drop(l, i);
	}
}

static struct entry *
add(struct ledger *l, const struct mac *mac)
{
	uint32_t *at = bucket(l, mac);

	make_room(l);
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 64;
		void *p = reallocarray(l->entries, cap, sizeof(*l->entries));

		if (p == NULL)
			return NULL;
		l->entries = p;
		l->cap = cap;
	}
	l->entries[l->n] = (struct entry){.record.mac = *mac, .next = *at};
	*at = l->n;
	return &l->entries[l->n++];
}

static void
mark(struct ledger *l, struct entry *e, bool unsaved)
{
	l->unsaved += (uint32_t)unsaved - (uint32_t)e->unsaved;
	e->unsaved = unsaved;
	e->taken = false;
}

bool
ledger_put(struct ledger *l, const struct state_record *record)
{
	struct entry *e = find(l, &record->mac);

	if (e == NULL)
		e = add(l, &record->mac);
	if (e == NULL)
		return false;
	e->record = *record;
	mark(l, e, true);
	return true;
}

bool
ledger_put_saved(struct ledger *l, const struct state_record *record)
{
	struct entry *e = find(l, &record->mac);

	if (e != NULL)
		return true;
	e = add(l, &record->mac);
	if (e == NULL)
		return false;
	e->record = *record;
	return true;
}

size_t
ledger_unsaved(struct ledger *l, struct state_record *out, size_t max)
{
	size_t n = 0;

	if (l->unsaved == 0)
		return 0;
	for (uint32_t i = 0; i < l->n; i++) {
		struct entry *e = &l->entries[i];

		e->taken = e->unsaved && n < max;
		if (e->taken)
			out[n++] = e->record;
	}
	return n;
}

void
ledger_saved(struct ledger *l)
{
	for (uint32_t i = l->n; i-- > 0;) {
		bool gone = l->entries[i].record.forgotten;

		if (!l->entries[i].taken)
			continue;
		mark(l, &l->entries[i], false);
		if (gone)
			drop(l, i); /* what takes its place was looked at already */
	}
}

void
ledger_all_unsaved(struct ledger *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		mark(l, &l->entries[i], true);
}

size_t
ledger_count(const struct ledger *l)
{
	return l->n;
}
