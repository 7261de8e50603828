#include "tftp/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/udp.h"
#include "tftp/engine.h"

#define MAX_TRANSFERS 20000
#define MIN_RTO_MS 100

/* RFC 2347 wants requests below 512 bytes; names of GRUB and PXELINUX grow longer. */
#define REQUEST_MAX 2048
/* ACKs, and an ERROR with a message. */
#define ANSWER_MAX 600
#define TICK MONO_MS(1)
#define BATCH 64
/* Batches taken from one socket before the others have their turn. */
#define BATCHES 8
/* How many datagrams before its own a transfer is fetched from memory. */
#define AHEAD 3
/* Turns that a socket gets on top before timers run. */
#define RESTS 16

void
tftp_send_error(struct port *port, const struct udp_path *path, enum tftp_code code,
	const char *text)
{
	uint8_t packet[TFTP_CONTROL_MAX];
	size_t len = tftp_put_error(packet, sizeof(packet), code, text);

	udp_send(port->fd, path, packet, len);
}

static void
drop(const struct udp_dgram *dgram, const char *why)
{
	log_drop(NULL, "tftp", why, PEER("peer", &dgram->path.peer),
		NUM("bytes", dgram->len));
}

/*
 * RFC 1350 §4: a packet from elsewhere gets an ERROR; an ERROR never does. It should come
 * from where that packet was sent to. A port at all of our addresses is not told where
 * (udp_learn_local()), so it asks for that: the client says its packet again.
 */
static void
on_stranger(struct port *port, const struct udp_dgram *dgram, const struct tftp_pkt *pkt)
{
	struct listener *l = port->listener;
	bool for_requests = port == &l->request;

	drop(dgram, "no such transfer");
	if (pkt->op == TFTP_ERROR || (for_requests && !listener_is_single_port(l)))
		return;
	/* First: who hears the ERROR may say it again before we are through. */
	if (!for_requests && !l->is_at_one_address)
		udp_learn_local(port->fd, netaddr_is_wildcard(&dgram->path.local));
	tftp_send_error(port, &dgram->path, TFTP_E_UNKNOWN_TID, "no such transfer");
}

static void
on_answer(struct port *port, const struct udp_dgram *dgram, const struct tftp_pkt *pkt,
	struct mono now)
{
	struct tftp_server *s = port->listener->server;
	struct transfer *t = table_find(&s->table, &dgram->path.peer, port);
	const char *why;

	if (t == NULL) {
		on_stranger(port, dgram, pkt);
		return;
	}
	if (t->is_queued)
		outbox_flush(&s->outbox);
	if (pkt->op == TFTP_ERROR)
		log_debug(t->label, "tftp-error", NUM("code", pkt->code),
			MEM("text", pkt->data, pkt->len));
	why = tftp_session_input(&t->session, pkt, now);
	if (why != NULL)
		log_drop(t->label, "tftp", why, PEER("peer", &t->path.peer),
			NUM("block", pkt->block));
	transfer_go_on(t, now);
}

static void
on_datagram(struct port *port, const struct udp_dgram *dgram, struct mono now)
{
	bool for_requests = port == &port->listener->request;
	struct tftp_pkt pkt;
	enum tftp_fault fault = tftp_parse(dgram->data, dgram->len, &pkt);

	if (dgram->to_many && port->listener->server->config.worker > 0)
		return; /* the first worker has it too */
	if (dgram->truncated)
		drop(dgram, "longer than it may be");
	else if (fault != TFTP_FINE) {
		drop(dgram, tftp_fault_text(fault));
		if (fault == TFTP_BAD_MODE && for_requests)
			tftp_send_error(port, &dgram->path, TFTP_E_ILLEGAL,
				tftp_fault_text(fault));
	} else if (pkt.op != TFTP_RRQ && pkt.op != TFTP_WRQ)
		on_answer(port, dgram, &pkt, now);
	else if (for_requests)
		tftp_on_request(port->listener, dgram, &pkt);
	else
		drop(dgram, "request on a transfer's port");
}

/*
 * Thousands of transfers do not stay in the caches. Those of the next datagrams are
 * fetched while this one is dealt with.
 */
