#include "tftp/pacing.h"

#include <errno.h>
#include <stdlib.h>

#include "tftp/engine.h"

/* µs; a packet at 100 Mbit/s takes longer */
#define TICK 100

static void
on_alarm(void *arg)
{
	struct tftp_server *s = arg;
	struct pacing *pacing = &s->pacing;
	struct mono now = loop_now(s->config.loop);
	struct wheel_entry *due;

	while ((due = wheel_expire(pacing->wheel, now)) != NULL) {
		struct transfer *t = transfer_of(due);

		t->is_paced = false;
		transfer_go_on(t, now);
	}
	outbox_flush(&s->outbox);
	alarm_at(&pacing->alarm, wheel_next(pacing->wheel));
}

int
pacing_init(struct pacing *pacing, struct loop *loop, struct tftp_server *s)
{
	pacing->wheel = malloc(sizeof(*pacing->wheel));
	if (pacing->wheel == NULL)
		return -ENOMEM;
	wheel_init(pacing->wheel, TICK, loop_now(loop));
	return alarm_init(&pacing->alarm, loop, on_alarm, s);
}

void
pacing_deinit(struct pacing *pacing)
{
	alarm_deinit(&pacing->alarm);
	free(pacing->wheel);
	pacing->wheel = NULL;
}

/*
 * Who has just sent asks again a tick later than those that have waited already, so
 * that a machine's transfers take turns.
 */
static void
hold(struct tftp_server *s, struct transfer *t, struct mono when)
{
	struct pacing *pacing = &s->pacing;

	if (!t->was_paced)
		when = mono_after(when, TICK);
	t->is_paced = t->was_paced = true;
	wheel_set(pacing->wheel, &t->due, when);
	when = mono_after(when, TICK);
	if (when.us < pacing->alarm.at.us)
		alarm_at(&pacing->alarm, when);
}

bool
pacing_holds(struct transfer *t, struct mono now)
{
	struct tftp_server *s = t->port->listener->server;
	size_t due;
	struct mono when;

	if (s->config.pace == NULL)
		return false;
	due = tftp_session_due(&t->session);
	if (due == 0)
		return false;
	if (t->is_paced)
		return true;
	if (!pace_take(s->config.pace, &t->path.peer, due, now, &when)) {
		hold(s, t, when);
		return true;
	}
	t->was_paced = false;
	return false;
}
