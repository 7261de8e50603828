#include "machine/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/wall.h"
#include "machine/inside.h"

#define MACHINES_DEFAULT 16384
#define TIMELINE_DEFAULT ((size_t)16 << 20)

/* Once a second is enough: the wall's clock goes with ours, unless it is set. */
void
registry_compare_clocks(struct registry *r)
{
	r->wall_ahead = wall_ms() - mono_now().us / 1000;
}

void
registry_lock(struct registry *r)
{
	const struct registry_config *c = &r->config;

	pthread_mutex_lock(&r->lock);
	r->now = c->now ? c->now(c->clock_arg) : mono_now();
	if (c->wall_ms != NULL)
		r->wall_ms = c->wall_ms(c->clock_arg);
	else
		r->wall_ms = c->now ? wall_ms() : r->now.us / 1000 + r->wall_ahead;
}

void
registry_unlock(struct registry *r)
{
	pthread_mutex_unlock(&r->lock);
}

/* The ring takes a record back: its owner's story begins later. */
static void
on_evicted(void *arg, const struct record *rec, uint32_t at)
{
	struct registry *r = arg;
	struct machine *m;

	if (rec->owner == SLOT_NONE)
		return;
	m = &r->slots[rec->owner];
	m->evicted++;
	m->evicted_seq = rec->seq;
	m->first = rec->next;
	if (m->last == at)
		m->last = RECORD_NONE;
	if (m->boot_first == at)
		m->boot_first = rec->next;
}

static bool
make_tables(struct registry *r)
{
	size_t n = r->n_slots;

	r->slots = calloc(n, sizeof(*r->slots));
	return r->slots != NULL && index_init(&r->by_mac, 2 * n) &&
	       index_init(&r->by_uuid, n) && index_init(&r->by_addr, n) &&
	       index_init(&r->by_bare, n) && index_init(&r->by_token, n) &&
	       states_init(&r->states, r->seed) &&
	       timeline_init(&r->timeline, r->config.timeline_bytes
						   ? r->config.timeline_bytes
						   : TIMELINE_DEFAULT);
}

struct registry *
registry_new(const struct registry_config *config)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = *config;
	r->n_slots = config->machines_max ? config->machines_max : MACHINES_DEFAULT;
	r->seed = arc4random();
	texts_init(&r->texts, r->seed);
	pthread_mutex_init(&r->lock, NULL);
	tally_init(&r->tally);
	for (int i = 0; i < QUEUES; i++)
		TAILQ_INIT(&r->queues[i]);
	TAILQ_INIT(&r->open);
	TAILQ_INIT(&r->unused);
	TAILQ_INIT(&r->transfers);
	STAILQ_INIT(&r->words);
	r->strangers_left = 1e9; /* cut to the burst at first use */
	registry_compare_clocks(r);
	registry_lock(r);
	r->strangers_at = registry_now(r);
	registry_unlock(r);
	if (!make_tables(r)) {
		registry_free(r);
		return NULL;
	}
	r->timeline.evicted = on_evicted;
	r->timeline.arg = r;
	return r;
}

void
registry_free(struct registry *r)
{
	struct transfer *t;
	struct word *w;

	if (r == NULL)
		return;
	while ((t = TAILQ_FIRST(&r->transfers)) != NULL) {
		TAILQ_REMOVE(&r->transfers, t, entry);
		free(t);
	}
	while ((w = STAILQ_FIRST(&r->words)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->words, entry);
		free(w);
	}
	quota_end(&r->lines, "verdict-flood");
	for (uint32_t i = 0; r->slots != NULL && i < r->fresh; i++)
		machine_drop_parts(r, &r->slots[i]);
	texts_deinit(&r->texts);
	index_deinit(&r->by_mac);
	index_deinit(&r->by_uuid);
	index_deinit(&r->by_addr);
	index_deinit(&r->by_bare);
	index_deinit(&r->by_token);
	states_deinit(&r->states);
	timeline_deinit(&r->timeline);
	pthread_mutex_destroy(&r->lock);
	tally_deinit(&r->tally);
	free(r->slots);
	free(r);
}

