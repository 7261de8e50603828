/*
 * What the registry says, the states that changed and the ring from a cursor on, goes
 * into the backend, one transaction at a time. Trouble is reported when it begins,
 * when it changes and when it ends; in between there are tries, further and further
 * apart.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/wall.h"
#include "store/inside.h"

#define TICK_MS 500 /* history is written so often: less than a second is lost */
#define BACKOFF_MIN_MS 250
#define BACKOFF_LATER_MS 1000 /* a lock or a full disk: trying costs little */
#define BACKOFF_MAX_MS 10000
#define PRUNE_MS 60000

static const struct store_bounds bounds = {
	.age_ms = 90ll * 24 * 3600 * 1000,
	.a_machine = 5000,
	.events = 1000000,
	.machines = 65536,
	.states = 65536,
};

/* Trouble, and its end. */

static void
tell(struct store *s, const char *text)
{
	struct sighting nobody = SIGHTING_NONE;

	registry_tell(s->registry, &nobody,
		&(struct event){
			.kind = EV_SERVER, .arch = -1, .name = "store", .text = text});
}

static void
set_health(struct store *s, bool ok, const char *why)
{
	pthread_mutex_lock(&s->lock);
	s->health.ok = ok;
	snprintf(s->health.why, sizeof(s->health.why), "%s", why);
	pthread_mutex_unlock(&s->lock);
}

/* One line when it begins, one when its reason changes, but no more than one in 10 s. */
static void
trouble(struct store *s, enum stored how, const char *why)
{
	struct mono now = mono_now();
	bool begins = s->health.ok;
	bool changed = strcmp(s->health.why, why) != 0 &&
		       mono_since(now, s->reported) > MONO_S(10);
	int64_t most;

	if (begins) {
		s->trouble_began = now;
		s->backoff_ms = BACKOFF_MIN_MS;
	}
	if (begins || changed) {
		s->reported = now;
		log_warning(NULL, "store-trouble", STR("file", s->path), STR("why", why),
			STR("meanwhile", "machines boot; states and history are kept in "
					 "memory and written when it is mended"));
		tell(s, why);
	}
	set_health(s, false, why);
	s->retry = mono_after(now, MONO_MS(s->backoff_ms));
	most = how == STORE_LATER ? BACKOFF_LATER_MS : BACKOFF_MAX_MS;
	s->backoff_ms = s->backoff_ms * 2 < most ? s->backoff_ms * 2 : most;
}

static void
mended(struct store *s)
{
	if (s->health.ok)
		return;
	log_info(NULL, "store-mended", STR("file", s->path),
		NUM("seconds", mono_since(mono_now(), s->trouble_began) / 1000000),
		NUM("events-lost", s->health.lost));
	tell(s, "the store works again");
	set_health(s, true, "");
	s->backoff_ms = 0;
}

/* Opening, and what was there. */

static void
take_machine(void *arg, const struct machine_view *m)
{
	struct store *s = arg;

	registry_restore_machine(s->registry, m);
}

static void
take_state(void *arg, const struct state_record *r)
{
	struct store *s = arg;

	registry_restore(s->registry, r);
}

static void
take_names(void *arg, const struct machine_view *m)
{
	struct store *s = arg;

	registry_restore_names(s->registry, m);
}

/* The next open begins a new one; all that memory knows goes there. */
static enum stored
move_aside(struct store *s, char why[static STORE_WHY])
{
	char moved[PATH_MAX + 64];
	enum stored how;

	s->backend->ops->close(s->backend);
	s->is_open = false;
	how = s->backend->ops->move_aside(s->backend, moved, sizeof(moved), why);
	if (how != STORED)
		return how;
	log_error(NULL, "store-corrupt", STR("file", s->path), STR("moved-to", moved),
		NUM("states-in-memory", registry_states(s->registry)),
		STR("now", "a new one is made from what is in memory"));
	tell(s, "the database was corrupt and is moved aside");
	return STORED;
}

