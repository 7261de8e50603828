#define _GNU_SOURCE
#include "http/frames.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "http/shape.h"

#define FRAMES 2048
#define BATCH 64
#define BATCH_TEXT (64 * 1024)
#define PROGRESS_MAX 256 /* transfers shown; the rest is counted */

/* One event as it goes out. */
struct frame {
	uint64_t seq; /* 0: none */
	char *text;
	size_t len;
};

struct frames {
	struct registry *registry;
	struct frame kept[FRAMES]; /* by seq */
	struct event batch[BATCH];
	char batch_text[BATCH_TEXT];
};

struct frames *
frames_new(struct registry *registry)
{
	struct frames *f = calloc(1, sizeof(*f));

	if (f != NULL)
		f->registry = registry;
	return f;
}

void
frames_free(struct frames *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < FRAMES; i++)
		free(f->kept[i].text);
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
load(struct frames *f, uint64_t *cursor, struct text *out)
{
	uint64_t at = *cursor, lost = 0;
	size_t n = registry_events(f->registry, &at, NULL, f->batch, BATCH, f->batch_text,
		BATCH_TEXT, &lost);

	if (lost > 0)
		add_lost(out, lost);
	for (size_t i = 0; i < n; i++)
		make_frame(&f->kept[f->batch[i].seq % FRAMES], &f->batch[i]);
	*cursor = n > 0 ? f->batch[0].seq - 1 : at;
	return n > 0;
}

void
frames_read(struct frames *f, uint64_t *cursor, struct text *out, size_t most)
{
	while (out->len < most && !out->bad) {
		const struct frame *next = &f->kept[(*cursor + 1) % FRAMES];

		if (next->seq == *cursor + 1) {
			text_add(out, next->text, next->len);
			++*cursor;
		} else if (!load(f, cursor, out) ||
			   f->kept[(*cursor + 1) % FRAMES].seq != *cursor + 1)
			break; /* the newest, or no memory for it */
	}
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

char *
progress_frame(struct registry *r, bool *idle)
{
	size_t n = 0;
	char *data = progress_json(r, &n), *text = NULL;
	int len = data ? asprintf(&text, "event: progress\ndata: %s\n\n", data) : -1;

	free(data);
	*idle = n == 0;
	return len < 0 ? NULL : text;
}
