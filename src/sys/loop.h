/*
 * The event loop of one thread: thin glue over libevent, so that servers speak
 * of descriptors, deadlines (struct mono) and signals, and of nothing else.
 * Objects are embedded by their owner; del is safe on a zeroed object.
 */
#ifndef PIXIE_SYS_LOOP_H
#define PIXIE_SYS_LOOP_H

/* libevent's `struct event` by another name: the word is that of a boot's story. */
#define event libevent_event
#include <event2/event.h>
#include <event2/event_struct.h>
#undef event
#include <stdbool.h>

#include "base/mono.h"

struct loop;

struct loop_fd {
	struct libevent_event ev;
	void (*ready)(void *arg);
	void *arg;
	bool armed;
};

struct loop_timer {
	struct libevent_event ev;
	void (*fire)(void *arg);
	void *arg;
	struct loop *loop;
	struct mono at;
	bool armed;
};

/*
 * Something to be done in a loop's thread, given to it by any thread. It is embedded
 * in what it carries, so that giving it away cannot fail for lack of memory.
 */
struct loop_call {
	void (*run)(void *arg);
	void (*drop)(void *arg);
	void *arg;
	struct loop_call *next;
	bool posted;
};

/* NULL when libevent cannot make a base. Freed by loop_free(). */
struct loop *loop_new(void);
/*
 * In the thread that ran it, or after that has ended; nobody may post any more. Calls
 * posted and not run are dropped. NULL is fine.
 */
void loop_free(struct loop *loop);
/* Runs until loop_stop(). Returns 0, or -1 when the loop broke. */
int loop_run(struct loop *loop);
/*
 * Ends loop_run() after the callback that calls it; from another thread, or before
 * the loop runs, as soon as the loop comes to it.
 */
void loop_stop(struct loop *loop);

/*
 * `run(arg)` is what loop_post() asks for; `drop(arg)` comes in its place when the loop
 * is freed before it got there, in the thread that frees it (NULL: nothing is to be
 * given back then). Either may free the call.
 */
void loop_call_init(struct loop_call *call, void (*run)(void *arg),
	void (*drop)(void *arg), void *arg);
/*
 * From any thread: has the loop's thread run the call, once, after those that were
 * posted before it. The call is lent to the loop until it is run or dropped. Posted
 * again before that, to the same loop, it still runs once: a call may stand for
 * "look what is new". What was written before loop_post() is seen by `run`.
 */
void loop_post(struct loop *loop, struct loop_call *call);

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
