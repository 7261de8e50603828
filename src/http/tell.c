#define _GNU_SOURCE /* memmem() */
#include "http/tell.h"

#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "boot/tell.h"
#include "machine/step.h"

/* Shorter replies are over in a moment: one event, no progress. */
#define LONG_REPLY (256 << 10)

/* As resolve() would call it. */
static const char *
name_in(const char *path)
{
	return path + strspn(path, "/");
}

void
http_tell_asked(const struct visit *v, const char *name)
{
	struct registry *r = v->site->registry;
	enum step step = step_of_name(name);
	struct teller teller;
	struct who who;

	if (r == NULL || v->req->method != METHOD_GET ||
		(step != STEP_MENU && step != STEP_SCRIPT))
		return;
	who = *v->who;
	identify_by_name(&who, name);
	teller_init(&teller, &who, v->peer);
	teller_query(&teller, v->req->query.p);
	registry_tell(r, &teller.who,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_HTTP,
			.arch = -1,
			.name = name_in(name),
			.by_menu = teller.by_menu});
}

bool
http_is_machine(const struct request *req)
{
	static const char browser[] = "Mozilla/";
	struct span agent = req->user_agent;

	return agent.p == NULL ||
	       memmem(agent.p, agent.len, browser, strlen(browser)) == NULL;
}

/* What the kernel had to send again, which is all a server sees of a bad cable. */
static void
count_segments(int fd, uint32_t *segments, uint32_t *resent)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	*segments = *resent = 0;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	*segments = info.tcpi_data_segs_out;
	*resent = info.tcpi_total_retrans;
}

static struct sighting
sighting_of(const struct who *client, const struct netaddr *peer, const char *name)
{
	struct who who = *client;
	struct teller teller;

	identify_by_name(&who, name);
	teller_init(&teller, &who, peer);
	return teller.who;
}

void
told_begin(struct told *t, struct registry *r, const struct exchange *x,
	const struct who *who, const struct netaddr *peer, int fd)
{
	const char *path = exchange_note(x, x->path);
	struct sighting s;

	*t = (struct told){.is_told = r != NULL && path != NULL};
	if (!t->is_told || x->left < LONG_REPLY)
		return;
	s = sighting_of(who, peer, path);
	count_segments(fd, &t->segments, &t->resent);
	t->progress = registry_transfer_begin(r, &s,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_HTTP,
			.arch = -1,
			.name = name_in(path),
			.total = x->left});
}

static enum event_kind
kind_of(const struct exchange *x, const char *cut)
{
	if (x->status == 404)
		return EV_MISSING;
	if (x->status >= 400)
		return EV_REFUSED;
	if (cut != NULL)
		return EV_FAILED;
	return x->method == METHOD_HEAD ? EV_PROBED : EV_SENT;
}

static struct event
end_of(const struct told *t, const struct exchange *x, const char *cut, int fd,
	struct mono now)
{
	const char *why = exchange_note(x, x->why);
	struct event e = {.kind = kind_of(x, cut),
		.via = VIA_HTTP,
		.arch = -1,
		.status = (uint16_t)x->status,
		.ms = (uint32_t)(mono_since(now, x->began) / 1000),
		.bytes = x->sent,
		.total = x->sent + x->left,
		.name = name_in(exchange_note(x, x->path)),
		.text = cut   ? cut
			: why ? why
			      : exchange_note(x, x->served)};

	if (t->progress != NULL) {
		count_segments(fd, &e.packets, &e.resent);
		e.resent -= t->resent;
		e.packets -= t->segments;
		e.packets -= e.packets > e.resent ? e.resent : e.packets;
	}
	return e;
}

void
told_end(struct told *t, struct registry *r, const struct exchange *x,
	const struct who *who, const struct netaddr *peer, const char *cut, int fd,
	struct mono now)
{
	struct event e;
	struct sighting s;

	if (!t->is_told)
		return;
	e = end_of(t, x, cut, fd, now);
	if (t->progress != NULL) {
		registry_transfer_end(r, t->progress, &e);
	} else {
		s = sighting_of(who, peer, e.name);
		registry_tell(r, &s, &e);
	}
	*t = (struct told){0};
}
