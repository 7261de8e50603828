/*
 * A thread that makes answers which would keep a loop from its machines: the JSON of
 * ten thousand machines, a history out of a database, hashes of ROMs. One at a time
 * and with little priority, so that asking a lot costs a core at most.
 */
#ifndef PIXIE_HTTP_CLERK_H
#define PIXIE_HTTP_CLERK_H

#include <stdbool.h>

struct clerk;

/* Embedded in what it works on. */
struct task {
	void (*run)(struct task *task); /* in the clerk's thread; may free the task */
	struct task *next;
};

struct clerk *clerk_new(void); /* NULL: no memory or no thread */
/* Runs what was given to it, and ends. NULL is fine. */
void clerk_free(struct clerk *c);
/*
 * From any thread. False: too much is waiting already; the task stays the caller's.
 * Without a clerk (NULL) it is run at once.
 */
bool clerk_give(struct clerk *c, struct task *task);

#endif
