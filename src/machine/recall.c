/* What the store takes and gives back, and what a forgotten machine gets back itself. */
#include <string.h>

#include "machine/inside.h"

static struct state_record
record_of(const struct machine *m)
{
	const struct orders *o = orders_of(m);
	struct state_record record = {.mac = m->mac,
		.state = o->state,
		.state_set = o->state_set,
		.once_used = o->once_used,
		.once_boot = o->once_boot,
		.boot = o->token_boot,
		.done = m->is_done};

	memcpy(record.by, o->by, sizeof(record.by));
	memcpy(record.token, o->token, sizeof(record.token));
	return record;
}

/* A token alone is for the disk; where there is none it lives as long as the machine. */
static bool
is_for_nobody(const struct registry *r, const struct state_record *record)
{
	struct state_record before;

	return r->wake == NULL && !record->state_set && !record->once_used &&
	       !record->done && !states_find(&r->states, &record->mac, &before);
}

static void
keep_names(struct registry *r, const struct machine *m)
{
	for (unsigned i = 1; i < m->n_macs; i++)
		states_link(&r->states, machine_mac(m, i), &m->mac);
	if (traits_of(m)->has_uuid)
		states_set_uuid(&r->states, &m->mac, &m->traits->uuid);
}

void
machine_keep(struct registry *r, const struct machine *m)
{
	struct state_record record = record_of(m);

	if (m->n_macs == 0 || is_for_nobody(r, &record))
		return;
	states_put(&r->states, &record);
	keep_names(r, m);
}

void
orders_put_token(struct registry *r, struct orders *o, const char *token)
{
	memcpy(o->token, token, DONE_TOKEN_TEXT);
	index_put(&r->by_token, registry_hash(r, o->token, DONE_TOKEN_TEXT - 1),
		slot_of(r, o->whose));
}

/* For the store. */

void
registry_on_dirty(struct registry *r, void (*wake)(void *arg), void *arg)
{
	registry_lock(r);
	r->wake = wake;
	r->wake_arg = arg;
	registry_unlock(r);
}

uint64_t
registry_generation(struct registry *r)
{
	uint64_t generation;

	registry_lock(r);
	generation = r->generation;
	registry_unlock(r);
	return generation;
}

size_t
registry_take_dirty(
	struct registry *r, struct state_record *out, size_t max, uint64_t *generation)
{
	size_t n;

	registry_lock(r);
	n = states_take(&r->states, out, max);
	*generation = n < max ? r->generation : 0;
	registry_unlock(r);
	return n;
}

void
registry_put_back(struct registry *r, const struct state_record *records, size_t n)
{
	registry_lock(r);
	for (size_t i = 0; i < n; i++)
		states_put_back(&r->states, &records[i]);
	registry_unlock(r);
}

void
registry_all_dirty(struct registry *r)
{
	registry_lock(r);
	r->generation++;
	states_all_dirty(&r->states);
	for (uint32_t i = 0; i < r->fresh; i++)
		if (r->slots[i].is_used && *orders_of(&r->slots[i])->token)
			machine_keep(r, &r->slots[i]);
	registry_unlock(r);
}

static struct machine_view
names_of(const struct registry *r, const struct mac *mac)
{
	struct machine_view v = {
		.has_mac = true, .mac = *mac, .macs = {*mac}, .arch = -1};

	v.n_macs = 1 + states_cards(&r->states, mac, v.macs + 1, MACS_MAX - 1);
	v.has_uuid = states_uuid(&r->states, mac, &v.uuid);
	return v;
}

size_t
registry_kept_names(
	struct registry *r, uint32_t *at, struct machine_view *out, size_t max)
{
	struct mac mac;
	size_t n = 0;

	registry_lock(r);
	while (n < max && states_next_named(&r->states, at, &mac))
		if (roster_by_mac(r, &mac) == NULL)
			out[n++] = names_of(r, &mac);
	registry_unlock(r);
	return n;
}

