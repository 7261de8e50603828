/* What a machine is to be given, who said so, and what of it must be on disk. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "machine/inside.h"

static const char *const state_words[STATE_COUNT] = {"boot", "once", "local", "ignore"};

const char *
machine_state_text(enum machine_state state)
{
	return state_words[state];
}

bool
machine_state_parse(const char *text, size_t len, enum machine_state *out)
{
	for (int i = 0; i < STATE_COUNT; i++)
		if (strlen(state_words[i]) == len &&
			memcmp(state_words[i], text, len) == 0) {
			*out = (enum machine_state)i;
			return true;
		}
	return false;
}

/*
 * Those with a state never make room for others. Nor do those that used up their
 * script's `once`, as they would be installed again; up to half of the places, else a
 * flood of names that get a default.ipxe could take them all.
 */
static bool
is_kept(const struct registry *r, const struct machine *m)
{
	const struct orders *o = orders_of(m);

	return o->state_set || (o->once_used && r->counts[QUEUE_KEPT] < r->n_slots / 2);
}

void
machine_dirty(struct registry *r, struct machine *m)
{
	r->generation++;
	if (m->queue != QUEUE_KEPT && is_kept(r, m))
		roster_promote(r, m, QUEUE_KEPT);
	if (m->orders->is_dirty)
		return;
	m->orders->is_dirty = true;
	m->orders->dirty_since = r->generation;
	TAILQ_INSERT_TAIL(&r->dirty, m->orders, dirty);
}

static void
clean(struct registry *r, struct orders *o)
{
	TAILQ_REMOVE(&r->dirty, o, dirty);
	o->is_dirty = false;
}

static void
put_token(struct registry *r, struct orders *o, const char *token)
{
	memcpy(o->token, token, DONE_TOKEN_TEXT);
	index_put(&r->by_token, registry_hash(r, o->token, DONE_TOKEN_TEXT - 1),
		slot_of(r, o->whose));
}

static void
drop_token(struct registry *r, struct orders *o)
{
	if (*o->token)
		index_remove(&r->by_token,
			registry_hash(r, o->token, DONE_TOKEN_TEXT - 1),
			slot_of(r, o->whose));
	*o->token = '\0';
}

void
machine_drop_orders(struct registry *r, struct machine *m)
{
	if (m->orders == NULL)
		return;
	drop_token(r, m->orders);
	if (m->orders->is_dirty)
		clean(r, m->orders);
}

/* Unlocks, and wakes the store if `changed`. */
static void
unlock(struct registry *r, bool changed)
{
	void (*wake)(void *) = changed ? r->wake : NULL;
	void *arg = r->wake_arg;

	registry_unlock(r);
	if (wake != NULL)
		wake(arg);
}

static void
tell_state(struct registry *r, struct machine *m)
{
	struct event e = {.kind = EV_STATE,
		.arch = -1,
		.name = machine_state_text(m->orders->state),
		.text = m->orders->by};

	machine_append(r, m, &e, 0);
}

static void
put_state(struct registry *r, struct machine *m, enum machine_state state, const char *by)
{
	struct orders *o = m->orders;

	o->state = state;
	o->state_set = true;
	o->once_used = false;
	o->once_boot = 0;
	snprintf(o->by, sizeof(o->by), "%s", by);
	machine_dirty(r, m);
	tell_state(r, m);
}

/* One that is made here has not been seen: what is told of it next says when. */
static struct machine *
known_or_made(struct registry *r, const struct mac *mac)
{
	struct machine *m = roster_by_mac(r, mac);

	if (m != NULL || !roster_is_name(mac))
		return m;
	m = roster_make(r, mac);
	if (m != NULL)
		m->first_ms = m->last_ms = 0;
	return m;
}

/* With orders, which are about to change. NULL: no room, no memory. */
static struct machine *
to_be_ordered(struct registry *r, const struct mac *mac)
{
	struct machine *m = known_or_made(r, mac);

	return m != NULL && machine_orders(r, m) != NULL ? m : NULL;
}

uint64_t
registry_set_state(struct registry *r, const struct mac *mac, enum machine_state state,
	const char *by)
{
	uint64_t generation = 0;
	struct machine *m;

	if (r == NULL)
		return 0;
	registry_lock(r);
	m = to_be_ordered(r, mac);
	if (m != NULL) {
		put_state(r, m, state, by);
		generation = r->generation;
	}
	unlock(r, m != NULL);
	return generation;
}

