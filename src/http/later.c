#include "http/later.h"

static void
on_run(void *arg)
{
	struct later *l = arg;

	if (l->link != NULL)
		l->ready(l->link);
	l->free(l);
}

static void
on_drop(void *arg)
{
	struct later *l = arg;

	l->free(l);
}

void
later_init(struct later *l, struct loop *loop,
	void (*fill)(struct later *l, struct reply *r), void (*release)(struct later *l))
{
	*l = (struct later){.fill = fill, .free = release, .loop = loop};
	loop_call_init(&l->call, on_run, on_drop, l);
}

void
later_ready(struct later *l)
{
	loop_post(l->loop, &l->call);
}

void
later_wait(struct later *l, struct link *link, void (*ready)(struct link *link))
{
	l->link = link;
	l->ready = ready;
}

void
later_leave(struct later *l)
{
	if (l != NULL)
		l->link = NULL;
}