size_t
registry_states(struct registry *r)
{
	size_t n;

	registry_lock(r);
	n = states_count(&r->states);
	registry_unlock(r);
	return n;
}

static void
recall_boot(struct registry *r, struct machine *m, const struct state_record *kept)
{
	struct orders *o = m->orders;

	m->is_done = kept->done && m->boot <= kept->boot;
	o->once_boot = kept->once_boot;
	if (m->boot < kept->boot)
		m->boot = kept->boot;
	if (m->boot < kept->once_boot)
		m->boot = kept->once_boot;
	if (strnlen(kept->token, DONE_TOKEN_TEXT) < DONE_TOKEN_TEXT - 1 || *o->token)
		return;
	orders_put_token(r, o, kept->token);
	o->token_boot = kept->boot;
}

/* A boot that goes on already is another one than those that are remembered. */
void
machine_recall(struct registry *r, struct machine *m, const struct state_record *kept)
{
	struct orders *o = machine_orders(r, m);

	if (o == NULL)
		return;
	o->state = kept->state;
	o->state_set = kept->state_set;
	memcpy(o->by, kept->by, sizeof(o->by));
	o->by[sizeof(o->by) - 1] = '\0';
	o->once_used = kept->once_used;
	if (o->once_used && !o->state_set)
		m->in_script = STATE_ONCE; /* who else can have asked for it */
	if (!m->is_open)
		recall_boot(r, m, kept);
	else if (o->once_boot != kept->once_boot)
		o->once_boot = 0;
	machine_stay(r, m);
}

/* Whether a card's row is to hold in the place of what another card's said. */
static bool
outweighs(const struct state_record *row, const struct state_record *had)
{
	if (row->state_set || had->state_set)
		return !had->state_set;
	return row->once_used && !had->once_used;
}

/*
 * The rows of a machine's cards say the same, unless the power went before all of them
 * were written, or the cards turned out to be one machine's just then: one word it is.
 */
static void
settle(struct registry *r, struct machine *m, const struct state_record *row)
{
	struct state_record had = record_of(m);
	bool is_first = !had.state_set && !had.once_used && !had.done;
	bool is_same = state_says_same(row, &had);

	if (is_first || is_same || outweighs(row, &had))
		machine_recall(r, m, row);
	if (!is_first && !is_same)
		machine_keep(r, m);
}

/* Known again as far as there is room; of the others the state is enough. */
static void
restore(struct registry *r, const struct state_record *record)
{
	struct state_record kept;
	struct machine *m;

	states_restore(&r->states, record);
	m = roster_named(r, &record->mac, r->fresh < r->n_slots);
	if (m != NULL)
		settle(r, m,
			states_find(&r->states, &record->mac, &kept) ? &kept : record);
}

void
registry_restore(struct registry *r, const struct state_record *record)
{
	if (!mac_is_of_a_card(&record->mac))
		return;
	registry_lock(r);
	if (!states_is_forgotten(&r->states, &record->mac))
		restore(r, record);
	registry_unlock(r);
}

static void
restore_names(struct registry *r, const struct machine_view *v)
{
	for (unsigned i = 0; i < v->n_macs; i++)
		states_link(&r->states, &v->macs[i], &v->mac);
	if (v->has_uuid && !uuid_is_junk(&v->uuid))
		states_set_uuid(&r->states, &v->mac, &v->uuid);
}

void
registry_restore_names(struct registry *r, const struct machine_view *v)
{
	const struct machine *m;
	struct state_record kept;

	registry_lock(r);
	m = roster_by_mac(r, &v->mac);
	if (m == NULL)
		restore_names(r, v);
	else if (m->n_macs == v->n_macs && states_find(&r->states, &m->mac, &kept))
		keep_names(r, m);
	else /* there was a row of each card, or one of another card alone */
		machine_keep(r, m);
	registry_unlock(r);
}
