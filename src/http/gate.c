#define _GNU_SOURCE
#include "http/gate.h"

#include <nettle/memops.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* So many wrong tokens are taken for mistakes; after that one a second is looked at. */
#define MISTAKES 10

static const struct refusal come_in = {0};

void
gate_init(struct gate *g, const char *token, const char *names)
{
	memset(g, 0, sizeof(*g));
	g->token = token ? token : "";
	g->names = names ? names : "";
	if (gethostname(g->own_name, sizeof(g->own_name) - 1) < 0)
		g->own_name[0] = '\0';
	pthread_mutex_init(&g->lock, NULL);
}

void
gate_deinit(struct gate *g)
{
	quota_end(&g->lines, "api-flood");
	pthread_mutex_destroy(&g->lock);
}

/* Host: without its port, and without the dot that ends a whole name. */
static struct span
host_name(struct span host)
{
	const char *colon = memrchr(host.p, ':', host.len);

	if (colon != NULL)
		host.len = (size_t)(colon - host.p);
	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	return host;
}

static bool
is_listed(struct span name, const char *list)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ",");

		if (n == name.len && strncasecmp(list, name.p, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* "boot" and "boot.example.net" are one host, whichever of them it calls itself. */
static bool
is_own_name(struct span name, const char *own)
{
	size_t all = strlen(own), first = strcspn(own, ".");

	return all > 0 &&
	       ((name.len == all && strncasecmp(own, name.p, all) == 0) ||
		       (name.len == first && strncasecmp(own, name.p, first) == 0));
}

bool
gate_host_is_ours(const struct gate *g, const struct request *req)
{
	struct netaddr literal;
	struct span name;

	if (req->host.p == NULL || req->host.len == 0)
		return true; /* HTTP/1.0; every browser sends one */
	if (request_host(req, &literal))
		return true;
	name = host_name(req->host);
	return span_is(name, "localhost") || is_own_name(name, g->own_name) ||
	       is_listed(name, g->names);
}

/* "http://HOST", HOST as in Host:; a proxy before us may have spoken https. */
static bool
is_own_origin(struct span origin, struct span host)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(schemes[i]);

		if (origin.len == n + host.len && host.len > 0 &&
			strncasecmp(origin.p, schemes[i], n) == 0 &&
			strncasecmp(origin.p + n, host.p, host.len) == 0)
			return true;
	}
	return false;
}

struct refusal
gate_read(struct gate *g, const struct visit *v)
{
	const struct request *req = v->req;

	if (v->control)
		return come_in;
	if (!gate_host_is_ours(g, req))
		return (struct refusal){403,
			"this server does not know itself by that name; use its address, "
			"or start pixie with --host-name",
			0};
	if (req->origin.p != NULL && !is_own_origin(req->origin, req->host))
		return (struct refusal){403, "a page of another site asks", 0};
	if (req->fetch_site.p != NULL && !span_is(req->fetch_site, "same-origin") &&
		!span_is(req->fetch_site, "none"))
		return (struct refusal){403, "a page of another site asks", 0};
	return come_in;
}

/* One guesser may have a whole IPv6 network of addresses. */
static struct guesser *
guesser_of(struct gate *g, const struct netaddr *peer)
{
	struct netaddr host = *peer;
	struct guesser *who;

	netaddr_set_port(&host, 0);
	if (host.sa.sa_family == AF_INET6)
		memset(host.v6.sin6_addr.s6_addr + 8, 0, 8);
	who = &g->guessers[netaddr_hash(&host) % GATE_GUESSERS];
	if (!netaddr_same_host(&who->host, &host))
		*who = (struct guesser){.host = host};
	return who;
}

static void
forgive(struct guesser *who, time_t now)
{
	time_t since = now > who->at ? now - who->at : 0;

	who->wrong -= since < (time_t)who->wrong ? (unsigned)since : who->wrong;
	who->at = now;
}

static bool
is_token(const struct gate *g, struct span authorization)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1, len = strlen(g->token);

	return authorization.p != NULL && authorization.len == n + len &&
	       strncasecmp(authorization.p, scheme, n) == 0 &&
	       memeql_sec(authorization.p + n, g->token, len);
}

/* Under the lock. An address that guesses is not told when it is right, either. */
static struct refusal
ask_token(struct gate *g, const struct visit *v)
{
	struct guesser *who = guesser_of(g, v->peer);

	forgive(who, v->now);
	if (who->wrong >= MISTAKES)
		return (struct refusal){
			429, "too many wrong tokens from your address", 5};
	if (is_token(g, v->req->authorization))
		return come_in;
	if (v->req->authorization.p != NULL)
		who->wrong++;
	return (struct refusal){401, "changes need 'Authorization: Bearer TOKEN'", 0};
}

struct refusal
gate_change(struct gate *g, const struct visit *v)
{
	struct refusal no = gate_read(g, v);

	if (no.status != 0 || v->control)
		return no;
	if (*g->token == '\0')
		return (struct refusal){
			403, "no changes over TCP: pixie runs without --admin-token", 0};
	pthread_mutex_lock(&g->lock);
	no = ask_token(g, v);
	pthread_mutex_unlock(&g->lock);
	return no;
}

void
gate_log(struct gate *g, const struct visit *v, const struct refusal *no)
{
	enum log_level level;

	pthread_mutex_lock(&g->lock);
	level = quota_level(&g->lines, "api-flood", LEVEL_WARNING, mono_now());
	pthread_mutex_unlock(&g->lock);
	LOG_AT(level, NULL, "api-refused", NUM("status", no->status),
		PEER("peer", v->peer), STR("why", no->why));
}
