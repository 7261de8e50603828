/*
 * The store from outside, and its thread: it sleeps until a state changes, until the
 * next look at the ring, or until the next try when there is trouble.
 */
#define _GNU_SOURCE
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "store/guard.h"
#include "store/inside.h"

#define PATIENCE_MS 2000 /* who waits for a state to be durable waits so long */

/* How long the thread may sleep, with the lock held. */
static struct mono
next_time(const struct store *s)
{
	struct mono next = s->health.ok ? s->tick : s->retry;

	return mono_earlier(next, waiters_deadline(&s->waiters));
}

static void
sleep_until(struct store *s, struct mono when)
{
	struct timespec ts = {when.us / 1000000, when.us % 1000000 * 1000};

	pthread_cond_timedwait(&s->wake, &s->lock, &ts);
}

static void *
thread_main(void *arg)
{
	struct store *s = arg;

	/* Serving goes first. On Linux this is the thread's, not the process's. */
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
	prctl(PR_SET_NAME, "pixie-store");
	guard_enter(); /* and for good */
	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		/* A change while in trouble waits for the next try. */
		if (!s->dirty && !mono_reached(next_time(s), mono_now()))
			sleep_until(s, next_time(s));
		s->dirty = false;
		pthread_mutex_unlock(&s->lock);
		store_pass(s, false);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	store_pass(s, true);
	s->backend->ops->close(s->backend);
	return NULL;
}

static void
on_dirty(void *arg)
{
	struct store *s = arg;

	pthread_mutex_lock(&s->lock);
	s->dirty = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* The store from outside. */

static bool
prepare(struct store *s, const char *path)
{
	pthread_condattr_t attr;

	snprintf(s->path, sizeof(s->path), "%s", path);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	s->health = (struct store_health){.ok = true, .path = s->path};
	if (strcmp(path, "none") == 0)
		return true;
	s->backend = backend_sqlite(path);
	s->machines = calloc(BATCH_EVENTS, sizeof(*s->machines));
	return s->backend != NULL && s->machines != NULL;
}

static void
release(struct store *s)
{
	if (s->backend != NULL)
		s->backend->ops->free(s->backend);
	free(s->machines);
	waiters_free(&s->waiters);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct store *
store_open(const char *path, struct registry *registry)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->registry = registry;
	if (!prepare(s, path)) {
		release(s);
		return NULL;
	}
	if (s->backend == NULL)
		return s;
	guard_enter();
	store_begin(s);
	guard_leave();
	s->running = pthread_create(&s->thread, NULL, thread_main, s) == 0;
	if (!s->running) {
		release(s);
		return NULL;
	}
	registry_on_dirty(registry, on_dirty, s);
	return s;
}

void
store_has_no_place(struct store *s, const char *why)
{
	s->health.ok = false;
	snprintf(s->health.why, sizeof(s->health.why), "%s", why);
}

/*
 * A disk that hangs must not keep the process from ending: the thread, and with it the
 * memory it uses, is then left behind.
 */
bool
store_close(struct store *s)
{
	struct timespec until;

	if (s == NULL)
		return true;
	if (s->running) {
		registry_on_dirty(s->registry, NULL, NULL);
		pthread_mutex_lock(&s->lock);
		s->stopping = true;
		pthread_cond_broadcast(&s->wake);
		pthread_mutex_unlock(&s->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 3;
		if (pthread_timedjoin_np(s->thread, NULL, &until) != 0) {
			log_error(NULL, "store-left", STR("file", s->path),
				STR("why", "it does not end: the disk hangs"));
			return false;
		}
	}
	release(s);
	return true;
}

void
store_when_durable(
	struct store *s, uint64_t generation, void (*fn)(void *arg, bool ok), void *arg)
{
	struct waiter w = {
		generation, mono_after(mono_now(), MONO_MS(PATIENCE_MS)), fn, arg};
	bool kept;

	if (s == NULL || !s->running) {
		fn(arg, s == NULL || s->health.ok);
		return;
	}
	pthread_mutex_lock(&s->lock);
	kept = !s->stopping && waiters_add(&s->waiters, &w);
	s->dirty = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (!kept)
		fn(arg, false);
}

void
store_health(struct store *s, struct store_health *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->health;
	pthread_mutex_unlock(&s->lock);
}

bool
store_machine(struct store *s, const struct mac *mac, struct machine_view *out)
{
	return s != NULL && s->backend != NULL &&
	       s->backend->ops->machine(s->backend, mac, out);
}

size_t
store_history(struct store *s, const struct mac *mac, uint64_t before_ms,
	struct event *out, size_t max, char *buf, size_t cap)
{
	if (s == NULL || s->backend == NULL)
		return 0;
	return s->backend->ops->history(s->backend, mac, before_ms, out, max, buf, cap);
}
