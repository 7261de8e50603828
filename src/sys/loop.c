#include "sys/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
	struct event_base *base;
	int wake; /* an eventfd: there are calls, or the loop is to stop */
	struct loop_fd woken;
	atomic_bool stopping;
	pthread_mutex_t lock; /* of the calls posted, first to last */
	struct loop_call *first, **last;
};

static _Thread_local struct loop *running; /* in this thread */

static void
wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t n = write(loop->wake, &one, sizeof(one));

	(void)n; /* it fails only when the loop is woken 2^64 times already */
}

static struct loop_call *
take_calls(struct loop *loop)
{
	struct loop_call *calls;

	pthread_mutex_lock(&loop->lock);
	calls = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	pthread_mutex_unlock(&loop->lock);
	return calls;
}

/* From here on the call is its owner's again, who may post it anew. */
static void
hand_back(struct loop *loop, struct loop_call *call)
{
	pthread_mutex_lock(&loop->lock);
	call->posted = false;
	pthread_mutex_unlock(&loop->lock);
}

/* What a call posts has its turn later, so that descriptors have theirs. */
static void
on_wake(void *arg)
{
	struct loop *loop = arg;
	struct loop_call *call, *next;
	uint64_t times;
	ssize_t n = read(loop->wake, &times, sizeof(times));

	(void)n;
	if (atomic_exchange(&loop->stopping, false))
		event_base_loopbreak(loop->base);
	for (call = take_calls(loop); call != NULL; call = next) {
		next = call->next;
		hand_back(loop, call);
		call->run(call->arg);
	}
}

/*
 * No priorities: libevent runs descriptors before timers within a turn anyway, so
 * ACKs that lie in the socket are read before a retransmission timer runs, and with
 * priorities a saturated server would never come to its timers. No precise timers
 * either: they cost a timerfd_settime() a turn, and milliseconds are fine enough.
 */
struct loop *
loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	pthread_mutex_init(&loop->lock, NULL);
	loop->last = &loop->first;
	loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loop->base = event_base_new();
	if (loop->wake >= 0 && loop->base != NULL &&
		loop_fd_read(loop, &loop->woken, loop->wake, on_wake, loop) == 0)
		return loop;
	loop_free(loop);
	return NULL;
}

static void
drop_calls(struct loop *loop)
{
	struct loop_call *call, *next;

	for (call = take_calls(loop); call != NULL; call = next) {
		next = call->next;
		hand_back(loop, call);
		if (call->drop != NULL)
			call->drop(call->arg);
	}
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	drop_calls(loop);
	loop_fd_del(&loop->woken);
	if (loop->wake >= 0)
		close(loop->wake);
	if (loop->base != NULL)
		event_base_free(loop->base);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

int
loop_run(struct loop *loop)
{
	struct loop *outer = running;
	int status;

	running = loop;
	status = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	running = outer;
	return status < 0 ? -1 : 0;
}

void
loop_stop(struct loop *loop)
{
	if (running == loop) {
		event_base_loopbreak(loop->base);
		return;
	}
	atomic_store(&loop->stopping, true);
	wake(loop);
}

void
loop_call_init(struct loop_call *call, void (*run)(void *arg), void (*drop)(void *arg),
	void *arg)
{
	*call = (struct loop_call){.run = run, .drop = drop, .arg = arg};
}

void
loop_post(struct loop *loop, struct loop_call *call)
{
	bool is_first;

	pthread_mutex_lock(&loop->lock);
	is_first = loop->first == NULL;
	if (!call->posted) {
		call->posted = true;
		call->next = NULL;
		*loop->last = call;
		loop->last = &call->next;
	}
	pthread_mutex_unlock(&loop->lock);
	if (is_first)
		wake(loop);
}

struct mono
loop_now(struct loop *loop)
{
	(void)loop;
	/* A vDSO call. libevent caches wall clock time, which may jump. */
	return mono_now();
}

static void
on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *w = arg;

	(void)fd;
	(void)what;
	w->ready(w->arg);
}

static int
watch(struct loop *loop, struct loop_fd *w, int fd, short what, void (*ready)(void *),
	void *arg)
{
	w->ready = ready;
	w->arg = arg;
	if (event_assign(&w->ev, loop->base, fd, (short)(what | EV_PERSIST), on_fd, w) <
		0)
		return -1;
	if (event_add(&w->ev, NULL) < 0)
		return -1;
	w->armed = true;
	return 0;
}

int
loop_fd_read(
	struct loop *loop, struct loop_fd *w, int fd, void (*ready)(void *), void *arg)
{
	return watch(loop, w, fd, EV_READ, ready, arg);
}

int
loop_fd_write(
	struct loop *loop, struct loop_fd *w, int fd, void (*ready)(void *), void *arg)
{
	return watch(loop, w, fd, EV_WRITE, ready, arg);
}

int
loop_signal(
	struct loop *loop, struct loop_fd *w, int signo, void (*ready)(void *), void *arg)
{
	return watch(loop, w, signo, EV_SIGNAL, ready, arg);
}

void
loop_fd_del(struct loop_fd *w)
{
	if (w->armed)
		event_del(&w->ev);
	w->armed = false;
}

static void
arm(struct loop_timer *t, struct mono now)
{
	int64_t us = mono_since(t->at, now);
	struct timeval tv = {0, 0};

	if (us > 0)
		tv = (struct timeval){us / 1000000, us % 1000000};
	event_add(&t->ev, &tv);
	t->armed = true;
}

/* libevent's clock is coarse; a deadline that has not come yet is waited for again. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;
	struct mono now = loop_now(t->loop);

	(void)fd;
	(void)what;
	if (!mono_reached(t->at, now)) {
		arm(t, now);
		return;
	}
	t->armed = false;
	t->fire(t->arg);
}

void
loop_timer_init(struct loop *loop, struct loop_timer *t, void (*fire)(void *), void *arg)
{
	t->loop = loop;
	t->fire = fire;
	t->arg = arg;
	t->armed = false;
	event_assign(&t->ev, loop->base, -1, 0, on_timer, t);
}

void
loop_timer_at(struct loop_timer *t, struct mono deadline)
{
	t->at = deadline;
	if (deadline.us == MONO_NEVER.us)
		loop_timer_del(t);
	else
		arm(t, loop_now(t->loop));
}

void
loop_timer_del(struct loop_timer *t)
{
	if (t->armed)
		event_del(&t->ev);
	t->armed = false;
}
