#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "boot/identify.h"
#include "tftp/engine.h"
#include "tftp/tell.h"

/* UDP header, TFTP header, and the IP header without options. */
#define OVERHEAD_V4 (20 + 8 + TFTP_HEAD)
#define OVERHEAD_V6 (40 + 8 + TFTP_HEAD)

/* A datagram with a request, and who sent it. */
struct ask {
	struct listener *listener;
	const struct udp_dgram *dgram;
	const struct tftp_request *req;
	struct who who;
};

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
		.paced = s->config.pace != NULL,
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

/* Begins to send `content`, whose reference it takes over. */
static void
begin(struct ask *ask, struct content *content, const char *name)
{
	struct listener *l = ask->listener;
	struct tftp_server *s = l->server;
	const struct udp_path *path = &ask->dgram->path;
	struct tftp_terms terms = terms_for(s, path, ask->req);
	struct port *port = listener_pick(l, &path->peer);
	struct transfer *t = transfer_new(port, path, ask->who.label, name), *old;
	struct mono now = loop_now(s->config.loop);

	if (t == NULL) {
		content_unref(content);
		log_error(ask->who.label, "tftp-failed", STR("why", "out of memory"));
		return;
	}
	if ((old = table_find(&s->table, &path->peer, port)) != NULL)
		transfer_free(old);
	t->started = now;
	t->request = fnv1a(ask->dgram->data, ask->dgram->len);
	tftp_session_open(&t->session, ask->req, content, &terms, now);
	transfer_enter(t);
	tftp_tell_begun(t, s->config.site->registry, &ask->who);
	if (tftp_session_rolls_over(&t->session))
		log_debug(t->label, "tftp-rollover", STR("name", name),
			NUM("blksize", t->session.blksize));
	transfer_go_on(t, now);
}

static void
refuse_at(enum log_level level, const struct ask *ask, enum tftp_code code,
	const char *text)
{
	const struct udp_path *path = &ask->dgram->path;

	level = tftp_line_level(ask->listener->server, level);
	LOG_AT(level, ask->who.label, "tftp-refused",
		MEM("name", ask->req->name, ask->req->len), PEER("peer", &path->peer),
		STR("why", text));
	tftp_send_error(listener_pick(ask->listener, &path->peer), path, code, text);
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
		.reached = ask->dgram->path.local,
		.who = &ask->who,
		.peer = &ask->dgram->path.peer};
	const struct site *site = ask->listener->server->config.site;
	struct resolution r;

	resolve(site, &asked, &r);
	if (r.kind != RESOLVED_CONTENT && r.kind != RESOLVED_BUSY)
		tftp_tell_refused(site->registry, &ask->who, &ask->dgram->path.peer, &r);
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

	if (*table_host(&s->table, &ask->dgram->path.peer) >= s->config.max_per_host) {
		refuse(ask, TFTP_E_UNDEFINED, "too many transfers to this address");
		return false;
	}
	if (s->live < s->config.max_transfers)
		return true;
	drop_for_now(ask, "all transfers are taken");
	return false;
}
/*
 * The client's running transfer. Its last ACK may still lie unread in its own
 * port although the client sent it before this request.
 */
static struct transfer *
still_running(struct listener *l, const struct netaddr *peer)
{
	struct transfer *t = table_find_running(&l->server->table, peer, l);

	if (t == NULL || t->port == &l->request)
		return t;
	tftp_receive(t->port, l->server->answers);
	return table_find_running(&l->server->table, peer, l);
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
		outbox_flush(&t->port->listener->server->outbox);
	now = loop_now(ask->listener->server->config.loop);
	if (t->request == fnv1a(d->data, d->len) &&
		tftp_session_repeat(&t->session, now) == TFTP_REPEAT_ABSORBED) {
		transfer_go_on(t, now);
		return true;
	}
	tftp_session_abort(&t->session, TFTP_REPLACED, now);
	transfer_go_on(t, now);
	return false;
}

void
tftp_on_request(
	struct listener *l, const struct udp_dgram *dgram, const struct tftp_pkt *pkt)
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