/* What a start needs: states before the first machine asks. False: cannot be read yet. */
static enum stored
load(struct store *s, char why[static STORE_WHY])
{
	const struct store_sink sink = {take_machine, take_state, take_names, s};
	enum stored how = s->backend->ops->load(s->backend, &sink, why);

	/* What could be read of a corrupt one was taken. */
	if (how == STORED || how == STORE_CORRUPT)
		s->loaded = true;
	return how;
}

/* Whatever lies on the disk now, what memory knows shall lie there. */
static void
all_unsaved(struct store *s)
{
	registry_all_dirty(s->registry);
	s->all_machines = true;
	s->taken = s->durable = 0;
}

static enum stored
open_once(struct store *s, char why[static STORE_WHY])
{
	bool fresh = false;
	enum stored how = s->backend->ops->open(s->backend, &fresh, why);

	if (how == STORED && !s->loaded)
		how = load(s, why);
	if (how != STORED)
		return how;
	s->is_open = true;
	s->checked = fresh;
	if (fresh) {
		all_unsaved(s);
		s->cursor = 0; /* the history that is still in the ring, too */
	}
	return STORED;
}

static enum stored
open_it(struct store *s, char why[static STORE_WHY])
{
	enum stored how = open_once(s, why);

	if (how == STORE_CORRUPT && (how = move_aside(s, why)) == STORED)
		how = open_once(s, why);
	return how;
}

/* Writing. */

static enum stored
write_batch(struct store *s, const struct store_batch *batch, char why[static STORE_WHY])
{
	struct store_batch b = *batch;

	b.now_ms = wall_ms();
	return s->backend->ops->write(s->backend, &b, why);
}

/* Calls back those whose change is on disk; `last`: all of them. Who has waited for too
 * long is told by patience.c. */
static void
tell_waiters(struct store *s, bool last)
{
	struct waiter w;

	for (;;) {
		bool any;

		pthread_mutex_lock(&s->lock);
		any = waiters_take(&s->waiters, s->durable,
			last ? MONO_NEVER : (struct mono){0}, &w);
		pthread_mutex_unlock(&s->lock);
		if (!any)
			return;
		w.fn(w.arg, w.generation <= s->durable);
	}
}

/* What is written to a database that may turn out to be corrupt is not kept. */
static void
acknowledge(struct store *s)
{
	if (!s->checked)
		return;
	s->durable = s->taken;
	tell_waiters(s, false);
}

/* Whose cards they are is to be known as long as what holds for them. */
static size_t
machines_with(struct store *s, size_t n_states)
{
	struct machine_view *m = s->machines;

	for (size_t i = 0; i < n_states; i++)
		if (registry_machine(s->registry, &s->states[i].mac, m) &&
			(m == s->machines || !mac_equal(&m->mac, &m[-1].mac)))
			m++;
	return (size_t)(m - s->machines);
}

/* What cannot be written stays in the registry, as what changes meanwhile does. */
static enum stored
write_states(struct store *s, char why[static STORE_WHY])
{
	enum stored how = STORED;
	uint64_t generation;
	size_t n;

	do {
		struct store_batch batch = {.states = s->states, .machines = s->machines};

		n = registry_take_dirty(
			s->registry, s->states, BATCH_STATES, &generation);
		batch.n_states = n;
		batch.n_machines = machines_with(s, n);
		if (n > 0)
			how = write_batch(s, &batch, why);
		if (how != STORED)
			registry_put_back(s->registry, s->states, n);
	} while (how == STORED && n == BATCH_STATES);
	if (how != STORED)
		return how;
	s->taken = generation;
	acknowledge(s);
	return STORED;
}

/*
 * Between two batches of a long history, of ten thousand machines switched on at once:
 * a state that is set or used up does not wait for the rest of it.
 */
static enum stored
write_urgent(struct store *s, char why[static STORE_WHY])
{
	bool is_dirty;

	pthread_mutex_lock(&s->lock);
	is_dirty = s->dirty;
	s->dirty = false;
	pthread_mutex_unlock(&s->lock);
	return is_dirty ? write_states(s, why) : STORED;
}