uint64_t
registry_forget(struct registry *r, const struct mac *mac)
{
	uint64_t generation = 0;
	struct machine *m;

	if (r == NULL)
		return 0;
	registry_lock(r);
	m = roster_by_mac(r, mac);
	/* One that is being sent something is heard of again at once. */
	if (m != NULL && m->transfers == 0) {
		generation = ++r->generation;
		if (r->n_forgotten < FORGOTTEN_MAX)
			r->forgotten[r->n_forgotten++] = m->mac;
		roster_forget(r, m);
	}
	unlock(r, generation != 0);
	return generation;
}

static enum machine_state
wanted(const struct machine *m, enum machine_state in_script)
{
	const struct orders *o = orders_of(m);

	return o->state_set ? o->state : in_script;
}

/* The boot that uses it up goes on getting the script: iPXE asks again after errors. */
static enum machine_state
state_now(const struct machine *m, enum machine_state in_script)
{
	enum machine_state state = wanted(m, in_script);
	const struct orders *o = orders_of(m);

	if (state != STATE_ONCE || !o->once_used)
		return state;
	return o->once_boot == m->boot && !m->is_done ? STATE_ONCE : STATE_LOCAL;
}

void
registry_asks(
	struct registry *r, const struct mac *mac, enum transport via, const char *name)
{
	struct event e = {.kind = EV_ASKED, .via = via, .name = name, .arch = -1};
	struct machine *m;

	if (r == NULL)
		return;
	registry_lock(r);
	m = known_or_made(r, mac);
	if (m != NULL)
		machine_asks(r, m, &e);
	registry_unlock(r);
}

enum machine_state
registry_state(struct registry *r, const struct mac *mac, enum machine_state in_script)
{
	enum machine_state state;
	struct machine *m;

	if (r == NULL)
		return in_script;
	registry_lock(r);
	m = roster_by_mac(r, mac);
	if (m != NULL)
		m->in_script = (uint8_t)in_script;
	state = state_now(m, in_script);
	registry_unlock(r);
	return state;
}

void
registry_script_served(
	struct registry *r, const struct mac *mac, enum machine_state in_script)
{
	const struct orders *o;
	struct machine *m;
	bool uses, rearms, changes;

	if (r == NULL)
		return;
	registry_lock(r);
	m = known_or_made(r, mac);
	o = orders_of(m);
	uses = m != NULL && wanted(m, in_script) == STATE_ONCE && !o->once_used;
	/* A script that says `boot` again takes back that its `once` was used up. */
	rearms = !o->state_set && in_script == STATE_BOOT && o->once_used;
	changes = (uses || rearms) && machine_orders(r, m) != NULL;
	if (changes) {
		m->orders->once_used = uses;
		m->orders->once_boot = uses ? m->boot : 0;
		machine_dirty(r, m);
	}
	unlock(r, changes);
}

/* Tokens. */

