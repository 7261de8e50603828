#include "http/api.h"

#include <stdlib.h>
#include <string.h>

#include "base/wall.h"
#include "http/api_inside.h"
#include "http/feed.h"
#include "http/shape.h"

#define ROOT "/api/v1"

enum {
	GET = 1 << METHOD_GET | 1 << METHOD_HEAD,
	PUT = 1 << METHOD_PUT,
	DELETE = 1 << METHOD_DELETE,
};

/* What may be asked. "*" in a path is one part, the call's id. */
static const struct endpoint {
	const char *path;
	unsigned methods;
	bool (*answer)(struct call *call); /* NULL: events */
} endpoints[] = {
	{"/version", GET, version_call},
	{"/machines", GET, machines_call},
	{"/machines/*", GET, machine_call},
	{"/machines/*", DELETE, forget_call},
	{"/machines/*/state", PUT, state_call},
	{"/events", GET, NULL},
	{"/roms", GET, roms_call},
};
#define ENDPOINTS (sizeof(endpoints) / sizeof(*endpoints))

static const char *
allowed(unsigned methods)
{
	if (methods == (GET | DELETE))
		return "GET, HEAD, DELETE";
	return methods == PUT ? "PUT" : "GET, HEAD";
}

/* Whether `path` is of this form, and which part stands for the asterisk. */
static bool
fits(const char *form, const char *path, struct span *id)
{
	for (; *form != '\0'; form++) {
		if (*form == '*') {
			*id = (struct span){path, strcspn(path, "/")};
			path += id->len;
			if (id->len == 0)
				return false;
		} else if (*form != *path++)
			return false;
	}
	return *path == '\0';
}

static const struct endpoint *
endpoint_find(const char *path, enum method method, struct span *id, const char **allow)
{
	const struct endpoint *found = NULL;
	unsigned methods = 0;

	*id = (struct span){"", 0};
	for (size_t i = 0; i < ENDPOINTS; i++) {
		if (!fits(endpoints[i].path, path, id))
			continue;
		methods |= endpoints[i].methods;
		if (endpoints[i].methods & 1u << method)
			found = &endpoints[i];
	}
	*allow = methods ? allowed(methods) : NULL;
	return found;
}

static bool
is_json(struct span type)
{
	size_t n = 0;

	while (n < type.len && type.p[n] != ';' && type.p[n] != ' ')
		n++;
	return type.p != NULL && span_is((struct span){type.p, n}, "application/json");
}

/* A change says what it is in a body, which a form of another site cannot send. */
static bool
body_fits(const struct visit *v, const struct endpoint *e, struct reply *r)
{
	const struct request *req = v->req;

	if (e->methods != PUT)
		return true;
	if (!is_json(req->content_type))
		api_refuse(r, 415, "say 'Content-Type: application/json'");
	else if (req->expects && req->body.p == NULL && req->body_len > 0)
		api_refuse(r, 417, "send the body without waiting for leave");
	else if (req->body_len > BODY_KEPT_MAX)
		api_refuse(r, 413, "a body has at most %d bytes", BODY_KEPT_MAX);
	else
		return true;
	return false;
}

static void
refuse_entry(const struct visit *v, const struct refusal *no, struct reply *r)
{
	r->retry_after = no->retry_after;
	api_refuse(r, no->status, "%s", no->why);
	if (no->status == 401 || no->status == 429)
		gate_log(&v->api->gate, v, no);
}

void
api_answer(const struct visit *v, struct reply *r)
{
	const char *path = v->req->path.p + strlen(ROOT), *allow;
	struct span id;
	const struct endpoint *e;
	struct refusal no;

	if (v->api == NULL) {
		files_answer(v, r);
		return;
	}
	e = endpoint_find(path, v->req->method, &id, &allow);
	no = e && e->methods != GET ? gate_change(&v->api->gate, v)
				    : gate_read(&v->api->gate, v);
	if (no.status != 0)
		refuse_entry(v, &no, r);
	else if (e == NULL && allow == NULL)
		api_refuse(r, 404, "there is no " ROOT "%.200s", path);
	else if (e == NULL) {
		api_refuse(r, 405, "only %s", allow);
		r->allow = allow;
	} else if (id.len >= CALL_ID_MAX)
		api_refuse(r, 404, "that is no machine's name");
	else if (body_fits(v, e, r) && e->answer == NULL)
		events_answer(v->api, v, r);
	else if (r->status == 0)
		call_begin(v->api, v, id, e->answer, r);
}

