/*
 * A transfer: a session, the path its packets take, its timer, and what the log
 * says of it. It is in the server's table from the request until the session has
 * lingered.
 */
#ifndef PIXIE_TFTP_TRANSFER_H
#define PIXIE_TFTP_TRANSFER_H

#include <stdbool.h>
#include <sys/queue.h>

#include "sys/loop.h"
#include "sys/udp.h"
#include "tftp/session.h"

struct port;

struct transfer {
	struct transfer *chain; /* in the table's bucket */
	TAILQ_ENTRY(transfer) waiting;
	bool is_waiting, is_queued, is_reported;
	struct port *port;
	struct udp_path path;
	struct tftp_session session;
	struct loop_timer timer;
	struct mono armed, started;
	uint64_t
		request; /* hash of the datagram that opened it: the same byte for byte */
	const char *name; /* in `label`, behind it */
	char label[];     /* who, for the log */
};

/*
 * A transfer on `port` with copies of `path` and of the names, its session zeroed
 * and in no table; NULL without memory.
 */
struct transfer *transfer_new(struct port *port, const struct udp_path *path,
	const char *label, const char *name);
/* Counts and tables it, once its session is open. */
void transfer_enter(struct transfer *t);
/* Out of the table, with all it owns. */
void transfer_free(struct transfer *t);

/* After anything happened to the session. The transfer may be gone afterwards. */
void transfer_go_on(struct transfer *t, struct mono now);
/*
 * Ends and frees it because the server goes. A client that hears nothing tries on
 * for half a minute before it boots otherwise or asks again; an ERROR lets it do
 * so at once.
 */
void transfer_shut_down(struct transfer *t);

#endif
