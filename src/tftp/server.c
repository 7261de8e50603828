#include "tftp/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "boot/identify.h"
#include "sys/udp.h"
#include "tftp/session.h"

#define MAX_TRANSFERS 20000
#define MIN_RTO_MS 100
/* Finished transfers kept to absorb late packets; beyond that they just go. */
#define MAX_LINGERING 4096
/* Few, so that what comes and goes by one of them is much at a time. */
#define POOL_RANDOM 8
#define POOL_MAX 64
#define HOST_BUCKETS 4096
#define FIRST_BUCKETS 1024

/* RFC 2347 wants requests below 512 bytes; names of GRUB and PXELINUX grow longer. */
#define REQUEST_MAX 2048
/* ACKs, and an ERROR with a message. */
#define ANSWER_MAX 600
#define BATCH 64
/* Batches taken from one socket before the others have their turn. */
#define BATCHES 8
/* What one pull may fill: two windows of Ethernet blocks; four of the largest. */
#define SCRATCH (256 << 10)
#define ARENA (2 * SCRATCH)
#define OUTBOX 64

/* UDP header, TFTP header, and the IP header without options. */
#define OVERHEAD_V4 (20 + 8 + TFTP_HEAD)
#define OVERHEAD_V6 (40 + 8 + TFTP_HEAD)

TAILQ_HEAD(transfers, transfer);

/* A socket: where requests arrive, or one of the pool that transfers use. */
struct port {
	struct listener *listener;
	int fd;
	struct loop_fd readable, writable;
	struct transfers blocked; /* transfers that wait for room in the socket */
};

struct pool {
	struct port ports[POOL_MAX];
	unsigned n;
};

/*
 * A request socket and the ports its transfers go on from, on the same address.
 * A dual-stack socket (from systemd) has a pool for either family. With
 * --tftp-single-port the pools are empty.
 */
struct listener {
	struct tftp_server *server;
	struct port request;
	struct pool v4, v6;
};

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
 * What is due to clients of one port, sent by one call when all that had come in was
 * answered. What lies here points into sessions' contents, so it goes out before
 * anything else happens to those sessions.
 */
struct outbox {
	struct port *port;
	unsigned n;
	struct transfer *whose[OUTBOX];
	struct tftp_out outs[OUTBOX];
	struct udp_burst bursts[OUTBOX];
	uint8_t *arena; /* where contents that are files are read to */
	size_t used;
};

struct tftp_server {
	struct tftp_config config;
	struct listener *listeners;
	struct udp_batch *requests, *answers; /* the latter also amid the former */
	struct outbox outbox;
	struct transfer **table; /* by client address and port */
	size_t buckets, held;    /* a power of two; transfers in the table */
	unsigned live, lingering;
	/*
	 * Live transfers by a hash of the client's address. Hosts may share a
	 * bucket: with a limit that only stops floods that does no harm.
	 */
	unsigned per_host[HOST_BUCKETS];
	struct mono complained;
};

/* The table of transfers. */

static struct transfer **
bucket_of(struct tftp_server *s, const struct netaddr *peer)
{
	return &s->table[netaddr_hash(peer) & (s->buckets - 1)];
}

static struct transfer *
find(struct tftp_server *s, const struct netaddr *peer, const struct port *port)
{
	struct transfer *t = *bucket_of(s, peer);

	while (t != NULL && (t->port != port || !netaddr_equal(&t->path.peer, peer)))
		t = t->chain;
	return t;
}

/* The client's running transfer that was asked for at `l`; at most one runs. */
static struct transfer *
find_running(struct listener *l, const struct netaddr *peer)
{
	struct transfer *t = *bucket_of(l->server, peer);

	while (t != NULL &&
		(t->session.outcome != TFTP_RUNNING || t->port->listener != l ||
			!netaddr_equal(&t->path.peer, peer)))
		t = t->chain;
	return t;
}

