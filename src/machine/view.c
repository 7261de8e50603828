/* Reading: copies of what is known, and events from a cursor on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/inside.h"

/* Machines copied before others may have the lock. */
#define AT_A_TIME 64

/* NULL is "". */
static void
put(char *to, const char *text, size_t cap)
{
	size_t n = text ? strnlen(text, cap - 1) : 0;

	memcpy(to, text ? text : "", n);
	to[n] = '\0';
}

static void
copy_verdict(struct machine_view *v, const struct machine *m)
{
	const struct past *p = m->past;

	put(v->outcome, m->outcome, sizeof(v->outcome));
	if (p == NULL || p->code == NULL)
		return;
	put(v->verdict, p->code, sizeof(v->verdict));
	put(v->verdict_text, p->text, sizeof(v->verdict_text));
	put(v->next_step, p->next, sizeof(v->next_step));
}

/* Who says what its state is: somebody, the script, or nobody. */
static const char *
state_by(const struct machine *m)
{
	if (orders_of(m)->state_set)
		return orders_of(m)->by;
	return m->in_script != STATE_BOOT ? "script" : "";
}

static enum machine_state
state_shown(const struct machine *m)
{
	const struct orders *o = orders_of(m);

	return o->state_set ? o->state : (enum machine_state)m->in_script;
}

static void
copy_traits(struct machine_view *v, const struct machine *m)
{
	const struct traits *t = traits_of(m);

	for (unsigned i = 0; i < m->n_macs; i++)
		v->macs[i] = *machine_mac(m, i);
	v->uuid = t->uuid;
	v->has_uuid = t->has_uuid;
	put(v->firmware, t->firmware, sizeof(v->firmware));
	put(v->vendor, t->vendor, sizeof(v->vendor));
	put(v->product, t->product, sizeof(v->product));
	put(v->serial, t->serial, sizeof(v->serial));
}

static void
copy(struct machine_view *v, const struct machine *m)
{
	const struct orders *o = orders_of(m);

	*v = (struct machine_view){.n_macs = m->n_macs,
		.has_mac = m->n_macs > 0,
		.mac = m->mac,
		.addr = m->addr,
		.arch = m->arch,
		.state = state_shown(m),
		.state_set = o->state_set,
		.once_used = o->once_used && state_shown(m) == STATE_ONCE,
		.first_ms = m->first_ms,
		.last_ms = m->last_ms,
		.boot = m->boot,
		.boot_ms = m->boot_ms,
		.boot_end_ms = m->boot_end_ms};
	put(v->state_by, state_by(m), sizeof(v->state_by));
	copy_traits(v, m);
	copy_verdict(v, m);
}

static int
younger(const void *a, const void *b)
{
	const struct machine_view *x = a, *y = b;

	return (x->last_ms < y->last_ms) - (x->last_ms > y->last_ms);
}

struct machine_view *
registry_machines(struct registry *r, size_t *n)
{
	struct machine_view *views;
	uint32_t end, i = 0;

	*n = 0;
	if (r == NULL)
		return NULL;
	registry_lock(r);
	end = r->fresh;
	registry_unlock(r);
	views = malloc((end + 1) * sizeof(*views));
	while (views != NULL && i < end) {
		registry_lock(r);
		for (int some = 0; some < AT_A_TIME && i < end; some++, i++)
			if (r->slots[i].is_used)
				copy(&views[(*n)++], &r->slots[i]);
		registry_unlock(r);
	}
	if (views != NULL)
		qsort(views, *n, sizeof(*views), younger);
	return views;
}

bool
registry_machine(struct registry *r, const struct mac *mac, struct machine_view *out)
{
	const struct machine *m;

	if (r == NULL)
		return false;
	registry_lock(r);
	m = roster_named(r, mac, false);
	if (m != NULL)
		copy(out, m);
	registry_unlock(r);
	return m != NULL;
}

bool
registry_kept(struct registry *r, const struct mac *mac, struct machine_view *v)
{
	struct state_record kept;
	bool has;

	if (r == NULL)
		return false;
	registry_lock(r);
	has = states_find(&r->states, mac, &kept);
	registry_unlock(r);
	if (!has)
		return false;
	if (!v->has_mac)
		*v = (struct machine_view){.mac = kept.mac,
			.macs = {kept.mac},
			.n_macs = 1,
			.has_mac = true,
			.arch = -1};
	v->state_set = kept.state_set;
	v->state = kept.state_set ? kept.state : kept.once_used ? STATE_ONCE : STATE_BOOT;
	v->once_used = kept.once_used && v->state == STATE_ONCE;
	snprintf(v->state_by, sizeof(v->state_by), "%s",
		kept.state_set   ? kept.by
		: kept.once_used ? "script"
				 : "");
	return true;
}