/* Whether the machine is new is not held against a server's own events. */
static struct machine *
tell(struct registry *r, const struct sighting *who, const struct event *what)
{
	struct machine *m = roster_meet(r, who, what != NULL);
	struct event e;

	if (what == NULL)
		return m;
	tally_event(&r->tally, what, m ? m->arch : who->arch);
	if (m != NULL) {
		machine_tell(r, m, what);
	} else if (what->kind == EV_SERVER) {
		e = *what;
		machine_append(r, NULL, &e, 0);
	} else
		r->dropped++;
	return m;
}

void
registry_tell(struct registry *r, const struct sighting *who, const struct event *what)
{
	if (r == NULL)
		return;
	registry_lock(r);
	tell(r, who, what);
	registry_unlock(r);
}

static void
open_transfer(struct registry *r, struct transfer *t, const struct machine *m,
	const struct event *asked)
{
	t->p.total = asked->total;
	t->slot = slot_of(r, m);
	t->boot = m && m->is_open ? m->boot : 0;
	t->via = (uint8_t)asked->via;
	t->began = t->moved = registry_now(r);
	t->name = texts_keep(&r->texts, asked->name, RECORD_NAME_MAX);
	TAILQ_INSERT_TAIL(&r->transfers, t, entry);
	r->n_transfers++;
}

struct progress *
registry_transfer_begin(
	struct registry *r, const struct sighting *who, const struct event *asked)
{
	struct transfer *t;
	struct machine *m;

	if (r == NULL)
		return NULL;
	t = calloc(1, sizeof(*t));
	registry_lock(r);
	m = tell(r, who, asked);
	if (t != NULL)
		open_transfer(r, t, m, asked);
	if (t != NULL && m != NULL)
		m->transfers++;
	registry_unlock(r);
	return t ? &t->p : NULL;
}

/* What ends a transfer of a boot that is over tells of that boot, not of this one. */
static void
tell_end(struct registry *r, const struct transfer *t, struct event *e)
{
	struct machine *m = &r->slots[t->slot];

	m->transfers--;
	machine_flush_like(r, m);
	if (e->kind == EV_SENT)
		m->last_ms = registry_wall(r);
	if (t->boot == m->boot || t->boot == 0)
		machine_tell(r, m, e);
	else
		machine_append(r, m, e, t->boot);
}

void
registry_transfer_end(struct registry *r, struct progress *p, const struct event *end)
{
	struct transfer *t = (struct transfer *)p;
	struct event e = *end;

	if (r == NULL || p == NULL)
		return;
	if (e.name == NULL)
		e.name = t->name;
	if (e.via == VIA_NONE)
		e.via = (enum transport)t->via;
	registry_lock(r);
	TAILQ_REMOVE(&r->transfers, t, entry);
	r->n_transfers--;
	if (e.ms == 0)
		e.ms = (uint32_t)(mono_since(registry_now(r), t->began) / 1000);
	tally_event(&r->tally, &e, t->slot != SLOT_NONE ? r->slots[t->slot].arch : -1);
	if (t->slot != SLOT_NONE)
		tell_end(r, t, &e);
	texts_drop(&r->texts, t->name);
	registry_unlock(r);
	free(t);
}

void
registry_count(struct registry *r, size_t *machines, size_t *transfers)
{
	*machines = 0;
	registry_lock(r);
	for (int i = 0; i < QUEUES; i++)
		*machines += r->counts[i];
	*transfers = r->n_transfers;
	registry_unlock(r);
}

struct tally *
registry_tally(struct registry *r)
{
	return &r->tally;
}

size_t
registry_memory(struct registry *r)
{
	size_t n;

	if (r == NULL)
		return 0;
	registry_lock(r);
	n = sizeof(*r) + r->fresh * sizeof(*r->slots) + r->parts + r->texts.bytes +
	    index_memory(&r->by_mac) + index_memory(&r->by_uuid) +
	    index_memory(&r->by_addr) + index_memory(&r->by_bare) +
	    index_memory(&r->by_token) + states_memory(&r->states) +
	    timeline_memory(&r->timeline) + r->n_transfers * sizeof(struct transfer);
	registry_unlock(r);
	return n;
}

uint64_t
registry_dropped(struct registry *r)
{
	uint64_t n;

	registry_lock(r);
	n = r->dropped;
	registry_unlock(r);
	return n;
}
