#define _GNU_SOURCE
#include "http/feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "http/shape.h"

#define FRAMES 2048
#define BATCH 64
#define BATCH_TEXT (64 * 1024)
#define PROGRESS_EVERY MONO_MS(250)
#define PROGRESS_MAX 256 /* transfers shown; the rest is counted */

/* One event as it goes out. */
struct frame {
	uint64_t seq; /* 0: none */
	char *text;
	size_t len;
};

struct feed {
	pthread_mutex_t lock;
	struct registry *registry;
	struct frame frames[FRAMES]; /* by seq */
	struct event batch[BATCH];
	char batch_text[BATCH_TEXT];
	struct mono progress_at; /* when it was made */
	uint64_t version;
	bool idle;
	char *progress;
	size_t progress_len;
};

struct feed *
feed_new(struct registry *registry)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->registry = registry;
	f->idle = true;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < FRAMES; i++)
		free(f->frames[i].text);
	free(f->progress);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void
text_add(struct text *t, const char *p, size_t len)
{
	size_t cap = t->cap ? t->cap : 1024;
	char *grown;

	while (cap < t->len + len)
		cap *= 2;
	if (!t->bad && cap != t->cap) {
		grown = realloc(t->p, cap);
		t->bad = grown == NULL;
		t->p = grown ? grown : t->p;
		t->cap = grown ? cap : t->cap;
	}
	if (t->bad)
		return;
	memcpy(t->p + t->len, p, len);
	t->len += len;
}

/* "id: 7\nevent: sent\ndata: {…}\n\n"; JSON has no line breaks of its own. */
static void
make_frame(struct frame *to, const struct event *e)
{
	json_t *json = shape_event(e);
	char *data = json_dumps(json, JSON_COMPACT), *text = NULL;
	int n = data ? asprintf(&text, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", e->seq,
			       event_kind_text(e->kind), data)
		     : -1;

	json_decref(json);
	free(data);
	free(to->text);
	*to = (struct frame){0};
	if (n > 0)
		*to = (struct frame){e->seq, text, (size_t)n};
}

static void
add_lost(struct text *out, uint64_t lost)
{
	char text[80];
	int n = snprintf(text, sizeof(text),
		"event: lost\ndata: {\"lost\":%" PRIu64 "}\n\n", lost);

	text_add(out, text, (size_t)n);
}

/* Reads on in the ring; false when there is nothing. */
static bool
load(struct feed *f, uint64_t *cursor, struct text *out)
{
	uint64_t at = *cursor, lost = 0;
	size_t n = registry_events(f->registry, &at, NULL, f->batch, BATCH, f->batch_text,
		BATCH_TEXT, &lost);

	if (lost > 0)
		add_lost(out, lost);
	for (size_t i = 0; i < n; i++)
		make_frame(&f->frames[f->batch[i].seq % FRAMES], &f->batch[i]);
	*cursor = n > 0 ? f->batch[0].seq - 1 : at;
	return n > 0;
}

void
feed_events(struct feed *f, uint64_t *cursor, struct text *out, size_t most)
{
	pthread_mutex_lock(&f->lock);
	while (out->len < most && !out->bad) {
		const struct frame *next = &f->frames[(*cursor + 1) % FRAMES];

		if (next->seq == *cursor + 1) {
			text_add(out, next->text, next->len);
			++*cursor;
		} else if (!load(f, cursor, out) ||
			   f->frames[(*cursor + 1) % FRAMES].seq != *cursor + 1)
			break; /* the newest, or no memory for it */
	}
	pthread_mutex_unlock(&f->lock);
}

static char *
progress_json(struct registry *r, size_t *n)
{
	struct transfer_view *all = registry_transfers(r, NULL, n);
	size_t shown = *n < PROGRESS_MAX ? *n : PROGRESS_MAX;
	json_t *list = json_array(), *o = json_object();
	char *text;

	for (size_t i = 0; i < shown; i++)
		json_array_append_new(list, shape_transfer(&all[i]));
	json_object_set_new(o, "transfers", list);
	if (*n > shown)
		json_object_set_new(o, "more", json_integer((json_int_t)(*n - shown)));
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	free(all);
	return text;
}

/* A version is a change: a reader is not told twice of what stands still. */
static void
make_progress(struct feed *f)
{
	size_t n = 0;
	char *data = progress_json(f->registry, &n), *text = NULL;
	int len = data ? asprintf(&text, "event: progress\ndata: %s\n\n", data) : -1;

	free(data);
	if (len < 0)
		return;
	f->idle = n == 0;
	if (f->progress != NULL && strcmp(f->progress, text) == 0) {
		free(text);
		return;
	}
	free(f->progress);
	f->progress = text;
	f->progress_len = (size_t)len;
	f->version++;
}

struct progress_text
feed_progress(struct feed *f, uint64_t seen, struct text *out, struct mono now)
{
	struct progress_text made;

	pthread_mutex_lock(&f->lock);
	if (f->version == 0 || mono_since(now, f->progress_at) >= PROGRESS_EVERY) {
		f->progress_at = now;
		make_progress(f);
	}
	made = (struct progress_text){f->version, f->idle};
	if (f->version != seen && f->progress != NULL && !(seen == 0 && f->idle))
		text_add(out, f->progress, f->progress_len);
	pthread_mutex_unlock(&f->lock);
	return made;
}
