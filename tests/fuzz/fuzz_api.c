/*
 * A whole request, as a stranger may send it, through the routes to the API's answer:
 * path, query, rights and JSON body. Every answer is JSON, text or a stream, and an
 * error says why.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "http/api.h"
#include "http/conn.h"
#include "http/later.h"
#include "http/route.h"
#include "http/stream.h"
#include "sys/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct site site = {.scripts = "/nonexistent"};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_json(const char *text, size_t len)
{
	json_error_t error;
	json_t *value = json_loadb(text, len, 0, &error);

	require(json_is_object(value));
	json_decref(value);
}

static void
check(const struct request *req, struct reply *r)
{
	if (r->later != NULL) {
		struct later *later = r->later;

		memset(r, 0, sizeof(*r));
		later->fill(later, r);
	}
	require(r->status >= 200 && r->status < 600);
	if (r->type != NULL && strcmp(r->type, "application/json") == 0)
		check_json(r->text, r->text_len);
	if (r->stream != NULL) {
		size_t len;

		require(req->method == METHOD_GET);
		free(r->stream->more(r->stream, &len, mono_now()));
	}
	reply_done(r);
}

static void
ask(struct api *api, struct loop *loop, struct request *req, bool control)
{
	struct netaddr peer = {0};
	struct visit v = {.site = &site,
		.api = api,
		.loop = loop,
		.req = req,
		.peer = &peer,
		.control = control};
	struct reply r = {0};

	route_answer(&v, &r);
	check(req, &r);
	loop_stop(loop); /* what was posted is given back */
	loop_run(loop);
}

/* The first byte: which way it came. Then the head; what follows it is the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct registry *registry;
	static struct loop *loop;
	static char head[HEAD_MAX + 4096];
	struct api *api;
	struct scan scan = {0};
	struct request req = {0};
	size_t head_len = 0, len = size ? size - 1 : 0;

	if (registry == NULL) {
		registry = registry_new(&(struct registry_config){.machines_max = 64});
		loop = loop_new();
	}
	if (size == 0 || len > sizeof(head))
		return 0;
	memcpy(head, data + 1, len);
	if (request_scan(&scan, head, len, &head_len, &req) != SCAN_HEAD)
		return 0;
	request_parse(&req, head, head_len, &scan);
	if (req.bad == 0 && strncmp(req.path.p, "/api/", 5) != 0)
		return 0;
	if (len > head_len && len - head_len <= BODY_KEPT_MAX)
		req.body = (struct span){head + head_len, len - head_len};
	api = api_new(&(struct api_options){.registry = registry,
		.site = &site,
		.version = "fuzz",
		.token = "0123456789abcdef",
		.in_place = true});
	ask(api, loop, &req, data[0] & 1);
	api_free(api);
	return 0;
}
