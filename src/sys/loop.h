/*
 * The event loop of one thread: thin glue over libevent, so that servers speak
 * of descriptors, deadlines (struct mono) and signals, and of nothing else.
 * Objects are embedded by their owner; del is safe on a zeroed object.
 */
#ifndef PIXIE_SYS_LOOP_H
#define PIXIE_SYS_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

#include "base/mono.h"

struct loop;

struct loop_fd {
	struct event ev;
	void (*ready)(void *arg);
	void *arg;
	bool armed;
};

struct loop_timer {
	struct event ev;
	void (*fire)(void *arg);
	void *arg;
	struct loop *loop;
	struct mono at;
	bool armed;
};

/* NULL when libevent cannot make a base. Freed by loop_free(). */
struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* Runs until loop_stop(). Returns 0, or -1 when the loop broke. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* Now; a vDSO call. */
struct mono loop_now(struct loop *loop);

/* Calls `ready(arg)` each time `fd` is readable (or writable), until deleted. */
int loop_fd_read(
	struct loop *loop, struct loop_fd *w, int fd, void (*ready)(void *), void *arg);
int loop_fd_write(
	struct loop *loop, struct loop_fd *w, int fd, void (*ready)(void *), void *arg);
void loop_fd_del(struct loop_fd *w);

/* Calls `ready(arg)` when the process gets `signo`. Not in a signal context. */
int loop_signal(struct loop *loop, struct loop_fd *w, int signo, void (*ready)(void *),
	void *arg);

void loop_timer_init(
	struct loop *loop, struct loop_timer *t, void (*fire)(void *), void *arg);
/* One shot, never before `deadline`, replacing an earlier one; MONO_NEVER disarms. */
void loop_timer_at(struct loop_timer *t, struct mono deadline);
void loop_timer_del(struct loop_timer *t);

#endif