/* A card that was never heard is found by the UUID in these rows, and by nothing else. */
static enum stored
write_kept_names(struct store *s, char why[static STORE_WHY])
{
	enum stored how = STORED;
	uint32_t at = 0;
	size_t n;

	do {
		n = registry_kept_names(s->registry, &at, s->machines, BATCH_EVENTS);
		if (n > 0)
			how = write_batch(s,
				&(struct store_batch){
					.machines = s->machines, .n_machines = n},
				why);
		if (how == STORED)
			how = write_urgent(s, why);
	} while (how == STORED && n == BATCH_EVENTS);
	return how;
}

/* These machines as they are now, as they may have been forgotten or have become others'
 * cards since the list was made. */
static size_t
still_machines(struct store *s, const struct machine_view *list, size_t n)
{
	struct machine_view *m = s->machines;

	for (size_t i = 0; i < n; i++)
		if (registry_machine(s->registry, &list[i].mac, m) &&
			mac_equal(&m->mac, &list[i].mac))
			m++;
	return (size_t)(m - s->machines);
}

static enum stored
write_all_machines(struct store *s, char why[static STORE_WHY])
{
	enum stored how = STORED;
	struct machine_view *all;
	size_t n;

	if (!s->all_machines)
		return STORED;
	all = registry_machines(s->registry, &n);
	if (all == NULL && n > 0)
		return STORED; /* no memory: at the next tick */
	for (size_t at = 0; how == STORED && at < n; at += BATCH_EVENTS) {
		size_t some = n - at < BATCH_EVENTS ? n - at : BATCH_EVENTS;

		some = still_machines(s, all + at, some);
		how = write_batch(s,
			&(struct store_batch){
				.machines = s->machines, .n_machines = some},
			why);
		if (how == STORED)
			how = write_urgent(s, why);
	}
	free(all);
	if (how == STORED)
		how = write_kept_names(s, why);
	s->all_machines = how != STORED;
	return how;
}

static int
by_mac(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mac));
}

/* The machines that these events are of, as they are now. */
static size_t
machines_of(struct store *s, size_t n_events)
{
	struct mac macs[BATCH_EVENTS];
	size_t n = 0;

	for (size_t i = 0; i < n_events; i++)
		macs[i] = s->events[i].mac;
	qsort(macs, n_events, sizeof(*macs), by_mac);
	for (size_t i = 0; i < n_events; i++)
		if ((i == 0 || by_mac(&macs[i], &macs[i - 1]) != 0) &&
			registry_machine(s->registry, &macs[i], &s->machines[n]))
			n++;
	return n;
}

static enum stored
write_events(struct store *s, char why[static STORE_WHY])
{
	struct store_batch batch = {.events = s->events, .machines = s->machines};
	uint64_t cursor = s->cursor, lost = 0;
	enum stored how;

	batch.n_events = registry_events(s->registry, &cursor, NULL, s->events,
		BATCH_EVENTS, s->strings, sizeof(s->strings), &lost);
	batch.n_machines = machines_of(s, batch.n_events);
	how = write_batch(s, &batch, why); /* none: a look whether it is there */
	if (how != STORED)
		return how;
	s->cursor = cursor;
	pthread_mutex_lock(&s->lock);
	s->health.written += batch.n_events;
	s->health.lost += lost;
	pthread_mutex_unlock(&s->lock);
	return STORED;
}

/*
 * What the ring has now. What comes meanwhile is for the next tick: each commit is a
 * write to the medium, and where machines are many, or the disk is slow, there is no end
 * of it.
 */
static enum stored
write_history(struct store *s, char why[static STORE_WHY])
{
	uint64_t newest = registry_newest(s->registry);
	enum stored how;

	do {
		how = write_events(s, why);
		if (how == STORED)
			how = write_urgent(s, why);
	} while (how == STORED && s->cursor < newest);
	return how;
}

