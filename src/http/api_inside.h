/* What the files of the API share. */
#ifndef PIXIE_HTTP_API_INSIDE_H
#define PIXIE_HTTP_API_INSIDE_H

#include <jansson.h>

#include "boot/script_list.h"
#include "http/api.h"
#include "http/clerk.h"
#include "http/conn.h"
#include "http/gate.h"
#include "http/later.h"
#include "http/readers.h"

struct feed;

struct api {
	struct api_options o;
	struct gate gate;
	struct clerk *clerk;
	struct feed *feed;
	struct readers readers; /* of events, now */
	int64_t started_ms;
	struct mono started;
};

#define CALL_ID_MAX 128
#define CALL_QUERY_MAX 512

/* A request on its way to the clerk, and its answer on the way back. */
struct call {
	struct later later;
	struct task task;
	struct api *api;
	/*
	 * True: the answer is there. False: call_again() or call_finish() will be called,
	 * or was already, by another thread, and the call is not to be touched any more.
	 */
	bool (*answer)(struct call *call);
	bool control;
	char id[CALL_ID_MAX];
	char query[CALL_QUERY_MAX];
	char body[BODY_KEPT_MAX + 1];
	size_t body_len;
	struct mac mac;  /* state changes: of whom, */
	bool is_durable; /* and whether it is on disk */
	/* The answer: */
	int status;
	const char *type;
	char *text; /* malloc'ed */
	size_t len;
};

/* Gives it to the clerk. `id`: what the path names, shorter than CALL_ID_MAX. */
void call_begin(struct api *api, const struct visit *v, struct span id,
	bool (*answer)(struct call *call), struct reply *r);
/* In `answer`: the answer is this JSON (taken over) with this status. */
void call_json(struct call *call, int status, json_t *value);
__attribute__((format(printf, 3, 4))) void call_error(
	struct call *call, int status, const char *fmt, ...);
/* The answer is there: the loop is told. The call is not the caller's any more. */
void call_finish(struct call *call);
/* What it waited for is there: the clerk asks `answer` again. The same. */
void call_again(struct call *call);

/* The value of `name` in the query, %-decoded; false when it is not there. */
bool call_query(const struct call *call, const char *name, char *out, size_t cap);

/* One file each; they run in the clerk's thread. */
bool version_call(struct call *call);
bool machines_call(struct call *call);
bool machine_call(struct call *call);
bool forget_call(struct call *call);
bool state_call(struct call *call);
bool roms_call(struct call *call);
bool metrics_call(struct call *call);
/* In the loop. */
void events_answer(struct api *api, const struct visit *v, struct reply *r);

/* The machine that an {id} names: any spelling of a MAC, or an address. */
bool api_find(struct api *api, const char *id, struct machine_view *out);
/* The same, or the one that had the address last: to be shown, and not to be changed. */
bool api_look_up(struct api *api, const char *id, struct machine_view *out);
/* In memory, or forgotten there: what the database and the list of states know of it. */
bool api_machine_by_mac(struct api *api, const struct mac *mac, struct machine_view *out);
/* Its M, as it is now; `scripts` NULL: the directory is read. */
json_t *api_machine(
	struct api *api, const struct machine_view *m, const struct script_list *scripts);

/* Answers in the loop, in JSON. */
__attribute__((format(printf, 3, 4))) void api_refuse(
	struct reply *r, int status, const char *fmt, ...);

#endif