bool
registry_machine_at(
	struct registry *r, const struct netaddr *addr, struct machine_view *out)
{
	const struct machine *m;

	if (r == NULL)
		return false;
	registry_lock(r);
	m = roster_by_addr(r, addr);
	if (m != NULL)
		copy(out, m);
	registry_unlock(r);
	return m != NULL;
}

static bool
was_last_at(const struct machine *m, const struct netaddr *addr)
{
	return m->is_used && m->n_macs > 0 && netaddr_same_host(&m->addr, addr);
}

bool
registry_machine_last_at(
	struct registry *r, const struct netaddr *addr, struct machine_view *out)
{
	bool found = registry_machine_at(r, addr, out);
	uint32_t end = found || r == NULL ? 0 : UINT32_MAX, i = 0;

	while (i < end) {
		registry_lock(r);
		end = r->fresh;
		for (int some = 0; some < AT_A_TIME && i < end; some++, i++) {
			const struct machine *m = &r->slots[i];

			if (!was_last_at(m, addr) ||
				(found && out->last_ms >= m->last_ms))
				continue;
			copy(out, m);
			found = true;
		}
		registry_unlock(r);
	}
	return found;
}

static struct transfer_view
transfer_view(const struct registry *r, const struct transfer *t)
{
	struct transfer_view v = {.via = (enum transport)t->via,
		.bytes = atomic_load_explicit(&t->p.bytes, memory_order_relaxed),
		.total = t->p.total,
		.rate = t->rate,
		.began_ms =
			registry_wall(r) - mono_since(registry_now(r), t->began) / 1000};

	if (t->slot != SLOT_NONE) {
		v.mac = r->slots[t->slot].mac;
		v.addr = r->slots[t->slot].addr;
	}
	put(v.name, t->name, sizeof(v.name));
	return v;
}

struct transfer_view *
registry_transfers(struct registry *r, const struct mac *mac, size_t *n)
{
	struct transfer_view *views;
	uint32_t only = SLOT_NONE;
	struct transfer *t;

	*n = 0;
	if (r == NULL)
		return NULL;
	registry_lock(r);
	if (mac != NULL)
		only = slot_of(r, roster_by_mac(r, mac));
	views = malloc((r->n_transfers + 1) * sizeof(*views));
	if (views != NULL && (mac == NULL || only != SLOT_NONE))
		TAILQ_FOREACH(t, &r->transfers, entry)
	if (mac == NULL || t->slot == only)
		views[(*n)++] = transfer_view(r, t);
	registry_unlock(r);
	return views;
}

/* Events. */

/* Where a reader's events go: strings into `buf`. */
struct outlet {
	struct event *out;
	size_t n, max;
	char *buf;
	size_t cap;
};

static const char *
keep_text(struct outlet *o, const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;
	char *at = o->buf;

	if (text == NULL)
		return NULL;
	memcpy(at, text, n);
	o->buf += n;
	o->cap -= n;
	return at;
}

/* False when it does not fit any more. */
static bool
give(struct outlet *o, const struct record *rec)
{
	struct event e = record_event(rec);

	if (o->n == o->max || o->cap < (size_t)rec->name_len + rec->text_len + 2)
		return false;
	e.name = keep_text(o, e.name);
	e.text = keep_text(o, e.text);
	o->out[o->n++] = e;
	return true;
}

static void
give_all(struct registry *r, uint64_t *cursor, struct outlet *o, uint64_t *lost)
{
	const struct timeline *t = &r->timeline;
	uint32_t at = timeline_after(t, *cursor);

	if (*cursor + 1 < t->oldest) {
		*lost = t->oldest - *cursor - 1;
		*cursor = t->oldest - 1;
	}
	for (; at != RECORD_NONE && give(o, timeline_at(t, at));
		at = timeline_next(t, at))
		*cursor = timeline_at(t, at)->seq;
}

