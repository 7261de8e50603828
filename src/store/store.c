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

void
store_sleep(struct store *s, pthread_cond_t *c, struct mono until)
{
	struct timespec ts = {until.us / 1000000, until.us % 1000000 * 1000};

	if (until.us == MONO_NEVER.us)
		pthread_cond_wait(c, &s->lock);
	else
		pthread_cond_timedwait(c, &s->lock, &ts);
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
		struct mono next = s->health.ok ? s->tick : s->retry;

		if (!s->dirty && !mono_reached(next, mono_now()))
			store_sleep(s, &s->wake, next);
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
	pthread_cond_signal(&s->wake);
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
	pthread_cond_init(&s->waited, &attr);
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
	pthread_cond_destroy(&s->waited);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Both, or none. */
static bool
start_threads(struct store *s)
{
	if (!patience_begin(s))
		return false;
	s->running = pthread_create(&s->thread, NULL, thread_main, s) == 0;
	if (!s->running)
		patience_end(s);
	return s->running;
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
	if (!start_threads(s)) {
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

/* False: it does not end. */
static bool
stop_writer(struct store *s)
{
	struct timespec until;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 3;
	return pthread_timedjoin_np(s->thread, NULL, &until) == 0;
}

/*
 * A disk that hangs must not keep the process from ending: the thread, and with it the
 * memory it uses, is then left behind.
 */
bool
store_close(struct store *s)
{
	bool ended = true;

	if (s == NULL)
		return true;
	if (s->running) {
		registry_on_dirty(s->registry, NULL, NULL);
		ended = stop_writer(s);
		patience_end(s);
	}
	if (ended)
		release(s);
	else
		log_error(NULL, "store-left", STR("file", s->path),
			STR("why", "it does not end: the disk hangs"));
	return ended;
}

void
store_when_durable(
	struct store *s, uint64_t generation, void (*fn)(void *arg, bool ok), void *arg)
{
	bool kept;

	if (s == NULL || !s->running) {
		fn(arg, s == NULL || s->health.ok);
		return;
	}
	pthread_mutex_lock(&s->lock);
	kept = !s->stopping && patience_add(s, generation, fn, arg);
	s->dirty = true;
	pthread_cond_signal(&s->wake);
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
