/*
 * Who waits for a state to be on the disk hears after two seconds that it is not yet,
 * whatever the writer is at: it may be looking through a million events, or stand in a
 * commit that a worn card takes its time for. Hence a thread.
 */
#include <sys/prctl.h>

#include "base/log.h"
#include "store/inside.h"

#define PATIENCE_MS 2000
#define SLOW_EVERY MONO_S(60) /* a line of the log */

/* The writer tells of trouble; of a disk that is only slow nobody does. */
static void
say_slow(struct store *s, struct mono *next)
{
	struct mono now = mono_now();

	if (!mono_reached(*next, now))
		return;
	*next = mono_after(now, SLOW_EVERY);
	log_warning(NULL, "store-slow", STR("file", s->path),
		STR("why", "a state was not on the disk after two seconds"),
		STR("meanwhile", "it holds in memory, and is written as the disk gets "
				 "to it"));
}

static void
give_up(struct store *s, const struct waiter *w, struct mono *next)
{
	bool is_slow = s->health.ok;

	pthread_mutex_unlock(&s->lock);
	if (is_slow)
		say_slow(s, next);
	w->fn(w->arg, false);
	pthread_mutex_lock(&s->lock);
}

static void *
thread_main(void *arg)
{
	struct mono next = {0};
	struct store *s = arg;
	struct waiter w;

	prctl(PR_SET_NAME, "pixie-patience");
	pthread_mutex_lock(&s->lock);
	while (!s->nobody_waits)
		if (waiters_take(&s->waiters, 0, mono_now(), &w))
			give_up(s, &w, &next);
		else
			store_sleep(s, &s->waited, waiters_deadline(&s->waiters));
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

bool
patience_begin(struct store *s)
{
	return pthread_create(&s->patience, NULL, thread_main, s) == 0;
}

void
patience_end(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->nobody_waits = true;
	pthread_cond_signal(&s->waited);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->patience, NULL);
}

bool
patience_add(
	struct store *s, uint64_t generation, void (*fn)(void *arg, bool ok), void *arg)
{
	struct waiter w = {
		generation, mono_after(mono_now(), MONO_MS(PATIENCE_MS)), fn, arg};

	if (!waiters_add(&s->waiters, &w))
		return false;
	pthread_cond_signal(&s->waited);
	return true;
}
