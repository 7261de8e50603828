#include "tftp/transfer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tftp/engine.h"
#include "tftp/tell.h"

/* Finished transfers kept to absorb late packets; beyond that they just go. */
#define MAX_LINGERING 4096

static void
log_end(const struct transfer *t, enum log_level level, const char *event)
{
	const struct tftp_session *s = &t->session;
	struct mono now = loop_now(t->port->listener->server->config.loop);

	LOG_AT(level, t->label, event, STR("name", transfer_name(t)),
		PEER("peer", &t->path.peer), NUM("bytes", tftp_session_bytes(s)),
		NUM("ms", mono_since(now, t->started) / 1000), NUM("blksize", s->blksize),
		NUM("windowsize", s->window), NUM("resent", s->resent),
		STR("outcome", tftp_outcome_text(s->outcome)));
}

static void
report(struct transfer *t)
{
	struct tftp_server *s = t->port->listener->server;

	switch (t->session.outcome) {
	case TFTP_DONE:
	case TFTP_DONE_UNCONFIRMED:
		log_end(t, LEVEL_INFO, "tftp-sent");
		break;
	case TFTP_ABORTED:
	case TFTP_REPLACED:
		log_end(t, LEVEL_DEBUG, "tftp-ended");
		break;
	case TFTP_REJECTED:
	case TFTP_SHUTDOWN:
		log_end(t, tftp_line_level(s, LEVEL_INFO), "tftp-ended");
		break;
	default:
		log_end(t, tftp_line_level(s, LEVEL_WARNING), "tftp-failed");
	}
}

/* In one piece with its label and name: many may be open at once. */
struct transfer *
transfer_new(struct port *port, const struct udp_path *path, const char *label,
	const char *name)
{
	size_t label_size = strlen(label) + 1, name_size = strlen(name) + 1;
	struct transfer *t =
		calloc(1, offsetof(struct transfer, label) + label_size + name_size);

	if (t == NULL)
		return NULL;
	memcpy(t->label, label, label_size);
	memcpy(t->label + label_size, name, name_size);
	t->port = port;
	t->path = *path;
	if (port->listener->is_at_one_address)
		t->path.local = (struct netaddr){0};
	return t;
}

const char *
transfer_name(const struct transfer *t)
{
	return t->label + strlen(t->label) + 1;
}

void
transfer_enter(struct transfer *t)
{
	struct tftp_server *s = t->port->listener->server;

	table_put(&s->table, t);
	s->live++;
	++*table_host(&s->table, &t->path.peer);
}

void
transfer_free(struct transfer *t)
{
	struct tftp_server *s = t->port->listener->server;

	if (t->is_queued)
		outbox_flush(&s->outbox);
	if (t->is_reported)
		s->lingering--;
	else {
		s->live--;
		--*table_host(&s->table, &t->path.peer);
	}
	table_remove(&s->table, t);
	tftp_tell_ended(t, s->config.site->registry);
	outbox_stop_waiting(t);
	wheel_clear(&t->due);
	tftp_session_free(&t->session);
	free(t);
}

/* The transfer is over: says so once. */
static void
transfer_ended(struct transfer *t)
{
	struct tftp_server *s = t->port->listener->server;

	report(t);
	tftp_tell_ended(t, s->config.site->registry);
	t->is_reported = true;
	s->live--;
	--*table_host(&s->table, &t->path.peer);
	s->lingering++;
}

/*
 * The timer is left alone when it would only move back, as it does with every
 * ACK: it then fires early, finds nothing to do, and is set again. Who waits for room
 * in the socket needs none: its turn comes, and then this.
 */
static void
arm(struct tftp_server *s, struct transfer *t)
{
	struct mono deadline = tftp_session_deadline(&t->session);

	if (t->is_paced || t->is_waiting ||
		(wheel_is_set(&t->due) && t->due.at.us <= deadline.us))
		return;
	wheel_set(&s->wheel, &t->due, deadline);
	tftp_tick_by(s, deadline);
}

void
transfer_go_on(struct transfer *t, struct mono now)
{
	struct tftp_server *s = t->port->listener->server;

	outbox_add(&s->outbox, t, now);
	tftp_tell_progress(t);
	if (t->session.outcome != TFTP_RUNNING && !t->is_reported)
		transfer_ended(t);
	if (t->session.state == TFTP_CLOSED ||
		(t->is_reported && s->lingering > MAX_LINGERING))
		transfer_free(t);
	else
		arm(s, t);
}

struct transfer *
transfer_of(struct wheel_entry *due)
{
	return (void *)((char *)due - offsetof(struct transfer, due));
}

void
transfer_timeout(struct wheel_entry *due, struct mono now)
{
	struct transfer *t = transfer_of(due);

	/* It is we who are late: to rewind would fill the link with what left before. */
	if (t->is_waiting)
		return;
	tftp_session_timeout(&t->session, now);
	transfer_go_on(t, now);
}

void
transfer_shut_down(struct transfer *t)
{
	struct mono now = loop_now(t->port->listener->server->config.loop);

	tftp_session_abort(&t->session, TFTP_SHUTDOWN, now);
	outbox_add(&t->port->listener->server->outbox, t, now);
	if (!t->is_reported)
		transfer_ended(t);
	transfer_free(t);
}
