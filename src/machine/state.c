/* What a machine is to be given, who said so, and what of it must be on disk. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
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
 * Those with a state make room for others later than strangers do. A script gives one to
 * everybody, default.ipxe to names that nobody has: it drives out none that somebody set.
 */
void
machine_stay(struct registry *r, struct machine *m)
{
	const struct orders *o = orders_of(m);
	bool has_room = r->counts[QUEUE_KEPT] < r->n_slots / 2;

	if (m->queue != QUEUE_KEPT && (o->state_set || (o->once_used && has_room)))
		roster_promote(r, m, QUEUE_KEPT);
}

void
machine_dirty(struct registry *r, struct machine *m)
{
	r->generation++;
	machine_keep(r, m);
	machine_stay(r, m);
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

/* With orders, which are about to change. NULL: no room, no memory. */
static struct machine *
to_be_ordered(struct registry *r, const struct mac *mac)
{
	struct machine *m = roster_named(r, mac, true);

	return m != NULL && machine_orders(r, m) != NULL ? m : NULL;
}

/* Its state is kept even while there is no room for the machine. */
static bool
put_unseen(struct registry *r, const struct mac *mac, enum machine_state state,
	const char *by)
{
	struct state_record kept = {.mac = *mac};

	if (!mac_is_of_a_card(mac))
		return false;
	states_find(&r->states, mac, &kept);
	kept.state = state;
	kept.state_set = true;
	kept.once_used = false;
	snprintf(kept.by, sizeof(kept.by), "%s", by);
	r->generation++;
	return states_put(&r->states, &kept);
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
	if (m != NULL)
		put_state(r, m, state, by);
	if (m != NULL || put_unseen(r, mac, state, by))
		generation = r->generation;
	unlock(r, generation != 0);
	return generation;
}

/* Of all its cards; of one that is not in memory what is kept and what is on disk. */
static void
forget_state(struct registry *r, const struct machine *m, const struct mac *mac)
{
	struct state_record kept;

	if (m == NULL)
		states_forget(&r->states,
			states_find(&r->states, mac, &kept) ? &kept.mac : mac);
	for (unsigned i = 0; m != NULL && i < m->n_macs; i++)
		states_forget(&r->states, machine_mac(m, i));
}

uint64_t
registry_forget(struct registry *r, const struct mac *mac)
{
	uint64_t generation = 0;
	struct machine *m;

	if (r == NULL || !mac_is_of_a_card(mac))
		return 0;
	registry_lock(r);
	m = roster_named(r, mac, false);
	/* One that is being sent something is heard of again at once. */
	if (m == NULL || m->transfers == 0) {
		generation = ++r->generation;
		forget_state(r, m, mac);
		if (m != NULL)
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

/*
 * The boot that uses it up goes on getting the script: iPXE asks again after errors. A
 * boot that nobody counted (0) might be any.
 */
static enum machine_state
state_now(const struct machine *m, enum machine_state in_script)
{
	enum machine_state state = wanted(m, in_script);
	const struct orders *o = orders_of(m);

	if (state != STATE_ONCE || !o->once_used)
		return state;
	return o->once_boot == m->boot && m->boot != 0 && !m->is_done ? STATE_ONCE
								      : STATE_LOCAL;
}

static enum machine_state
kept_wants(const struct state_record *kept, enum machine_state in_script)
{
	return kept->state_set ? kept->state : in_script;
}

/* Of a machine that is not in memory: no boot goes on that could have used it up. */
static enum machine_state
state_unseen(
	const struct registry *r, const struct mac *mac, enum machine_state in_script)
{
	struct state_record kept;
	enum machine_state state;

	if (!states_find(&r->states, mac, &kept))
		return in_script;
	state = kept_wants(&kept, in_script);
	return state == STATE_ONCE && kept.once_used ? STATE_LOCAL : state;
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
	m = roster_named(r, mac, true);
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
	m = roster_named(r, mac, false);
	if (m != NULL)
		m->in_script = (uint8_t)in_script;
	state = m != NULL ? state_now(m, in_script) : state_unseen(r, mac, in_script);
	registry_unlock(r);
	return state;
}

/* Whether that changes anything. */
static bool
served(struct registry *r, struct machine *m, enum machine_state in_script)
{
	const struct orders *o = orders_of(m);
	bool uses = wanted(m, in_script) == STATE_ONCE && !o->once_used;
	/* A script that says `boot` again takes back that its `once` was used up. */
	bool rearms = !o->state_set && in_script == STATE_BOOT && o->once_used;

	if (!(uses || rearms) || machine_orders(r, m) == NULL)
		return false;
	m->orders->once_used = uses;
	m->orders->once_boot = uses ? m->boot : 0;
	machine_dirty(r, m);
	return true;
}

/* There was no room for the machine; that its `once` is used up is kept all the same. */
static bool
served_unseen(struct registry *r, const struct mac *mac, enum machine_state in_script)
{
	struct state_record kept = {.mac = *mac};

	if (!mac_is_of_a_card(mac))
		return false;
	states_find(&r->states, mac, &kept);
	if (kept_wants(&kept, in_script) != STATE_ONCE || kept.once_used)
		return false;
	kept.once_used = true;
	r->generation++;
	return states_put(&r->states, &kept);
}

void
registry_script_served(
	struct registry *r, const struct mac *mac, enum machine_state in_script)
{
	struct machine *m;
	bool news;

	if (r == NULL)
		return;
	registry_lock(r);
	m = roster_named(r, mac, true);
	news = m != NULL ? served(r, m, in_script) : served_unseen(r, mac, in_script);
	unlock(r, news);
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
	hex_text(token, random, sizeof(random));
	orders_put_token(r, o, token);
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
	m = roster_named(r, mac, false);
	o = orders_of(m);
	has = *o->token && o->token_boot == m->boot;
	if (m != NULL && !has)
		has = made = new_token(r, m);
	if (has)
		memcpy(token, m->orders->token, DONE_TOKEN_TEXT);
	unlock(r, made);
	return has;
}

/* Also of one that was forgotten while its installer was at work. */
static struct machine *
by_token(struct registry *r, const char *token, size_t len)
{
	uint32_t h = registry_hash(r, token, len), slot;
	struct mac mac;
	size_t at;

	for (slot = index_first(&r->by_token, h, &at); slot != SLOT_NONE;
		slot = index_next(&r->by_token, h, &at))
		if (memcmp(r->slots[slot].orders->token, token, len) == 0)
			return &r->slots[slot];
	if (!states_by_token(&r->states, token, &mac) || roster_by_mac(r, &mac) != NULL)
		return NULL; /* it has another token by now */
	return to_be_ordered(r, &mac);
}

static void
done(struct registry *r, struct machine *m)
{
	enum machine_state state = wanted(m, (enum machine_state)m->in_script);
	struct event e = {.kind = EV_DONE,
		.via = VIA_HTTP,
		.arch = -1,
		.name = machine_state_text(state)};

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
