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
/* Runs what was given to it, and ends: takes nothing any more. NULL is fine. */
void clerk_end(struct clerk *c);
/* The same, when nobody will give it anything. NULL is fine. */
void clerk_free(struct clerk *c);
/*
 * From any thread. False: too much is waiting already; the task stays the caller's.
 * Without a clerk (NULL) it is run at once.
 */
bool clerk_give(struct clerk *c, struct task *task);
/*
 * The same for one that it has had, and that had to wait for somebody else: there is
 * room for it, and it goes first. False: the clerk has ended.
 */
bool clerk_give_back(struct clerk *c, struct task *task);

#endif