static enum stored
prune(struct store *s, char why[static STORE_WHY])
{
	bool more = false;
	enum stored how =
		s->backend->ops->prune(s->backend, &bounds, wall_ms(), &more, why);

	/* A step a tick until all is within its bounds. */
	s->prune = mono_after(mono_now(), more ? MONO_MS(TICK_MS) : MONO_MS(PRUNE_MS));
	return how;
}

static enum stored
look_through(struct store *s, char why[static STORE_WHY])
{
	enum stored how = STORED;

	if (!s->checked)
		how = s->backend->ops->check(s->backend, s->suspect, why);
	if (how != STORED)
		return how;
	s->checked = true;
	s->suspect = false;
	acknowledge(s);
	return STORED;
}

/* Once a tick; states come first and at every wake. */
static enum stored
do_history(struct store *s, struct mono now, char why[static STORE_WHY])
{
	enum stored how;

	s->tick = mono_after(now, MONO_MS(TICK_MS));
	if ((how = look_through(s, why)) != STORED)
		return how;
	if ((how = write_all_machines(s, why)) != STORED ||
		(how = write_history(s, why)) != STORED)
		return how;
	return mono_reached(s->prune, now) ? prune(s, why) : STORED;
}

static enum stored
try_to_write(struct store *s, struct mono now, char why[static STORE_WHY])
{
	enum stored how = s->is_open ? STORED : open_it(s, why);

	/* What is written to a database that is not sound is not kept. */
	if (how == STORED && s->suspect)
		how = look_through(s, why);
	if (how == STORED)
		how = write_states(s, why);
	if (how != STORED || !(mono_reached(s->tick, now) || !s->health.ok))
		return how;
	return do_history(s, now, why);
}

/* After any failure but a lock or a full disk the database is opened anew: nothing stale
 * is kept. */
static enum stored
recover(struct store *s, enum stored how, char why[static STORE_WHY])
{
	if (how == STORE_CORRUPT)
		how = move_aside(s, why);
	else if (how == STORE_GONE) {
		log_warning(NULL, "store-gone", STR("file", s->path), STR("why", why),
			STR("now", "it is made anew from what is in memory"));
		tell(s, why);
		how = STORED;
	}
	if (how != STORE_LATER && s->is_open) {
		s->backend->ops->close(s->backend);
		s->is_open = false;
		s->suspect = true;
	}
	if (how == STORED)
		all_unsaved(s);
	return how;
}

void
store_pass(struct store *s, bool last)
{
	struct mono now = mono_now();
	char why[STORE_WHY] = "";
	enum stored how = STORED;

	if (s->health.ok || last || mono_reached(s->retry, now)) {
		how = try_to_write(s, last ? s->tick : now, why);
		if (how == STORE_CORRUPT || how == STORE_GONE) {
			how = recover(s, how, why);
			if (how == STORED)
				how = try_to_write(s, now, why);
		}
		if (how == STORED)
			mended(s);
		else {
			recover(s, how, why);
			trouble(s, how, why);
		}
	}
	tell_waiters(s, last);
}

void
store_begin(struct store *s)
{
	char why[STORE_WHY] = "", unread[STORE_WHY] = "";
	enum stored how = open_it(s, why), read = STORED;

	if (how != STORED && how != STORE_FOREIGN && !s->loaded)
		read = load(s, unread);
	if (how == STORED) {
		log_info(NULL, "store-open", STR("file", s->path),
			NUM("states", registry_states(s->registry)));
		return;
	}
	trouble(s, how, why);
	if (!s->loaded && read != STORE_GONE)
		log_error(NULL, "store-unread", STR("file", s->path),
			STR("why", *unread ? unread : why),
			STR("so",
				"the states that were set are not known until it can be "
				"read: every machine gets its script"),
			STR("do", "give it to the user pixie runs as (chown), or move it "
				  "away; see The database in doc/operating.md"));
}
