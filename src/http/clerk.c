#define _GNU_SOURCE
#include "http/clerk.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define WAITING_MAX 64
#define NICENESS 5

struct clerk {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct task *first, **last;
	unsigned waiting;
	bool ending;
};

/* The next task; NULL when there is none and the clerk is to end. */
static struct task *
next_task(struct clerk *c)
{
	struct task *task;

	pthread_mutex_lock(&c->lock);
	while (c->first == NULL && !c->ending)
		pthread_cond_wait(&c->wake, &c->lock);
	task = c->first;
	if (task != NULL) {
		c->first = task->next;
		c->waiting--;
	}
	if (c->first == NULL)
		c->last = &c->first;
	pthread_mutex_unlock(&c->lock);
	return task;
}

static void *
work(void *arg)
{
	struct clerk *c = arg;
	struct task *task;

	setpriority(
		PRIO_PROCESS, (id_t)gettid(), NICENESS); /* of this thread, in Linux */
	prctl(PR_SET_NAME, "pixie-api");
	while ((task = next_task(c)) != NULL)
		task->run(task);
	return NULL;
}

/* Signals are for the loops. */
static int
start_thread(struct clerk *c)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&c->thread, NULL, work, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct clerk *
clerk_new(void)
{
	struct clerk *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->last = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	if (start_thread(c) == 0)
		return c;
	c->ending = true;
	clerk_free(c);
	return NULL;
}

void
clerk_end(struct clerk *c)
{
	bool ended;

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	ended = c->ending;
	c->ending = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (!ended)
		pthread_join(c->thread, NULL);
}

void
clerk_free(struct clerk *c)
{
	if (c == NULL)
		return;
	clerk_end(c);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	free(c);
}

bool
clerk_give(struct clerk *c, struct task *task)
{
	bool room;

	if (c == NULL) {
		task->run(task);
		return true;
	}
	pthread_mutex_lock(&c->lock);
	room = c->waiting < WAITING_MAX && !c->ending;
	if (room) {
		task->next = NULL;
		*c->last = task;
		c->last = &task->next;
		c->waiting++;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	return room;
}

bool
clerk_give_back(struct clerk *c, struct task *task)
{
	bool ending;

	if (c == NULL) {
		task->run(task);
		return true;
	}
	pthread_mutex_lock(&c->lock);
	ending = c->ending;
	if (!ending) {
		task->next = c->first;
		if (c->first == NULL)
			c->last = &task->next;
		c->first = task;
		c->waiting++;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	return !ending;
}
