/*
 * The order in which the store's thread does things, and for whom: a backend in the place
 * of SQLite's writes down what is asked of it, and stands still where a test wants it to.
 */
#include "store/inside.h"

#include <time.h>

#include "unit.h"

static const struct mac first = {{0x52, 0x54, 0, 0, 0, 1}};

/* Where a backend stands still until who waits has been told. */
enum place { NOWHERE, AT_OPEN, AT_CHECK, AT_WRITE, AT_PRUNE, PLACES };

struct fake {
	struct backend backend;
	struct registry *registry;
	struct store *store;
	/*
	 * Each a letter: Check, States, Machines, History, Prune, moved Aside, and
	 * (when_durable()) Told or Unsaved.
	 */
	char did[64];
	bool is_fresh, is_corrupt;
	unsigned opened, echoes; /* events that are still told during a commit */
	char set_at;             /* the first time that this is done a state is set */

	enum place place;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool stands, told, ok;
};

static void
did(struct fake *f, char what)
{
	size_t n = strlen(f->did);

	if (n + 1 < sizeof(f->did))
		f->did[n] = what;
}

static void
on_durable(void *arg, bool ok)
{
	struct fake *f = arg;

	pthread_mutex_lock(&f->lock);
	if (f->place == NOWHERE)
		did(f, ok ? 'T' : 'U');
	f->told = true;
	f->ok = ok;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

static void
set_state(struct fake *f)
{
	store_when_durable(f->store,
		registry_set_state(f->registry, &first, STATE_LOCAL, "api"), on_durable,
		f);
}

static void
tell_something(struct registry *r)
{
	struct sighting nobody = SIGHTING_NONE;

	registry_tell(r, &nobody,
		&(struct event){.kind = EV_SERVER, .arch = -1, .name = "store"});
}

/* For half a minute at most, so that a test fails and does not hang. */
static bool
comes_true(struct fake *f, const bool *what)
{
	struct timespec until;
	bool is;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	pthread_mutex_lock(&f->lock);
	while (!*what && pthread_cond_timedwait(&f->moved, &f->lock, &until) == 0)
		;
	is = *what;
	pthread_mutex_unlock(&f->lock);
	return is;
}

static void
stand(struct fake *f, enum place place)
{
	if (f->place != place)
		return;
	pthread_mutex_lock(&f->lock);
	f->stands = true;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
	comes_true(f, &f->told);
}

/* The backend. */

static enum stored
fake_open(struct backend *b, bool *fresh, char why[static STORE_WHY])
{
	struct fake *f = (struct fake *)b;

	snprintf(why, STORE_WHY, "not yet");
	if (f->place == AT_OPEN && f->opened++ == 0)
		return STORE_LATER;
	stand(f, AT_OPEN);
	*fresh = f->is_fresh;
	return STORED;
}

static void
fake_close(struct backend *b)
{
	(void)b;
}

static enum stored
fake_load(struct backend *b, const struct store_sink *sink, char why[static STORE_WHY])
{
	(void)b;
	(void)sink;
	(void)why;
	return STORED;
}

static enum stored
fake_check(struct backend *b, bool thorough, char why[static STORE_WHY])
{
	struct fake *f = (struct fake *)b;

	(void)thorough;
	did(f, 'C');
	stand(f, AT_CHECK);
	if (!f->is_corrupt)
		return STORED;
	snprintf(why, STORE_WHY, "it is corrupt");
	return STORE_CORRUPT;
}

static enum stored
fake_write(struct backend *b, const struct store_batch *batch, char why[static STORE_WHY])
{
	struct fake *f = (struct fake *)b;
	char what = batch->n_states     ? 'S'
		    : batch->n_events   ? 'H'
		    : batch->n_machines ? 'M'
					: '\0';

	(void)why;
	did(f, what);
	stand(f, AT_WRITE);
	if (f->echoes > 0 && what == 'H') {
		f->echoes--;
		tell_something(f->registry);
	}
	if (f->set_at != '\0' && f->set_at == what) {
		f->set_at = '\0';
		set_state(f);
	}
	return STORED;
}

static enum stored
fake_prune(struct backend *b, const struct store_bounds *bounds, int64_t now_ms,
	bool *more, char why[static STORE_WHY])
{
	struct fake *f = (struct fake *)b;

	(void)bounds;
	(void)now_ms;
	(void)why;
	did(f, 'P');
	stand(f, AT_PRUNE);
	*more = false;
	return STORED;
}

static enum stored
fake_move_aside(struct backend *b, char *moved, size_t cap, char why[static STORE_WHY])
{
	struct fake *f = (struct fake *)b;

	(void)why;
	did(f, 'A');
	snprintf(moved, cap, "aside");
	f->is_corrupt = false;
	f->is_fresh = true;
	return STORED;
}

static const struct backend_ops ops = {
	.open = fake_open,
	.close = fake_close,
	.load = fake_load,
	.check = fake_check,
	.write = fake_write,
	.prune = fake_prune,
	.move_aside = fake_move_aside,
	.free = fake_close,
};

static struct fake *next; /* the one that a store gets which is opened now */

struct backend *__wrap_backend_sqlite(const char *path);

struct backend *
__wrap_backend_sqlite(const char *path)
{
	(void)path;
	return &next->backend;
}

static void
make(struct fake *f)
{
	f->backend.ops = &ops;
	f->registry = registry_new(&(struct registry_config){0});
	assert_non_null(f->registry);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->moved, NULL);
}