static void
rehash(struct tftp_server *s, size_t buckets)
{
	struct transfer **old = s->table, **grown = calloc(buckets, sizeof(*grown)), *t;
	size_t n = s->buckets;

	if (grown == NULL) /* longer chains, then */
		return;
	s->table = grown;
	s->buckets = buckets;
	for (size_t i = 0; i < n; i++)
		while ((t = old[i]) != NULL) {
			struct transfer **to = bucket_of(s, &t->path.peer);

			old[i] = t->chain;
			t->chain = *to;
			*to = t;
		}
	free(old);
}

static void
table_put(struct tftp_server *s, struct transfer *t)
{
	struct transfer **bucket;

	if (s->held >= s->buckets)
		rehash(s, 2 * s->buckets);
	bucket = bucket_of(s, &t->path.peer);
	t->chain = *bucket;
	*bucket = t;
	s->held++;
}

static void
table_remove(struct tftp_server *s, struct transfer *t)
{
	struct transfer **at = bucket_of(s, &t->path.peer);

	while (*at != t)
		at = &(*at)->chain;
	*at = t->chain;
	s->held--;
}

static unsigned *
host_count(struct tftp_server *s, const struct netaddr *peer)
{
	struct netaddr host = *peer;

	netaddr_set_port(&host, 0);
	return &s->per_host[netaddr_hash(&host) % HOST_BUCKETS];
}

/* The log. */

static void
log_end(const struct transfer *t, enum log_level level, const char *event)
{
	const struct tftp_session *s = &t->session;
	struct mono now = loop_now(t->timer.loop);

	LOG_AT(level, t->label, event, STR("name", t->name), PEER("peer", &t->path.peer),
		NUM("bytes", tftp_session_bytes(s)),
		NUM("ms", mono_since(now, t->started) / 1000), NUM("blksize", s->blksize),
		NUM("windowsize", s->window), NUM("resent", s->resent),
		STR("outcome", tftp_outcome_text(s->outcome)));
}

static void
report(struct transfer *t)
{
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
		log_end(t, LEVEL_INFO, "tftp-ended");
		break;
	default:
		log_end(t, LEVEL_WARNING, "tftp-failed");
	}
}

static void
log_request(
	const struct who *who, const struct netaddr *peer, const struct tftp_request *req)
{
	char options[128] = "";
	size_t n = 0;

	if (!log_on(LEVEL_DEBUG))
		return;
	for (int o = 0; o < TFTP_OPTIONS; o++)
		if (req->opts.set & 1u << o)
			n += (size_t)snprintf(options + n, sizeof(options) - n,
				"%s%s:%llu", n ? "," : "",
				tftp_option_name((enum tftp_option)o),
				(unsigned long long)req->opts.value[o]);
	log_debug(who->label, "tftp-request", MEM("name", req->name, req->len),
		PEER("peer", peer),
		STR("mode", req->mode == TFTP_OCTET ? "octet" : "netascii"),
		STR("options", options));
}

/* Life of a transfer. */

static void
stop_waiting(struct transfer *t)
{
	if (t->is_waiting)
		TAILQ_REMOVE(&t->port->blocked, t, waiting);
	t->is_waiting = false;
}

static void flush(struct tftp_server *s);

static void
transfer_free(struct transfer *t)
{
	struct tftp_server *s = t->port->listener->server;

	if (t->is_queued)
		flush(s);
	if (t->is_reported)
		s->lingering--;
	else {
		s->live--;
		--*host_count(s, &t->path.peer);
	}
	table_remove(s, t);
	stop_waiting(t);
	loop_timer_del(&t->timer);
	tftp_session_free(&t->session);
	free(t);
}

/* The transfer is over: says so once. */
static void
transfer_ended(struct transfer *t)
{
	struct tftp_server *s = t->port->listener->server;

	report(t);
	t->is_reported = true;
	s->live--;
	--*host_count(s, &t->path.peer);
	s->lingering++;
}

static void on_writable(void *arg);