static void
give_one(struct registry *r, const struct machine *m, uint64_t *cursor, struct outlet *o,
	uint64_t *lost)
{
	const struct timeline *t = &r->timeline;

	if (m->evicted_seq > *cursor)
		*lost = m->evicted;
	for (uint32_t at = m->first; at != RECORD_NONE; at = timeline_at(t, at)->next) {
		if (timeline_at(t, at)->seq <= *cursor)
			continue;
		if (!give(o, timeline_at(t, at)))
			return;
		*cursor = timeline_at(t, at)->seq;
	}
}

size_t
registry_events(struct registry *r, uint64_t *cursor, const struct mac *only,
	struct event *out, size_t max, char *buf, size_t cap, uint64_t *lost)
{
	struct outlet o = {out, 0, max, buf, cap};
	const struct machine *m;

	*lost = 0;
	if (r == NULL)
		return 0;
	registry_lock(r);
	if (only == NULL)
		give_all(r, cursor, &o, lost);
	else if ((m = roster_by_mac(r, only)) != NULL)
		give_one(r, m, cursor, &o, lost);
	registry_unlock(r);
	return o.n;
}

size_t
registry_events_at(struct registry *r, uint64_t *cursor, const struct netaddr *only,
	struct event *out, size_t max, char *buf, size_t cap, uint64_t *lost)
{
	struct outlet o = {out, 0, max, buf, cap};
	const struct machine *m;

	*lost = 0;
	if (r == NULL)
		return 0;
	registry_lock(r);
	m = roster_by_addr(r, only);
	if (m != NULL)
		give_one(r, m, cursor, &o, lost);
	registry_unlock(r);
	return o.n;
}

uint64_t
registry_newest(struct registry *r)
{
	uint64_t newest;

	if (r == NULL)
		return 0;
	registry_lock(r);
	newest = r->timeline.newest;
	registry_unlock(r);
	return newest;
}

/* What the store knew of it: facts, and how its last boot ended. */
static void
restore(struct registry *r, struct machine *m, const struct machine_view *v)
{
	for (unsigned i = 1; i < v->n_macs && i < MACS_MAX; i++)
		if (roster_by_mac(r, &v->macs[i]) == NULL)
			machine_add_mac(r, m, &v->macs[i]);
	machine_note_traits(r, m,
		&(struct sighting){.firmware = v->firmware,
			.vendor = v->vendor,
			.product = v->product,
			.serial = v->serial});
	/* It does not own it: who speaks from it now may be another. */
	if (m->addr.sa.sa_family == AF_UNSPEC)
		m->addr = v->addr;
	m->arch = v->arch;
	m->first_ms = v->first_ms;
	m->last_ms = v->last_ms;
	if (m->boot < v->boot)
		m->boot = v->boot;
	m->boot_ms = v->boot_ms;
	m->boot_end_ms = v->boot_end_ms ? v->boot_end_ms : v->last_ms;
}

/* Codes and outcomes are constants here; what a file says is not. */
static void
restore_verdict(struct registry *r, struct machine *m, const struct machine_view *v)
{
	struct verdict was = {.code = verdict_code(v->verdict)};

	m->outcome = verdict_outcome(v->outcome);
	if (strcmp(m->outcome, "running") == 0)
		m->outcome = "quiet"; /* we were not there to see */
	was.outcome = m->outcome;
	put(was.text, v->verdict_text, sizeof(was.text));
	put(was.next, v->next_step, sizeof(was.next));
	machine_keep_verdict(r, m, &was);
}

/* Before the store could say which other cards it had. */
static void
forget_cards(struct registry *r, const struct machine_view *v)
{
	struct state_record kept;

	for (unsigned i = 0; i < v->n_macs; i++)
		if (!states_find(&r->states, &v->macs[i], &kept))
			states_forget(&r->states, &v->macs[i]);
}

void
registry_restore_machine(struct registry *r, const struct machine_view *v)
{
	struct sighting who = {.has_uuid = v->has_uuid, .uuid = v->uuid, .arch = -1};
	struct machine *m = NULL;

	if (r == NULL || !v->has_mac)
		return;
	registry_lock(r);
	if (states_is_forgotten(&r->states, &v->mac))
		forget_cards(r, v);
	else
		m = roster_named(r, &v->mac, true);
	if (m != NULL && !m->is_open) { /* else it was heard already, and knows better */
		restore(r, m, v);
		if (v->boot != 0)
			restore_verdict(r, m, v);
		if (m->queue == QUEUE_STRANGERS)
			roster_promote(r, m, QUEUE_REGULARS);
		machine_note_uuid(r, m, &who);
	}
	registry_unlock(r);
}