static void
unmake(struct fake *f)
{
	registry_free(f->registry);
	pthread_cond_destroy(&f->moved);
	pthread_mutex_destroy(&f->lock);
}

/* A store without its threads, whose passes are the test's. */
static void
begin(struct fake *f)
{
	struct store *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	make(f);
	s->registry = f->registry;
	s->backend = &f->backend;
	s->machines = calloc(BATCH_EVENTS, sizeof(*s->machines));
	assert_non_null(s->machines);
	s->health.ok = true;
	s->running = true;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	pthread_cond_init(&s->waited, NULL);
	f->store = s;
	store_begin(s);
}

static void
pass(struct fake *f)
{
	memset(f->did, 0, sizeof(f->did));
	f->store->tick = (struct mono){0};
	f->store->prune = MONO_NEVER;
	store_pass(f->store, false);
}

static void
end(struct fake *f)
{
	pthread_mutex_destroy(&f->store->lock);
	pthread_cond_destroy(&f->store->wake);
	pthread_cond_destroy(&f->store->waited);
	waiters_free(&f->store->waiters);
	free(f->store->machines);
	free(f->store);
	unmake(f);
}

/* Tests. */

/* Something happens during every commit, as it does when a hall is switched on. */
static void
history_that_comes_meanwhile_is_for_the_next_tick(void **state)
{
	struct fake f = {.echoes = 30};

	(void)state;
	begin(&f);
	tell_something(f.registry);
	pass(&f);
	assert_string_equal(f.did, "CH");
	pass(&f);
	assert_string_equal(f.did, "H");
	end(&f);
}

static void
all_the_ring_has_is_written_in_a_tick(void **state)
{
	struct fake f = {0};

	(void)state;
	begin(&f);
	for (int i = 0; i < 5 * BATCH_EVENTS; i++)
		tell_something(f.registry);
	pass(&f);
	assert_string_equal(f.did, "CHHHHH");
	end(&f);
}

static void
state_goes_between_two_batches_of_history(void **state)
{
	struct fake f = {.set_at = 'H'};

	(void)state;
	begin(&f);
	for (int i = 0; i < 3 * BATCH_EVENTS; i++)
		tell_something(f.registry);
	pass(&f);
	/* Of that it was set the history tells, too. */
	assert_string_equal(f.did, "CHSTHH");
	pass(&f);
	assert_string_equal(f.did, "H");
	end(&f);
}

/* All machines go into a new database at once. */
static void
state_goes_between_two_batches_of_machines(void **state)
{
	struct fake f = {.is_fresh = true, .set_at = 'M'};

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 2 * BATCH_EVENTS; i++) {
		struct sighting who = SIGHTING_NONE;

		who.has_mac = true;
		who.mac = (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
		registry_tell(f.registry, &who,
			&(struct event){.kind = EV_DISCOVER, .arch = -1});
	}
	pass(&f);
	assert_memory_equal(f.did, "MSTMH", 5);
	end(&f);
}

static void
state_is_acknowledged_before_history_begins(void **state)
{
	struct fake f = {0};

	(void)state;
	begin(&f);
	pass(&f);
	tell_something(f.registry);
	set_state(&f);
	pass(&f);
	assert_string_equal(f.did, "STH");
	end(&f);
}

static void
state_is_acknowledged_when_the_database_is_sound(void **state)
{
	struct fake f = {0};

	(void)state;
	begin(&f);
	set_state(&f);
	pass(&f);
	assert_string_equal(f.did, "SCTH");
	end(&f);
}

static void
state_in_a_corrupt_database_is_not_acknowledged(void **state)
{
	struct fake f = {.is_corrupt = true};

	(void)state;
	begin(&f);
	set_state(&f);
	pass(&f);
	assert_memory_equal(f.did, "SCAST", 5);
	end(&f);
}

/* Wherever the writer is held up, nobody waits until it goes on. */
static void
patience_ends_wherever_the_writer_stands(void **state)
{
	static struct fake fakes[PLACES];

	(void)state;
	for (enum place p = AT_OPEN; p < PLACES; p++) {
		next = &fakes[p];
		next->place = p;
		make(next);
		next->store = store_open("fake", next->registry);
		assert_non_null(next->store);
	}
	for (enum place p = AT_OPEN; p < PLACES; p++) {
		assert_true(comes_true(&fakes[p], &fakes[p].stands));
		set_state(&fakes[p]);
	}
	for (enum place p = AT_OPEN; p < PLACES; p++) {
		assert_true(comes_true(&fakes[p], &fakes[p].told));
		assert_false(fakes[p].ok);
	}
	for (enum place p = AT_OPEN; p < PLACES; p++) {
		assert_true(store_close(fakes[p].store));
		unmake(&fakes[p]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_that_comes_meanwhile_is_for_the_next_tick),
		cmocka_unit_test(all_the_ring_has_is_written_in_a_tick),
		cmocka_unit_test(state_goes_between_two_batches_of_history),
		cmocka_unit_test(state_goes_between_two_batches_of_machines),
		cmocka_unit_test(state_is_acknowledged_before_history_begins),
		cmocka_unit_test(state_is_acknowledged_when_the_database_is_sound),
		cmocka_unit_test(state_in_a_corrupt_database_is_not_acknowledged),
		cmocka_unit_test(patience_ends_wherever_the_writer_stands),
	};

	return cmocka_run_group_tests_name("store writer", tests, NULL, NULL);
}
