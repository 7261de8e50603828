/*
 * One TFTP transfer to one client, without a socket and without a clock: it is
 * told what came and what time it is, and is then asked what to send and until
 * when to wait. RFC 1350, 1123 §4.2.3, 7440; options are terms.h's, the retransmission
 * timer is rto.h's. doc/rfc.md maps clauses to functions.
 *
 *	tftp_session_open / _input / _repeat / _timeout / _abort   something happened
 *	while (tftp_session_pull(…, &out)) send out.frames          what to send now
 *	tftp_session_deadline                                       when to come back
 *
 * Whoever sends never sees a block number, and whoever counts blocks never sees
 * a socket. A session that has ended lingers for some seconds without content,
 * to swallow what is still under way, before it is closed and can be freed.
 */
#ifndef PIXIE_TFTP_SESSION_H
#define PIXIE_TFTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "boot/content.h"
#include "tftp/netascii.h"
#include "tftp/out.h"
#include "tftp/rto.h"
#include "tftp/terms.h"
#include "wire/tftp_pkt.h"

enum tftp_state {
	TFTP_OFFERED,   /* OACK is out, ACK 0 is awaited */
	TFTP_SENDING,   /* blocks are under way */
	TFTP_LINGERING, /* it is over; late packets are absorbed */
	TFTP_CLOSED,    /* nothing more will happen */
};

enum tftp_outcome {
	TFTP_RUNNING,
	TFTP_DONE,
	TFTP_DONE_UNCONFIRMED, /* all was sent, only the last ACK never came */
	TFTP_ABORTED,          /* the client ended it as clients do */
	TFTP_REJECTED,         /* the client ended it with an error */
	TFTP_UNANSWERED,       /* not a single answer */
	TFTP_SILENT,           /* answers stopped */
	TFTP_CHANGED,          /* the content changed on the way */
	TFTP_UNREADABLE,
	TFTP_TOO_LARGE, /* for its block size: 2 TiB by 512 bytes */
	TFTP_REPLACED,  /* the client asked for something else from the same port */
	TFTP_SHUTDOWN,
};
const char *tftp_outcome_text(enum tftp_outcome outcome);

/*
 * Thousands are open when a rack comes back, and do not stay in the caches: so this is
 * small, and what every ACK touches comes first.
 */
struct tftp_session {
	/*
	 * Absolute block numbers: the wire's 16 bits roll over, these never do, as
	 * content that would need more blocks is refused (TFTP_TOO_LARGE).
	 */
	uint32_t acked;    /* all up to here have arrived */
	uint32_t next;     /* to be sent next */
	uint32_t high;     /* highest ever sent */
	uint32_t last;     /* short block that ends it; UINT32_MAX until netascii knows */
	uint32_t recover;  /* highest when `next` last went back */
	uint32_t check_at; /* first block not to send without content_check() */

	enum tftp_state state : 8;
	enum tftp_outcome outcome : 8;
	enum tftp_mode mode : 8;
	uint8_t window;
	uint16_t blksize;
	bool say : 1;     /* a control packet (OACK, ERROR) is due */
	bool fails : 1;   /* it is over by an ERROR of ours */
	bool suspect : 1; /* the deadline is a suspected gap's, not the RTO's */
	bool heard : 1;   /* the client answered at least once */
	bool paced : 1;
	bool held : 1;   /* what was pulled last could not leave at once */
	uint8_t granted; /* 1 << TFTP_…: options; their values are what is agreed here */

	struct mono deadline;
	struct mono heard_at; /* when the client last answered */
	struct mono since;    /* last progress or sending of block acked + 1 */
	struct mono alive;    /* last progress, or last new block of those we held back */
	struct rto rto;
	struct content *content; /* our reference; NULL once lingering */
	uint64_t size;

	struct netascii base, tip; /* where acked + 1 and next begin */
	uint32_t resent;           /* packets sent again, for the log */
	uint8_t timeout;           /* s, as granted */
};

/* Starts a transfer. Takes over the caller's reference to `content`. */
void tftp_session_open(struct tftp_session *s, const struct tftp_request *req,
	struct content *content, const struct tftp_terms *terms, struct mono now);
/* Drops what the session owns, whatever its state. A zeroed session is fine. */
void tftp_session_free(struct tftp_session *s);

/* A packet from the client. NULL, or why it was thrown away (a constant string). */
const char *tftp_session_input(
	struct tftp_session *s, const struct tftp_pkt *pkt, struct mono now);

/* The request that opened it has come again. */
enum tftp_repeat {
	TFTP_REPEAT_ABSORBED, /* it is this transfer's: answered now or not at all */
	TFTP_REPEAT_ANEW,     /* the client begins again: replace the transfer */
};
enum tftp_repeat tftp_session_repeat(struct tftp_session *s, struct mono now);

/* The deadline may have passed. */
void tftp_session_timeout(struct tftp_session *s, struct mono now);
/* Ends it from our side; the client is told by an ERROR, unless it was replaced. */
void tftp_session_abort(
	struct tftp_session *s, enum tftp_outcome outcome, struct mono now);

/* What to send now; false when nothing is due. What was pulled counts as sent. */
bool tftp_session_pull(struct tftp_session *s, struct tftp_out *out, struct mono now);
/*
 * How long the next block to send is at most, header included, where one is due; else
 * 0, also when something other than a block is due.
 */
size_t tftp_session_due(const struct tftp_session *s);
/*
 * The last `n` frames of the last pulls could not be sent: they are due again, as if
 * they had not been pulled (in netascii they count as lost).
 */
void tftp_session_unsent(struct tftp_session *s, unsigned n);

struct mono tftp_session_deadline(const struct tftp_session *s);
/* How much of the content the client has confirmed. */
uint64_t tftp_session_bytes(const struct tftp_session *s);
/* A transfer of this size with this block size needs numbers beyond 65535. */
bool tftp_session_rolls_over(const struct tftp_session *s);

#endif
