#include "tftp/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tftp/engine.h"

/* What one pull may fill: two windows of Ethernet blocks; four of the largest. */
#define SCRATCH (256 << 10)
#define ARENA (2 * SCRATCH)

int
outbox_init(struct outbox *box)
{
	box->arena = malloc(ARENA);
	return box->arena ? 0 : -ENOMEM;
}

void
outbox_free(struct outbox *box)
{
	free(box->arena);
	box->arena = NULL;
}

void
outbox_stop_waiting(struct transfer *t)
{
	if (t->is_waiting)
		TAILQ_REMOVE(&t->port->blocked, t, waiting);
	t->is_waiting = false;
	if (t->port->turn == t)
		t->port->turn = NULL;
}

static void on_writable(void *port);

/* Behind those that wait already, unless it was its turn and there was no room yet. */
static void
wait_for_room(struct transfer *t)
{
	struct port *port = t->port;

	if (!t->is_waiting && port->turn == t)
		TAILQ_INSERT_HEAD(&port->blocked, t, waiting);
	else if (!t->is_waiting)
		TAILQ_INSERT_TAIL(&port->blocked, t, waiting);
	t->is_waiting = true;
	if (!port->writable.armed)
		loop_fd_write(port->listener->server->config.loop, &port->writable,
			port->fd, on_writable, port);
}

/*
 * A full socket makes a transfer wait its turn; any other error is a loss like
 * another, and the session's timer heals it.
 */
static void
settle(struct transfer *t, const struct udp_burst *b)
{
	t->is_queued = false;
	if (b->error == -EAGAIN) {
		tftp_session_unsent(&t->session, b->n - b->sent);
		if (b->sent > 0 && t->port->turn == t)
			t->port->turn = NULL;
		wait_for_room(t);
	} else if (b->error < 0)
		log_drop(t->label, "tftp", strerror(-b->error),
			PEER("peer", &t->path.peer));
}

void
outbox_flush(struct outbox *box)
{
	if (box->n == 0)
		return;
	udp_send_bursts(box->port->fd, box->bursts, box->n);
	for (unsigned i = 0; i < box->n; i++)
		settle(box->whose[i], &box->bursts[i]);
	box->n = 0;
	box->used = 0;
}

/* A place for `t`'s next pull, with room for its whole window if possible. */
static struct tftp_out *
outbox_place(struct outbox *box, struct transfer *t)
{
	size_t want = (size_t)t->session.window * t->session.blksize;
	struct tftp_out *out;

	if (want > SCRATCH)
		want = SCRATCH;
	if (box->port != t->port || box->n == OUTBOX || ARENA - box->used < want)
		outbox_flush(box);
	box->port = t->port;
	out = &box->outs[box->n];
	out->most = t->session.paced ? 1 : 0;
	out->scratch = box->arena + box->used;
	out->scratch_size = SCRATCH < ARENA - box->used ? SCRATCH : ARENA - box->used;
	return out;
}

static void
outbox_put(struct outbox *box, struct transfer *t)
{
	struct tftp_out *out = &box->outs[box->n];

	if (out->frames[0].iov[1].iov_base == out->scratch)
		box->used += out->n * (out->size - TFTP_HEAD);
	box->bursts[box->n] = (struct udp_burst){
		.path = &t->path, .frames = out->frames, .n = out->n, .size = out->size};
	box->whose[box->n++] = t;
	t->is_queued = true;
}

void
outbox_add(struct outbox *box, struct transfer *t, struct mono now)
{
	/* Nobody goes before those that wait for room already. */
	if (t->port->writable.armed)
		wait_for_room(t);
	while (!t->is_waiting && !pacing_holds(t, now) &&
		tftp_session_pull(&t->session, outbox_place(box, t), now))
		outbox_put(box, t);
}

static void
on_writable(void *arg)
{
	struct port *port = arg;
	struct mono now = loop_now(port->listener->server->config.loop);
	struct transfer *t;

	loop_fd_del(&port->writable);
	while (!port->writable.armed && (t = TAILQ_FIRST(&port->blocked)) != NULL) {
		outbox_stop_waiting(t);
		port->turn = t;
		transfer_go_on(t, now);
		outbox_flush(&port->listener->server->outbox);
		port->turn = NULL;
	}
}
