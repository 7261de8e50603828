/*
 * A transfer: a session, the path its packets take, its timer, and what the log
 * says of it. It is in the server's table from the request until the session has
 * lingered.
 */
#ifndef PIXIE_TFTP_TRANSFER_H
#define PIXIE_TFTP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/wheel.h"
#include "sys/udp.h"
#include "tftp/session.h"

struct port;
struct progress;

struct transfer {
	struct transfer *chain; /* in the table's bucket */
	struct port *port;
	struct progress *progress; /* NULL: no registry, or it knows the end */
	struct udp_path path;
	bool is_waiting : 1, is_queued : 1, is_reported : 1;
	bool is_plain : 1;      /* its route takes no GSO */
	bool is_paced : 1;      /* `due` is when its machine may be sent to */
	bool was_paced : 1;     /* and when that had come, another had the turn */
	struct wheel_entry due; /* in one of the server's wheels */
	struct tftp_session session;
	TAILQ_ENTRY(transfer) waiting;
	struct mono started;
	uint64_t request; /* hash of the datagram that opened it, byte for byte */
	char label[];     /* who, for the log; the name's copy is behind it */
};

/* The part that every ACK touches. */
#define TRANSFER_HOT offsetof(struct transfer, session.base)

/*
 * A transfer on `port` with copies of `path` and of the names, its session zeroed
 * and in no table; NULL without memory.
 */
struct transfer *transfer_new(struct port *port, const struct udp_path *path,
	const char *label, const char *name);
/* The name of what is sent, in the transfer. */
const char *transfer_name(const struct transfer *t);
/* Counts and tables it, once its session is open. */
void transfer_enter(struct transfer *t);
/* Out of the table, with all it owns. */
void transfer_free(struct transfer *t);

/* Whose `due` it is. */
struct transfer *transfer_of(struct wheel_entry *due);
/* What `due` says has come. The transfer may be gone afterwards. */
void transfer_timeout(struct wheel_entry *due, struct mono now);
/* After anything happened to the session. The transfer may be gone afterwards. */
void transfer_go_on(struct transfer *t, struct mono now);
/*
 * Ends and frees it because the server goes. A client that hears nothing tries on
 * for half a minute before it boots otherwise or asks again; an ERROR lets it do
 * so at once.
 */
void transfer_shut_down(struct transfer *t);

#endif
