#include "tftp/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tftp/engine.h"

/* What one pull may fill: two windows of Ethernet blocks; four of the largest. */
#define SCRATCH (256 << 10)
#define ARENA (2 * SCRATCH)
/* Of all that is queued: with windows of 64 no more than 16 transfers go at a time. */
#define FRAMES 1024

/*
 * Filled from the front. The most is seldom needed; malloc has something so large from
 * the kernel, and what was never used takes no memory.
 */
struct outbox_room {
	struct udp_frame frames[FRAMES];
	uint8_t heads[FRAMES][TFTP_HEAD];
	uint8_t arena[ARENA]; /* control packets, and what contents that are files hold */
};

int
outbox_init(struct outbox *box)
{
	box->room = malloc(sizeof(*box->room));
	return box->room ? 0 : -ENOMEM;
}

void
outbox_free(struct outbox *box)
{
	free(box->room);
	box->room = NULL;
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

	if (!port->writable.armed &&
		loop_fd_write(port->listener->server->config.loop, &port->writable,
			port->fd, on_writable, port) < 0)
		return; /* no memory: then its timer says it again */
	if (!t->is_waiting && port->turn == t)
		TAILQ_INSERT_HEAD(&port->blocked, t, waiting);
	else if (!t->is_waiting)
		TAILQ_INSERT_TAIL(&port->blocked, t, waiting);
	t->is_waiting = true;
}

/*
 * A full socket makes a transfer wait its turn; any other error is a loss like
 * another, and the session's timer heals it.
 */
static void
settle(struct transfer *t, const struct udp_burst *b)
{
	t->is_queued = false;
	t->is_plain |= b->plain;
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
	box->n = box->n_frames = 0;
	box->used = 0;
}

/* What `t` pulls at most, of the arena: a window, or a control packet. */
static size_t
wanted(const struct transfer *t)
{
	size_t window = (size_t)t->session.window * t->session.blksize;

	if (window < TFTP_CONTROL_MAX)
		return TFTP_CONTROL_MAX;
	return window < SCRATCH ? window : SCRATCH;
}

/* A place for `t`'s next pull, with room for its whole window if possible. */
static struct tftp_out
outbox_place(struct outbox *box, struct transfer *t)
{
	size_t left;

	if (box->port != t->port || box->n == OUTBOX || ARENA - box->used < wanted(t) ||
		FRAMES - box->n_frames < t->session.window)
		outbox_flush(box);
	box->port = t->port;
	left = ARENA - box->used;
	return (struct tftp_out){
		.most = t->session.paced ? 1 : FRAMES - box->n_frames,
		.frames = box->room->frames + box->n_frames,
		.heads = box->room->heads + box->n_frames,
		.scratch = box->room->arena + box->used,
		.scratch_size = left < SCRATCH ? left : SCRATCH,
	};
}

static void
outbox_put(struct outbox *box, struct transfer *t, const struct tftp_out *out)
{
	box->used += out->used;
	box->n_frames += out->n;
	box->bursts[box->n] = (struct udp_burst){
		.path = &t->path,
		.frames = out->frames,
		.n = out->n,
		.size = out->size,
		.plain = t->is_plain,
	};
	box->whose[box->n++] = t;
	t->is_queued = true;
}

void
outbox_add(struct outbox *box, struct transfer *t, struct mono now)
{
	struct tftp_out out;

	/* Nobody goes before those that wait for room already. */
	if (t->port->writable.armed)
		wait_for_room(t);
	while (!t->is_waiting && !pacing_holds(t, now)) {
		out = outbox_place(box, t);
		if (!tftp_session_pull(&t->session, &out, now))
			break;
		outbox_put(box, t, &out);
	}
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
