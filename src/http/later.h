/*
 * An answer that another thread makes. A handler embeds a `struct later` in what that
 * thread needs, which must be copies: the connection may die before the answer is there.
 *
 *	handler:        later_init(), r->later = it, hand it to the other thread
 *	other thread:   later_ready(), once, whatever happens
 *	loop's thread:  fill(), if somebody still waits, then free()
 */
#ifndef PIXIE_HTTP_LATER_H
#define PIXIE_HTTP_LATER_H

#include "http/reply.h"
#include "sys/loop.h"

struct link;

struct later {
	/* Answers; in the loop's thread. */
	void (*fill)(struct later *l, struct reply *r);
	/* The end of it: in the loop's thread, or in the one that frees the loop. */
	void (*free)(struct later *l);
	/* The server's */
	struct loop *loop;
	struct loop_call call;
	void (*ready)(struct link *link);
	struct link *link; /* who waits; NULL: nobody yet, or nobody any more */
};

void later_init(struct later *l, struct loop *loop,
	void (*fill)(struct later *l, struct reply *r), void (*free)(struct later *l));
/* From any thread: it can be filled. Must come before the loop is freed. */
void later_ready(struct later *l);

/* The server: `link` waits for it; `ready` is called when it is there. */
void later_wait(struct later *l, struct link *link, void (*ready)(struct link *link));
/* Nobody waits any more. NULL is fine. */
void later_leave(struct later *l);

#endif
