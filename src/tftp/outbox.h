/*
 * What is due to clients of one port, sent by one call when all that had come in
 * was answered. What lies here points into sessions' contents where these are in
 * memory, so it goes out before anything else happens to those sessions. A pull cannot
 * end a session of such content, only one of a file (content_check()), whose bytes are
 * copied here.
 */
#ifndef PIXIE_TFTP_OUTBOX_H
#define PIXIE_TFTP_OUTBOX_H

#include "sys/udp.h"
#include "tftp/session.h"

#define OUTBOX 64
struct outbox_room;
struct port;
struct transfer;

struct outbox {
	struct port *port;
	unsigned n;
	struct transfer *whose[OUTBOX];
	struct udp_burst bursts[OUTBOX];
	struct outbox_room *room;
	unsigned n_frames; /* of it that are used, */
	size_t used;       /* and bytes of its arena */
};

/* 0, or -ENOMEM. A zeroed outbox that was never initialised may be freed. */
int outbox_init(struct outbox *box);
void outbox_free(struct outbox *box);

/*
 * Queues all that is due to `t`. When the socket is full the transfer waits, and
 * goes on by itself when there is room.
 */
void outbox_add(struct outbox *box, struct transfer *t, struct mono now);
/* Sends what is queued. */
void outbox_flush(struct outbox *box);
/* `t` waits for room no more. */
void outbox_stop_waiting(struct transfer *t);

#endif