static void
wait_for_room(struct transfer *t)
{
	struct port *port = t->port;

	if (!t->is_waiting)
		TAILQ_INSERT_TAIL(&port->blocked, t, waiting);
	t->is_waiting = true;
	if (!port->writable.armed)
		loop_fd_write(
			t->timer.loop, &port->writable, port->fd, on_writable, port);
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
		wait_for_room(t);
	} else if (b->error < 0)
		log_drop(t->label, "tftp", strerror(-b->error),
			PEER("peer", &t->path.peer));
}

/* Sends what is queued. */
static void
flush(struct tftp_server *s)
{
	struct outbox *box = &s->outbox;

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
		flush(t->port->listener->server);
	box->port = t->port;
	out = &box->outs[box->n];
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

/* Queues all that is due; flush() sends it. */
static void
send_due(struct transfer *t, struct mono now)
{
	struct outbox *box = &t->port->listener->server->outbox;

	while (!t->is_waiting &&
		tftp_session_pull(&t->session, outbox_place(box, t), now))
		outbox_put(box, t);
}

/*
 * The timer is left alone when it would only move back, as it does with every
 * ACK: it then fires early, finds nothing to do, and is set again.
 */
static void
arm(struct transfer *t)
{
	struct mono deadline = tftp_session_deadline(&t->session);

	if (t->timer.armed && t->armed.us <= deadline.us)
		return;
	t->armed = deadline;
	loop_timer_at(&t->timer, deadline);
}

/* After anything happened to a session. The transfer may be gone afterwards. */
static void
go_on(struct transfer *t, struct mono now)
{
	struct tftp_server *s = t->port->listener->server;

	send_due(t, now);
	if (t->session.outcome != TFTP_RUNNING && !t->is_reported)
		transfer_ended(t);
	if (t->session.state == TFTP_CLOSED ||
		(t->is_reported && s->lingering > MAX_LINGERING))
		transfer_free(t);
	else
		arm(t);
}

static void
on_timer(void *arg)
{
	struct transfer *t = arg;
	struct tftp_server *s = t->port->listener->server;
	struct mono now = loop_now(t->timer.loop);

	tftp_session_timeout(&t->session, now);
	go_on(t, now);
	flush(s);
}

static void
on_writable(void *arg)
{
	struct port *port = arg;
	struct mono now = loop_now(port->listener->server->config.loop);
	struct transfer *t;

	loop_fd_del(&port->writable);
	while (!port->writable.armed && (t = TAILQ_FIRST(&port->blocked)) != NULL) {
		stop_waiting(t);
		go_on(t, now);
		flush(port->listener->server);
	}
}

/* Requests. */

static void
send_error(struct port *port, const struct udp_path *path, enum tftp_code code,
	const char *text)
{
	uint8_t packet[TFTP_CONTROL_MAX];
	size_t len = tftp_put_error(packet, sizeof(packet), code, text);

	udp_send(port->fd, path, packet, len);
}

/*
 * A port for a new transfer, at best one the client's earlier transfers did not
 * use: a late packet of theirs must not count here.
 */
static struct port *
pick_port(struct listener *l, const struct netaddr *peer)
{
	struct pool *pool = peer->sa.sa_family == AF_INET6 ? &l->v6 : &l->v4;
	unsigned start;

	if (pool->n == 0)
		return &l->request;
	start = arc4random_uniform(pool->n);
	for (unsigned i = 0; i < pool->n; i++) {
		struct port *port = &pool->ports[(start + i) % pool->n];

		if (find(l->server, peer, port) == NULL)
			return port;
	}
	return &pool->ports[start];
}

/* No larger than fits the route: some firmware cannot put fragments together. */
static struct tftp_terms
terms_for(const struct tftp_server *s, const struct udp_path *path,
	const struct tftp_request *req)
{
	struct tftp_terms terms = {
		.blksize_max = TFTP_BLKSIZE_DEFAULT,
		.window_max = TFTP_WINDOW_MAX,
		.refuse = s->config.refuse,
		.min_rto = MONO_MS(s->config.min_rto_ms),
	};
	unsigned overhead =
		path->peer.sa.sa_family == AF_INET6 ? OVERHEAD_V6 : OVERHEAD_V4;
	unsigned mtu;

	if (!(req->opts.set & 1u << TFTP_BLKSIZE) ||
		req->opts.value[TFTP_BLKSIZE] <= TFTP_BLKSIZE_DEFAULT)
		return terms;
	mtu = udp_route_mtu(path);
	if (mtu > overhead + TFTP_BLKSIZE_DEFAULT)
		terms.blksize_max = mtu - overhead;
	if (terms.blksize_max > TFTP_BLKSIZE_MAX)
		terms.blksize_max = TFTP_BLKSIZE_MAX;
	return terms;
}

/* A datagram with a request, and who sent it. */
struct ask {
	struct listener *listener;
	const struct udp_dgram *dgram;
	const struct tftp_request *req;
	struct who who;
};

/* In one piece with its label and name: many may be open at once. */
static struct transfer *
transfer_alloc(const char *label, const char *name)
{
	size_t label_size = strlen(label) + 1, name_size = strlen(name) + 1;
	struct transfer *t = calloc(1, sizeof(*t) + label_size + name_size);

	if (t == NULL)
		return NULL;
	memcpy(t->label, label, label_size);
	t->name = memcpy(t->label + label_size, name, name_size);
	return t;
}

/* Begins to send `content`, whose reference it takes over. */
static void
begin(struct ask *ask, struct content *content, const char *name)
{
	struct listener *l = ask->listener;
	struct tftp_server *s = l->server;
	const struct udp_path *path = &ask->dgram->path;
	struct tftp_terms terms = terms_for(s, path, ask->req);
	struct transfer *t = transfer_alloc(ask->who.label, name), *old;
	struct mono now = loop_now(s->config.loop);

	if (t == NULL) {
		content_unref(content);
		log_error(ask->who.label, "tftp-failed", STR("why", "out of memory"));
		return;
	}
	t->port = pick_port(l, &path->peer);
	if ((old = find(s, &path->peer, t->port)) != NULL)
		transfer_free(old);
	t->path = *path;
	t->started = now;
	t->request = fnv1a(ask->dgram->data, ask->dgram->len);
	loop_timer_init(s->config.loop, &t->timer, on_timer, t);
	tftp_session_open(&t->session, ask->req, content, &terms, now);
	table_put(s, t);
	s->live++;
	++*host_count(s, &path->peer);
	if (tftp_session_rolls_over(&t->session))
		log_debug(t->label, "tftp-rollover", STR("name", name),
			NUM("blksize", t->session.blksize));
	go_on(t, now);
}

static void
refuse_at(enum log_level level, const struct ask *ask, enum tftp_code code,
	const char *text)
{
	const struct udp_path *path = &ask->dgram->path;

	LOG_AT(level, ask->who.label, "tftp-refused",
		MEM("name", ask->req->name, ask->req->len), PEER("peer", &path->peer),
		STR("why", text));
	send_error(pick_port(ask->listener, &path->peer), path, code, text);
}

static void
refuse(const struct ask *ask, enum tftp_code code, const char *text)
{
	refuse_at(LEVEL_INFO, ask, code, text);
}

/*
 * When the server is full a request is dropped, not refused: firmware asks again
 * after some seconds, but an ERROR ends its boot.
 */
static void
drop_for_now(const struct ask *ask, const char *why)
{
	struct tftp_server *s = ask->listener->server;
	struct mono now = loop_now(s->config.loop);

	if (mono_since(now, s->complained) < MONO_S(1))
		return;
	s->complained = now;
	log_warning(ask->who.label, "tftp-full", NUM("transfers", s->live),
		PEER("peer", &ask->dgram->path.peer), STR("why", why));
}

static void
serve(struct ask *ask)
{
	struct asked asked = {.name = ask->req->name,
		.len = ask->req->len,
		.query = "",
		.reached = ask->dgram->path.local};
	struct resolution r;

	resolve(ask->listener->server->config.site, &asked, &r);
	switch (r.kind) {
	case RESOLVED_CONTENT:
		if (*r.note)
			log_info(ask->who.label, "tftp-instead", STR("name", r.name),
				STR("served", r.note));
		begin(ask, content_ref(r.content), r.name);
		break;
	case RESOLVED_DIRECTORY:
		refuse(ask, TFTP_E_ACCESS, "this is a directory");
		break;
	case RESOLVED_NOT_FOUND:
		refuse(ask, TFTP_E_NOT_FOUND, r.note);
		break;
	case RESOLVED_DENIED:
	case RESOLVED_BAD_NAME:
		refuse(ask, TFTP_E_ACCESS, r.note);
		break;
	case RESOLVED_BUSY:
		drop_for_now(ask, r.note);
		break;
	case RESOLVED_FAILED:
		refuse_at(LEVEL_WARNING, ask, TFTP_E_UNDEFINED, r.note);
		break;
	}
	resolution_done(&r);
}

/* One host that floods is told. */
static bool
has_room(const struct ask *ask)
{
	struct tftp_server *s = ask->listener->server;

	if (*host_count(s, &ask->dgram->path.peer) >= s->config.max_per_host) {
		refuse(ask, TFTP_E_UNDEFINED, "too many transfers to this address");
		return false;
	}
	if (s->live < s->config.max_transfers)
		return true;
	drop_for_now(ask, "all transfers are taken");
	return false;
}

static bool receive(struct port *port, struct udp_batch *batch);

/*
 * The client's running transfer. Its last ACK may still lie unread in its own
 * port although the client sent it before this request.
 */
static struct transfer *
still_running(struct listener *l, const struct netaddr *peer)
{
	struct transfer *t = find_running(l, peer);

	if (t == NULL || t->port == &l->request)
		return t;
	receive(t->port, l->server->answers);
	return find_running(l, peer);
}

/* True when the request belongs to a transfer that runs already, and is dealt with. */
static bool
is_repeated(const struct ask *ask)
{
	const struct udp_dgram *d = ask->dgram;
	struct transfer *t = still_running(ask->listener, &d->path.peer);
	struct mono now;

	if (t == NULL)
		return false;
	if (t->is_queued)
		flush(t->port->listener->server);
	now = loop_now(t->timer.loop);
	if (t->request == fnv1a(d->data, d->len) &&
		tftp_session_repeat(&t->session, now) == TFTP_REPEAT_ABSORBED) {
		go_on(t, now);
		return true;
	}
	tftp_session_abort(&t->session, TFTP_REPLACED, TFTP_E_UNDEFINED, NULL, now);
	go_on(t, now);
	return false;
}

static void
on_request(struct listener *l, const struct udp_dgram *dgram, const struct tftp_pkt *pkt)
{
	struct ask ask = {.listener = l, .dgram = dgram, .req = &pkt->req};

	if (is_repeated(&ask))
		return;
	identify(&ask.who, &dgram->path.peer, dgram->path.ifindex);
	activity_heard(l->server->config.activity, &ask.who, &dgram->path.peer);
	identify_by_name(&ask.who, pkt->req.name);
	log_request(&ask.who, &dgram->path.peer, &pkt->req);
	if (pkt->op == TFTP_WRQ)
		refuse(&ask, TFTP_E_ACCESS, "pixie is read only");
	else if (has_room(&ask))
		serve(&ask);
}

/* Packets. */

static void
drop(const struct udp_dgram *dgram, const char *why)
{
	log_drop(NULL, "tftp", why, PEER("peer", &dgram->path.peer),
		NUM("bytes", dgram->len));
}

static bool
is_single_port(const struct listener *l)
{
	return l->v4.n == 0 && l->v6.n == 0;
}

/* RFC 1350 §4: a packet from elsewhere gets an ERROR; an ERROR never does. */
static void
on_stranger(struct port *port, const struct udp_dgram *dgram, const struct tftp_pkt *pkt)
{
	drop(dgram, "no such transfer");
	if (pkt->op != TFTP_ERROR &&
		(port != &port->listener->request || is_single_port(port->listener)))
		send_error(port, &dgram->path, TFTP_E_UNKNOWN_TID, "no such transfer");
}

static void
on_answer(struct port *port, const struct udp_dgram *dgram, const struct tftp_pkt *pkt)
{
	struct tftp_server *s = port->listener->server;
	struct transfer *t = find(s, &dgram->path.peer, port);
	struct mono now = loop_now(s->config.loop);
	const char *why;

	if (t == NULL) {
		on_stranger(port, dgram, pkt);
		return;
	}
	if (t->is_queued)
		flush(s);
	if (pkt->op == TFTP_ERROR)
		log_debug(t->label, "tftp-error", NUM("code", pkt->code),
			MEM("text", pkt->data, pkt->len));
	why = tftp_session_input(&t->session, pkt, now);
	if (why != NULL)
		log_drop(t->label, "tftp", why, PEER("peer", &t->path.peer),
			NUM("block", pkt->block));
	go_on(t, now);
}

static void
on_datagram(struct port *port, const struct udp_dgram *dgram)
{
	bool for_requests = port == &port->listener->request;
	struct tftp_pkt pkt;
	enum tftp_fault fault = tftp_parse(dgram->data, dgram->len, &pkt);

	if (dgram->truncated)
		drop(dgram, "longer than it may be");
	else if (fault != TFTP_FINE) {
		drop(dgram, tftp_fault_text(fault));
		if (fault == TFTP_BAD_MODE && for_requests)
			send_error(port, &dgram->path, TFTP_E_ILLEGAL,
				tftp_fault_text(fault));
	} else if (pkt.op != TFTP_RRQ && pkt.op != TFTP_WRQ)
		on_answer(port, dgram, &pkt);
	else if (for_requests)
		on_request(port->listener, dgram, &pkt);
	else
		drop(dgram, "request on a transfer's port");
}

/* Takes at most a batch; true when there may be more. */
static bool
receive(struct port *port, struct udp_batch *batch)
{
	int n = udp_recv(port->fd, batch);

	if (n < 0)
		log_error(NULL, "tftp-receive", STR("why", strerror(-n)));
	for (int i = 0; i < n; i++) {
		struct udp_dgram dgram = udp_batch_get(batch, (unsigned)i);

		on_datagram(port, &dgram);
	}
	flush(port->listener->server);
	return n == BATCH;
}

static void
on_readable(void *arg)
{
	struct port *port = arg;
	struct tftp_server *s = port->listener->server;
	bool for_requests = port == &port->listener->request;

	for (int i = 0; i < BATCHES; i++)
		if (!receive(port, for_requests ? s->requests : s->answers))
			return;
}

/* Start and end. */

static int
open_port(struct listener *l, struct port *port, int fd)
{
	port->listener = l;
	port->fd = fd;
	TAILQ_INIT(&port->blocked);
	return loop_fd_read(
		l->server->config.loop, &port->readable, fd, on_readable, port);
}

static void
close_port(struct port *port)
{
	loop_fd_del(&port->readable);
	loop_fd_del(&port->writable);
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

static void
close_listener(struct listener *l)
{
	close_port(&l->request);
	for (unsigned i = 0; i < l->v4.n; i++)
		close_port(&l->v4.ports[i]);
	for (unsigned i = 0; i < l->v6.n; i++)
		close_port(&l->v6.ports[i]);
}

/* Ports of the range that are taken by others are left out, as long as one is left. */
static int
fill_pool(struct listener *l, struct pool *pool, struct netaddr addr)
{
	const struct tftp_config *c = &l->server->config;
	unsigned want = c->port_lo ? c->port_hi - c->port_lo + 1u : POOL_RANDOM;
	int err = 0;

	for (unsigned i = 0; i < want && pool->n < POOL_MAX; i++) {
		int fd;

		netaddr_set_port(&addr, c->port_lo ? (uint16_t)(c->port_lo + i) : 0);
		fd = udp_bind(&addr);
		if (fd < 0)
			err = fd;
		else if (open_port(l, &pool->ports[pool->n++], fd) < 0)
			return -ENOMEM;
	}
	return pool->n ? 0 : err;
}

static bool
takes_ipv4_too(int fd, const struct netaddr *addr)
{
	int only = 1;
	socklen_t len = sizeof(only);

	return netaddr_is_wildcard(addr) &&
	       getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && !only;
}

static int
open_listener(struct tftp_server *s, unsigned i)
{
	struct listener *l = &s->listeners[i];
	struct netaddr addr = {0}, any_v4 = {.v4 = {.sin_family = AF_INET}};
	socklen_t len = sizeof(addr);
	int err = open_port(l, &l->request, s->config.fds[i]) < 0 ? -ENOMEM : 0;

	if (err < 0 || s->config.single_port)
		return err;
	if (getsockname(l->request.fd, &addr.sa, &len) < 0)
		return -errno;
	netaddr_unmap(&addr);
	if (addr.sa.sa_family != AF_INET6)
		return fill_pool(l, &l->v4, addr);
	if (takes_ipv4_too(l->request.fd, &addr))
		err = fill_pool(l, &l->v4, any_v4);
	return err < 0 ? err : fill_pool(l, &l->v6, addr);
}

static void
apply_defaults(struct tftp_config *c)
{
	if (c->max_transfers == 0)
		c->max_transfers = MAX_TRANSFERS;
	if (c->max_per_host == 0)
		c->max_per_host = (c->max_transfers + 1) / 2;
	if (c->min_rto_ms == 0)
		c->min_rto_ms = MIN_RTO_MS;
}

/* Everything that can only fail for lack of memory. */
static struct tftp_server *
allocate(const struct tftp_config *config)
{
	struct tftp_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	apply_defaults(&s->config);
	s->requests = udp_batch_new(BATCH, REQUEST_MAX);
	s->answers = udp_batch_new(BATCH, ANSWER_MAX);
	s->outbox.arena = malloc(ARENA);
	s->buckets = FIRST_BUCKETS;
	s->table = calloc(s->buckets, sizeof(*s->table));
	s->listeners = calloc(config->n_fds, sizeof(*s->listeners));
	for (unsigned i = 0; s->listeners != NULL && i < config->n_fds; i++) {
		s->listeners[i].server = s;
		s->listeners[i].request.fd = config->fds[i];
	}
	return s;
}

struct tftp_server *
tftp_server_new(const struct tftp_config *config, char why[static TFTP_WHY])
{
	struct tftp_server *s = allocate(config);
	int err = 0;

	if (s == NULL || !s->requests || !s->answers || !s->outbox.arena || !s->table ||
		!s->listeners)
		err = -ENOMEM;
	for (unsigned i = 0; err == 0 && i < config->n_fds; i++)
		err = open_listener(s, i);
	if (err == 0)
		return s;
	snprintf(why, TFTP_WHY, "TFTP: %s: %s",
		config->port_lo ? "no port of the range can be used" : "cannot start",
		strerror(-err));
	if (s == NULL || s->listeners == NULL)
		for (unsigned i = 0; i < config->n_fds; i++)
			close(config->fds[i]);
	tftp_server_free(s);
	return NULL;
}

/*
 * A client that hears nothing tries on for half a minute before it boots
 * otherwise or asks again; an ERROR lets it do so at once.
 */
static void
end_transfer(struct transfer *t)
{
	struct mono now = loop_now(t->timer.loop);

	tftp_session_abort(&t->session, TFTP_SHUTDOWN, TFTP_E_UNDEFINED,
		tftp_outcome_text(TFTP_SHUTDOWN), now);
	send_due(t, now);
	if (!t->is_reported)
		transfer_ended(t);
	transfer_free(t);
}

void
tftp_server_free(struct tftp_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; s->table != NULL && i < s->buckets; i++)
		while (s->table[i] != NULL)
			end_transfer(s->table[i]);
	for (unsigned i = 0; s->listeners != NULL && i < s->config.n_fds; i++)
		close_listener(&s->listeners[i]);
	free(s->listeners);
	free(s->table);
	free(s->outbox.arena);
	udp_batch_free(s->requests);
	udp_batch_free(s->answers);
	free(s);
}
