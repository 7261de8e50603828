/* A request for the API between the loop and the clerk. */
#include <stdlib.h>
#include <string.h>

#include "boot/name.h"
#include "http/api_inside.h"
#include "http/shape.h"

static const char json_media[] = "application/json";
/* Answers are of the moment, and are what they say they are. */
static const char fields[] = "Cache-Control: no-store\r\n"
			     "X-Content-Type-Options: nosniff\r\n";

void
call_json(struct call *call, int status, json_t *value)
{
	call->text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	call->status = status;
	call->type = json_media;
	if (call->text == NULL) {
		call_error(call, 503, "out of memory");
		return;
	}
	call->len = strlen(call->text);
}

/* {"error":"words"}, in REPLY_TEXT_MAX bytes. */
static size_t
error_text(char *out, const char *fmt, va_list ap)
{
	char words[REPLY_TEXT_MAX / 8];
	json_t *error = json_object();
	size_t n;

	vsnprintf(words, sizeof(words), fmt, ap);
	json_object_set_new(error, "error", shape_text(words));
	n = json_dumpb(error, out, REPLY_TEXT_MAX - 1, JSON_COMPACT);
	json_decref(error);
	if (n > REPLY_TEXT_MAX - 1)
		return 0;
	out[n++] = '\n';
	return n;
}

void
call_error(struct call *call, int status, const char *fmt, ...)
{
	va_list ap;

	call->status = status;
	call->type = json_media;
	free(call->text);
	call->text = malloc(REPLY_TEXT_MAX);
	va_start(ap, fmt);
	call->len = call->text ? error_text(call->text, fmt, ap) : 0;
	va_end(ap);
}

static void
put_fields(struct reply *r)
{
	r->is_quiet = true;
	r->fields = r->status == 401 ? "WWW-Authenticate: Bearer\r\n"
				       "Cache-Control: no-store\r\n"
				     : fields;
}

void
api_refuse(struct reply *r, int status, const char *fmt, ...)
{
	va_list ap;

	r->status = status;
	r->type = json_media;
	va_start(ap, fmt);
	r->text_len = error_text(r->text, fmt, ap);
	va_end(ap);
	put_fields(r);
}

bool
call_query(const struct call *call, const char *name, char *out, size_t cap)
{
	return name_from_query(call->query, name, out, cap);
}

/* In the loop. Errors are text of the reply, all else is content. */
static void
fill(struct later *later, struct reply *r)
{
	struct call *call = (struct call *)later;
	struct content *content = NULL;

	if (call->status < 300) {
		content = content_owned(call->text, call->len, call->type);
		call->text = NULL;
		if (content == NULL) {
			api_refuse(r, 503, "out of memory");
			return;
		}
		reply_whole(r, call->status, content);
	} else {
		r->status = call->status;
		r->type = call->type;
		r->text_len = call->len;
		if (call->len > 0)
			memcpy(r->text, call->text, call->len);
	}
	put_fields(r);
}

static void
release(struct later *later)
{
	struct call *call = (struct call *)later;

	free(call->text);
	free(call);
}

void
call_finish(struct call *call)
{
	later_ready(&call->later);
}

void
call_again(struct call *call)
{
	if (clerk_give_back(call->api->clerk, &call->task))
		return;
	call_error(call, 503, "pixie is being stopped");
	call_finish(call);
}

static void
run(struct task *task)
{
	struct call *call = (struct call *)((char *)task - offsetof(struct call, task));

	if (call->answer(call))
		call_finish(call);
}

/* Copies what the clerk needs; NULL: no memory. */
static struct call *
call_new(struct api *api, const struct visit *v, struct span id)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	later_init(&call->later, v->loop, fill, release);
	call->task.run = run;
	call->api = api;
	call->control = v->control;
	memcpy(call->id, id.p, id.len);
	snprintf(call->query, sizeof(call->query), "%s", v->req->query.p);
	if (v->req->body.p != NULL)
		memcpy(call->body, v->req->body.p, v->req->body.len);
	call->body_len = v->req->body.len;
	return call;
}

void
call_begin(struct api *api, const struct visit *v, struct span id,
	bool (*answer)(struct call *call), struct reply *r)
{
	struct call *call = id.len < CALL_ID_MAX ? call_new(api, v, id) : NULL;

	if (call != NULL) {
		call->answer = answer;
		if (clerk_give(api->clerk, &call->task)) {
			r->later = &call->later;
			return;
		}
		release(&call->later);
	}
	r->retry_after = 5;
	api_refuse(r, 503, "too much is being asked; try again in a moment");
}