bool
api_knows_host(const struct visit *v, struct reply *r)
{
	if (v->api == NULL || gate_host_is_ours(&v->api->gate, v->req))
		return true;
	reply_text(r, 403,
		"pixie does not know itself by the name '%.*s'. Use its address, or "
		"start it with --host-name.",
		(int)(v->req->host.len < 100 ? v->req->host.len : 100), v->req->host.p);
	return false;
}

void
metrics_answer(const struct visit *v, struct reply *r)
{
	if (v->api == NULL)
		files_answer(v, r);
	else
		call_begin(v->api, v, (struct span){"", 0}, metrics_call, r);
}

bool
api_machine_by_mac(struct api *api, const struct mac *mac, struct machine_view *out)
{
	struct machine_view was;
	bool stored;

	if (registry_machine(api->o.registry, mac, out)) {
		if (out->last_ms == 0 && store_machine(api->o.store, &out->mac, &was)) {
			out->first_ms = was.first_ms;
			out->last_ms = was.last_ms;
		}
		return true;
	}
	*out = (struct machine_view){0};
	stored = store_machine(api->o.store, mac, out);
	return registry_kept(api->o.registry, mac, out) || stored;
}

bool
api_find(struct api *api, const char *id, struct machine_view *out)
{
	struct netaddr addr;
	struct mac mac;

	if (mac_parse(id, strlen(id), &mac))
		return api_machine_by_mac(api, &mac, out);
	return netaddr_parse_host(id, &addr) &&
	       registry_machine_at(api->o.registry, &addr, out);
}

bool
api_look_up(struct api *api, const char *id, struct machine_view *out)
{
	struct netaddr addr;

	return api_find(api, id, out) ||
	       (netaddr_parse_host(id, &addr) &&
		       registry_machine_last_at(api->o.registry, &addr, out));
}

static json_t *
changes_by(const struct api *api)
{
	return json_string(*api->gate.token ? "token" : "socket");
}

static json_t *
store_state(const struct api *api)
{
	struct store_health health = {.ok = true};
	json_t *o = json_object();

	if (api->o.store != NULL)
		store_health(api->o.store, &health);
	json_object_set_new(o, "ok", json_boolean(health.ok));
	json_object_set_new(o, "why", shape_text(health.why));
	json_object_set_new(o, "path", shape_text(health.path));
	return o;
}

bool
version_call(struct call *call)
{
	struct api *api = call->api;
	json_t *o = json_object();

	json_object_set_new(o, "version", json_string(api->o.version));
	json_object_set_new(o, "api", json_integer(1));
	json_object_set_new(o, "started", shape_time(api->started_ms));
	json_object_set_new(o, "uptime",
		json_integer(mono_since(mono_now(), api->started) / MONO_S(1)));
	json_object_set_new(o, "changes", changes_by(api));
	json_object_set_new(o, "store", store_state(api));
	call_json(call, 200, o);
	return true;
}

struct api *
api_new(const struct api_options *options)
{
	struct api *api = calloc(1, sizeof(*api));

	if (api == NULL)
		return NULL;
	api->o = *options;
	gate_init(&api->gate, options->token, options->host_names);
	api->started = mono_now();
	api->started_ms = wall_ms();
	readers_init(&api->readers);
	api->clerk = options->in_place ? NULL : clerk_new();
	api->feed = feed_new(options->registry, api->clerk);
	if (api->feed != NULL && (api->clerk != NULL || options->in_place))
		return api;
	api_free(api);
	return NULL;
}

void
api_stop(struct api *api)
{
	if (api == NULL)
		return;
	clerk_end(api->clerk);
}

void
api_free(struct api *api)
{
	if (api == NULL)
		return;
	api_stop(api);
	feed_free(api->feed);
	gate_deinit(&api->gate);
	readers_deinit(&api->readers);
	clerk_free(api->clerk);
	free(api);
}
