#include "sys/loop.h"

#include <stdlib.h>

struct loop {
	struct event_base *base;
};

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

	if (loop != NULL && (loop->base = event_base_new()) == NULL) {
		free(loop);
		return NULL;
	}
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	event_base_free(loop->base);
	free(loop);
}

int
loop_run(struct loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -1 : 0;
}

void
loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
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
