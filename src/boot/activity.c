#include "boot/activity.h"

#include <stdlib.h>

struct message {
	struct loop_call call;
	struct activity_relay *relay;
	struct who who;
	struct netaddr peer;
};

static void
drop(void *arg)
{
	struct message *m = arg;

	atomic_fetch_sub(&m->relay->under_way, 1);
	free(m);
}

static void
deliver(void *arg)
{
	struct message *m = arg;

	activity_heard(m->relay->to, &m->who, &m->peer);
	drop(m);
}

static void
pass_on(void *arg, const struct who *who, const struct netaddr *peer)
{
	struct activity_relay *r = arg;
	struct message *m;

	if (atomic_load(&r->under_way) >= ACTIVITY_RELAY_MAX ||
		(m = malloc(sizeof(*m))) == NULL)
		return;
	atomic_fetch_add(&r->under_way, 1);
	m->relay = r;
	m->who = *who;
	m->peer = *peer;
	loop_call_init(&m->call, deliver, drop, m);
	loop_post(r->loop, &m->call);
}

void
activity_relay_init(
	struct activity_relay *r, const struct activity *to, struct loop *loop)
{
	r->activity = (struct activity){pass_on, r};
	r->to = to;
	r->loop = loop;
	atomic_init(&r->under_way, 0);
}
