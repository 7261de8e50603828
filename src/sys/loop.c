#include "sys/loop.h"

#include <stdlib.h>

/*
 * Two priorities: descriptors before timers, so that ACKs which already lie in
 * the socket are read before a retransmission timer runs for them.
 */
enum { PRIORITY_FD, PRIORITY_TIMER, PRIORITIES };

struct loop {
	struct event_base *base;
};

struct loop *
loop_new(void)
{
	struct event_config *config = event_config_new();
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop != NULL && config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
		loop->base = event_base_new_with_config(config);
	}
	if (config != NULL)
		event_config_free(config);
	if (loop == NULL || loop->base == NULL) {
		free(loop);
		return NULL;
	}
	event_base_priority_init(loop->base, PRIORITIES);
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
	event_priority_set(&w->ev, PRIORITY_FD);
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
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
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
	event_priority_set(&t->ev, PRIORITY_TIMER);
}

void
loop_timer_at(struct loop_timer *t, struct mono deadline)
{
	int64_t us;
	struct timeval tv;

	if (deadline.us == MONO_NEVER.us) {
		loop_timer_del(t);
		return;
	}
	us = mono_since(deadline, loop_now(t->loop));
	if (us < 0)
		us = 0;
	tv = (struct timeval){us / 1000000, us % 1000000};
	event_add(&t->ev, &tv);
	t->armed = true;
}

void
loop_timer_del(struct loop_timer *t)
{
	if (t->armed)
		event_del(&t->ev);
	t->armed = false;
}
