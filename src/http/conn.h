/*
 * One HTTP connection without a socket: bytes and time in, replies out.
 *
 *	IDLE --bytes--> HEAD --head whole--> BODY --body here--> ASKED --defer--> WAITING
 *	 ^                 \______(no body)______________________/ |                 |
 *	 |                                                    conn_reply() <----------+
 *	 |                                                         v
 *	 +----conn_next()---- SENT <--everything written-------- SENDING <--+
 *	           |                                               |  conn_append()
 *	           |                                               +--> STREAM
 *	           +--> HEAD or ASKED (pipelined), LINGER, CLOSED
 *
 * The caller owns socket and clock. It reads into conn_space(), answers when the
 * connection is ASKED, writes what conn_output() shows, records the exchange when
 * it is SENT, and closes when it is CLOSED; on `deadline` it calls conn_timeout().
 * An answer that has to be waited for is conn_defer()red. A reply without an end is a
 * stream: whenever all of it is written, the caller appends what is new.
 *
 * A connection between requests, or one that waits for a slow reader, holds no
 * buffer: it borrows an inbox from a pool while it has bytes to keep in it.
 */
#ifndef PIXIE_HTTP_CONN_H
#define PIXIE_HTTP_CONN_H

#include "base/mono.h"
#include "http/parse.h"
#include "http/reply.h"

enum conn_state {
	CONN_IDLE, /* between requests */
	CONN_HEAD, /* a head is arriving, or the first one is awaited */
	CONN_BODY, /* a request's body is arriving: kept when short, else thrown away */
	CONN_ASKED,
	CONN_WAITING, /* somebody else makes the answer */
	CONN_SENDING,
	CONN_STREAM, /* all is written, more will come; what arrives is thrown away */
	CONN_SENT,
	CONN_LINGER, /* our half is shut; what still comes is thrown away */
	CONN_CLOSED,
	CONN_STATES
};

struct conn_limits {
	/* How long a connection may stay in a state, in microseconds; 0: for ever. */
	int64_t stay[CONN_STATES];
	uint64_t body_max;   /* bytes of request body read to keep a connection */
	uint64_t body_kept;  /* up to here a handler gets them; at most BODY_KEPT_MAX */
	uint64_t linger_max; /* bytes thrown away at the end of one */
	/* A reply goes on while the client takes so many bytes per stay in SENDING. */
	uint64_t taken_min;
};

#define BODY_KEPT_MAX 4096

extern const struct conn_limits conn_limits_default;

struct inbox;

struct inbox_pool {
	struct inbox *free;
	unsigned kept;
};

void inbox_pool_deinit(struct inbox_pool *pool);

/* A reply under way and what the record will say of it. One allocation. */
struct exchange {
	struct mono began;
	uint64_t sent;           /* bytes of body */
	struct content *content; /* what is still to be sent of it: */
	uint64_t off, left;
	enum method method;
	int status;
	bool is_quiet;            /* see struct reply */
	bool tried;               /* see struct output */
	struct stream *stream;    /* what follows, without an end; owned. NULL: nothing */
	char *more;               /* what was appended to it last; owned */
	size_t more_len, more_at; /* how far that was sent */
	/* The head in `bytes`, with the text behind it, and how far it was sent. */
	uint16_t head_len, text_len, head_at;
	/* For exchange_note() */
	uint16_t path, range, agent, served, why;
	char bytes[];
};

/* One of the strings above; NULL when there is none. */
const char *exchange_note(const struct exchange *x, uint16_t at);

struct conn {
	const struct conn_limits *limits;
	struct inbox_pool *pool;
	enum conn_state state;
	bool ending; /* no request is read after this one */
	bool unread; /* the client may still be sending: close with care */
	bool reset;  /* CLOSED by RST, so that nobody takes a cut reply for a whole one */
	struct mono deadline;
	/* BODY: bytes of it to come. LINGER, STREAM: bytes we still take */
	uint64_t skip;
	uint64_t written; /* of all replies, to the socket */
	uint64_t taken;   /* of these, by the client, when that was last looked at */
	struct inbox *inbox;
	struct exchange *exchange; /* SENDING, SENT, or cut off */
};

void conn_init(struct conn *c, const struct conn_limits *limits, struct inbox_pool *pool,
	struct mono now);
/* Frees what it holds, in any state. */
void conn_deinit(struct conn *c);

/*
 * Where the next bytes from the client go, and how many may. NULL when none are
 * wanted now, or (then the connection is CLOSED) there is no memory.
 */
void *conn_space(struct conn *c, size_t *room);
/* `n` bytes were put there; 0 when there were none after all. */
void conn_received(struct conn *c, size_t n, struct mono now);
/* Whether a request has begun to arrive and is not whole. */
bool conn_amid(const struct conn *c);
/* The client closed its half. */
void conn_eof(struct conn *c, struct mono now);

/* ASKED, WAITING: the request; valid until conn_reply(). */
const struct request *conn_request(const struct conn *c);
/* ASKED: conn_reply() comes later. The request stays. */
void conn_defer(struct conn *c, struct mono now);
/* ASKED, WAITING: answers. Takes the content out of `r`. `date`: now as an HTTP date. */
void conn_reply(struct conn *c, struct reply *r, const char *date, struct mono now);

struct output {
	const char *head;
	size_t head_len;
	struct content *content; /* NULL when head_len is all */
	uint64_t off, len;
	bool tried; /* before, with or without success: a file may have changed since */
};

/* SENDING: what is still to be written, in order; never all empty. Borrowed. */
struct output conn_output(const struct conn *c);
/* The next `n` bytes of it were written; 0 when the socket was full. */
void conn_sent(struct conn *c, size_t n, struct mono now);
/*
 * STREAM: `text` (`len` bytes, not 0, from malloc) is to be sent as well; taken over.
 */
void conn_append(struct conn *c, char *text, size_t len, struct mono now);
/* SENT: ends the exchange and goes on to what follows it. */
void conn_next(struct conn *c, struct mono now);

/*
 * The deadline was reached. `held`: bytes that were written and that the client has
 * not taken (SIOCOUTQ); a slow one is not to be judged by how often a large socket
 * buffer has room again. Of use when SENDING only.
 */
void conn_timeout(struct conn *c, uint64_t held, struct mono now);
/* The socket broke, or the content did: CLOSED, with RST when a reply was cut. */
void conn_abort(struct conn *c);

#endif