static void
look_ahead(const struct table *table, const struct udp_batch *batch, int i, int n)
{
	struct netaddr peer;

	if (i + 2 * AHEAD < n) {
		peer = udp_batch_peer(batch, (unsigned)(i + 2 * AHEAD));
		table_expect_way(table, &peer);
	}
	if (i + AHEAD < n) {
		peer = udp_batch_peer(batch, (unsigned)(i + AHEAD));
		table_expect(table, &peer);
	}
}

bool
tftp_receive(struct port *port, struct udp_batch *batch)
{
	int n = udp_recv(port->fd, batch);
	struct mono now = loop_now(port->listener->server->config.loop);

	if (n < 0)
		log_error(NULL, "tftp-receive", STR("why", strerror(-n)));
	for (int i = 0; i < n; i++) {
		struct udp_dgram dgram = udp_batch_get(batch, (unsigned)i);

		look_ahead(&port->listener->server->table, batch, i, n);
		on_datagram(port, &dgram, now);
	}
	outbox_flush(&port->listener->server->outbox);
	return n == BATCH;
}

static void
on_readable(void *arg)
{
	struct port *port = arg;
	struct tftp_server *s = port->listener->server;
	bool for_requests = port == &port->listener->request;

	port->more = true;
	for (int i = 0; i < BATCHES && port->more; i++)
		port->more = tftp_receive(port, for_requests ? s->requests : s->answers);
}

/* The timers. */

static void
read_rest(struct port *port)
{
	for (int i = 0; i < RESTS && port->more; i++)
		on_readable(port);
}

/*
 * What lies in the sockets is read first: an ACK among it is no reason to send again.
 */
static void
on_tick(void *arg)
{
	struct tftp_server *s = arg;
	struct wheel_entry *due;
	struct mono now;

	for (unsigned i = 0; i < s->config.n_fds; i++)
		listener_each(&s->listeners[i], read_rest);
	now = loop_now(s->config.loop);
	while ((due = wheel_expire(&s->wheel, now)) != NULL)
		transfer_timeout(due, now);
	outbox_flush(&s->outbox);
	loop_timer_at(&s->tick, wheel_next(&s->wheel));
}

enum log_level
tftp_line_level(struct tftp_server *s, enum log_level level)
{
	return quota_level(&s->lines, "tftp-flood", level, loop_now(s->config.loop));
}

void
tftp_tick_by(struct tftp_server *s, struct mono at)
{
	at = mono_after(at, TICK);
	if (!s->tick.armed || at.us < s->tick.at.us)
		loop_timer_at(&s->tick, at);
}

static void
apply_defaults(struct tftp_config *c)
{
	if (c->max_transfers == 0)
		c->max_transfers = MAX_TRANSFERS / (c->workers ? c->workers : 1);
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
	wheel_init(&s->wheel, TICK, loop_now(config->loop));
	loop_timer_init(config->loop, &s->tick, on_tick, s);
	s->pacing.alarm.fd = -1;
	s->requests = udp_batch_new(BATCH, REQUEST_MAX);
	s->answers = udp_batch_new(BATCH, ANSWER_MAX);
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

	if (s == NULL || !s->requests || !s->answers || !s->listeners ||
		table_init(&s->table) < 0 || outbox_init(&s->outbox) < 0)
		err = -ENOMEM;
	if (err == 0 && config->pace != NULL)
		err = pacing_init(&s->pacing, config->loop, s);
	for (unsigned i = 0; err == 0 && i < config->n_fds; i++)
		err = listener_open(&s->listeners[i], on_readable);
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

void
tftp_server_free(struct tftp_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; s->table.buckets != NULL && i < s->table.n; i++)
		while (s->table.buckets[i] != NULL)
			transfer_shut_down(s->table.buckets[i]);
	for (unsigned i = 0; s->listeners != NULL && i < s->config.n_fds; i++)
		listener_close(&s->listeners[i]);
	loop_timer_del(&s->tick);
	pacing_deinit(&s->pacing);
	free(s->listeners);
	table_free(&s->table);
	outbox_free(&s->outbox);
	udp_batch_free(s->requests);
	udp_batch_free(s->answers);
	quota_end(&s->lines, "tftp-flood");
	free(s);
}