static bool
new_token(struct registry *r, struct machine *m)
{
	uint8_t random[(DONE_TOKEN_TEXT - 1) / 2];
	char token[DONE_TOKEN_TEXT];
	struct orders *o = machine_orders(r, m);

	if (o == NULL ||
		getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return false;
	drop_token(r, o);
	for (size_t i = 0; i < sizeof(random); i++)
		sprintf(token + 2 * i, "%02x", random[i]);
	put_token(r, o, token);
	o->token_boot = m->boot;
	machine_dirty(r, m);
	return true;
}

bool
registry_done_token(
	struct registry *r, const struct mac *mac, char token[static DONE_TOKEN_TEXT])
{
	const struct orders *o;
	struct machine *m;
	bool made = false, has;

	if (r == NULL)
		return false;
	registry_lock(r);
	m = roster_by_mac(r, mac);
	o = orders_of(m);
	has = *o->token && o->token_boot == m->boot;
	if (m != NULL && !has)
		has = made = new_token(r, m);
	if (has)
		memcpy(token, m->orders->token, DONE_TOKEN_TEXT);
	unlock(r, made);
	return has;
}

static struct machine *
by_token(struct registry *r, const char *token, size_t len)
{
	uint32_t h = registry_hash(r, token, len), slot;
	size_t at;

	for (slot = index_first(&r->by_token, h, &at); slot != SLOT_NONE;
		slot = index_next(&r->by_token, h, &at))
		if (memcmp(r->slots[slot].orders->token, token, len) == 0)
			return &r->slots[slot];
	return NULL;
}

static void
done(struct registry *r, struct machine *m)
{
	struct event e = {.kind = EV_DONE, .via = VIA_HTTP, .arch = -1};

	m->is_done = true;
	machine_tell(r, m, &e);
	if (m->orders->state_set && m->orders->state == STATE_ONCE)
		put_state(r, m, STATE_LOCAL, "done");
	machine_dirty(r, m);
}

bool
registry_done(struct registry *r, const char *token, size_t len)
{
	struct machine *m = NULL;
	bool news;

	if (r == NULL || len != DONE_TOKEN_TEXT - 1)
		return false;
	registry_lock(r);
	m = by_token(r, token, len);
	if (m != NULL && m->orders->token_boot != m->boot)
		m = NULL;
	news = m != NULL && !m->is_done; /* installers try again: told once */
	if (news)
		done(r, m);
	unlock(r, news);
	return m != NULL;
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

static struct state_record
record_of(const struct orders *o)
{
	struct state_record record = {.mac = o->whose->mac,
		.state = o->state,
		.state_set = o->state_set,
		.once_used = o->once_used,
		.once_boot = o->once_boot,
		.boot = o->token_boot,
		.done = o->whose->is_done};

	memcpy(record.by, o->by, sizeof(record.by));
	memcpy(record.token, o->token, sizeof(record.token));
	return record;
}

size_t
registry_take_dirty(
	struct registry *r, struct state_record *out, size_t max, uint64_t *generation)
{
	struct orders *o;
	size_t n = 0;

	registry_lock(r);
	while (r->n_forgotten > 0 && n < max)
		out[n++] = (struct state_record){
			.mac = r->forgotten[--r->n_forgotten], .forgotten = true};
	while ((o = TAILQ_FIRST(&r->dirty)) != NULL && n < max) {
		clean(r, o);
		if (o->whose->n_macs > 0)
			out[n++] = record_of(o);
	}
	*generation = o ? o->dirty_since - 1 : r->generation;
	if (r->n_forgotten > 0)
		*generation = 0;
	registry_unlock(r);
	return n;
}

void
registry_put_back(struct registry *r, const struct state_record *records, size_t n)
{
	struct machine *m;
	struct orders *o;

	registry_lock(r);
	while (n-- > 0) {
		m = roster_by_mac(r, &records[n].mac);
		if (m == NULL && records[n].forgotten && r->n_forgotten < FORGOTTEN_MAX)
			r->forgotten[r->n_forgotten++] = records[n].mac;
		o = m ? machine_orders(r, m) : NULL;
		if (o == NULL || o->is_dirty)
			continue;
		o->is_dirty = true;
		o->dirty_since = 1; /* nothing is safe before it is written */
		TAILQ_INSERT_HEAD(&r->dirty, o, dirty);
	}
	registry_unlock(r);
}

static void
restore(struct registry *r, struct machine *m, const struct state_record *record)
{
	struct orders *o = m->orders;

	o->state = record->state;
	o->state_set = record->state_set;
	memcpy(o->by, record->by, sizeof(o->by));
	o->by[sizeof(o->by) - 1] = '\0';
	o->once_used = record->once_used;
	if (o->once_used && !o->state_set)
		m->in_script = STATE_ONCE; /* who else can have asked for it */
	if (is_kept(r, m))
		roster_promote(r, m, QUEUE_KEPT);
	o->once_boot = record->once_boot;
	m->is_done = record->done;
	o->token_boot = record->boot;
	if (m->boot < record->boot)
		m->boot = record->boot;
	if (m->boot < record->once_boot)
		m->boot = record->once_boot;
	if (strnlen(record->token, DONE_TOKEN_TEXT) == DONE_TOKEN_TEXT - 1 && !*o->token)
		put_token(r, o, record->token);
}

void
registry_restore(struct registry *r, const struct state_record *record)
{
	struct machine *m;

	registry_lock(r);
	m = to_be_ordered(r, &record->mac);
	if (m != NULL && !m->orders->is_dirty)
		restore(r, m, record);
	registry_unlock(r);
}
