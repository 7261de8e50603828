#define _GNU_SOURCE /* mempcpy() */
#include "machine/timeline.h"

#include <stdlib.h>
#include <string.h>

/* A mark every so many records, so that a reader's place is found by a short walk. */
#define MARK_EVERY 64

bool
timeline_init(struct timeline *t, size_t size)
{
	memset(t, 0, sizeof(*t));
	t->size = (size < 65536 ? 65536 : size) & ~(size_t)7;
	t->n_marks = t->size / sizeof(struct record) / MARK_EVERY + 2;
	t->ring = calloc(1, t->size);
	t->marks = calloc(t->n_marks, sizeof(*t->marks));
	t->oldest = 1;
	return t->ring != NULL && t->marks != NULL;
}

void
timeline_deinit(struct timeline *t)
{
	free(t->ring);
	free(t->marks);
	t->ring = NULL;
	t->marks = NULL;
}

size_t
timeline_memory(const struct timeline *t)
{
	return t->size + t->n_marks * sizeof(*t->marks);
}

struct record *
timeline_at(const struct timeline *t, uint32_t at)
{
	return (struct record *)(void *)(t->ring + at);
}

/* Of a filler too short to be a record only the size can be read. */
static bool
is_filler(const struct timeline *t, uint32_t at)
{
	return t->size - at < sizeof(struct record) || timeline_at(t, at)->seq == 0;
}

/* Gives the oldest record's bytes back. */
static void
evict(struct timeline *t)
{
	const struct record *old = timeline_at(t, t->head);

	if (!is_filler(t, t->head)) {
		t->oldest = old->seq + 1;
		if (t->evicted != NULL)
			t->evicted(t->arg, old, t->head);
	}
	t->used -= old->size;
	t->head = (uint32_t)((t->head + old->size) % t->size);
}

static void
make_room(struct timeline *t, size_t need)
{
	while (t->size - t->used < need)
		evict(t);
}

/* A filler where the record would stand across the end. */
static void
skip_to_start(struct timeline *t)
{
	size_t rest = t->size - t->tail;

	make_room(t, rest);
	timeline_at(t, t->tail)->size = (uint32_t)rest;
	if (rest >= sizeof(struct record))
		timeline_at(t, t->tail)->seq = 0;
	t->used += rest;
	t->tail = 0;
}

static size_t
length(const char *text, size_t max)
{
	return text ? strnlen(text, max) : 0;
}

static void
put_addr(struct record *rec, const struct netaddr *a)
{
	rec->addr_len = 0;
	if (a->sa.sa_family == AF_INET)
		memcpy(rec->addr, &a->v4.sin_addr, rec->addr_len = 4);
	else if (a->sa.sa_family == AF_INET6)
		memcpy(rec->addr, &a->v6.sin6_addr, rec->addr_len = 16);
}

static void
put_strings(struct record *rec, const struct event *e)
{
	char *p = rec->strings;

	if (rec->name_len)
		p = mempcpy(p, e->name, rec->name_len);
	*p++ = '\0';
	if (rec->text_len)
		p = mempcpy(p, e->text, rec->text_len);
	*p = '\0';
}

static void
fill(struct record *rec, const struct event *e)
{
	rec->boot = e->boot;
	rec->seq = e->seq;
	rec->wall_ms = e->wall_ms;
	rec->bytes = e->bytes;
	rec->total = e->total;
	rec->ms = e->ms;
	rec->resent = e->resent;
	rec->packets = e->packets;
	rec->arch = e->arch;
	rec->status = e->status;
	rec->mac = e->mac;
	rec->kind = (uint8_t)e->kind;
	rec->via = (uint8_t)e->via;
	put_addr(rec, &e->addr);
	put_strings(rec, e);
}

uint32_t
timeline_append(struct timeline *t, uint32_t owner, struct event *e)
{
	size_t name = length(e->name, RECORD_NAME_MAX),
	       text = length(e->text, RECORD_TEXT_MAX);
	size_t size = (sizeof(struct record) + name + text + 2 + 7) & ~(size_t)7;
	struct record *rec;
	uint32_t at;

	if (t->size - t->tail < size)
		skip_to_start(t);
	make_room(t, size);
	at = t->tail;
	rec = timeline_at(t, at);
	*rec = (struct record){.size = (uint32_t)size,
		.owner = owner,
		.next = RECORD_NONE,
		.name_len = (uint16_t)name,
		.text_len = (uint16_t)text};
	e->seq = ++t->newest;
	fill(rec, e);
	if (e->seq % MARK_EVERY == 0)
		t->marks[e->seq / MARK_EVERY % t->n_marks] = at;
	t->used += size;
	t->tail = (uint32_t)((t->tail + size) % t->size);
	return at;
}

static struct netaddr
get_addr(const struct record *rec)
{
	struct netaddr a = {0};

	if (rec->addr_len == 4) {
		a.v4.sin_family = AF_INET;
		memcpy(&a.v4.sin_addr, rec->addr, 4);
	} else if (rec->addr_len == 16) {
		a.v6.sin6_family = AF_INET6;
		memcpy(&a.v6.sin6_addr, rec->addr, 16);
	}
	return a;
}

struct event
record_event(const struct record *rec)
{
	return (struct event){
		.seq = rec->seq,
		.wall_ms = rec->wall_ms,
		.mac = rec->mac,
		.addr = get_addr(rec),
		.boot = rec->boot,
		.kind = (enum event_kind)rec->kind,
		.via = (enum transport)rec->via,
		.arch = rec->arch,
		.status = rec->status,
		.ms = rec->ms,
		.resent = rec->resent,
		.packets = rec->packets,
		.bytes = rec->bytes,
		.total = rec->total,
		.name = rec->name_len ? rec->strings : NULL,
		.text = rec->text_len ? rec->strings + rec->name_len + 1 : NULL,
	};
}

/* Past a filler, if one stands there. */
static uint32_t
past_filler(const struct timeline *t, uint32_t at)
{
	return is_filler(t, at) ? 0 : at;
}

uint32_t
timeline_next(const struct timeline *t, uint32_t at)
{
	const struct record *rec = timeline_at(t, at);

	if (rec->seq >= t->newest)
		return RECORD_NONE;
	return past_filler(t, (uint32_t)((at + rec->size) % t->size));
}

uint32_t
timeline_after(const struct timeline *t, uint64_t seq)
{
	uint64_t want = seq + 1 > t->oldest ? seq + 1 : t->oldest;
	uint64_t mark = want - want % MARK_EVERY;
	uint32_t at;

	if (want > t->newest)
		return RECORD_NONE;
	at = mark >= t->oldest && mark > 0 ? t->marks[mark / MARK_EVERY % t->n_marks]
					   : past_filler(t, t->head);
	while (timeline_at(t, at)->seq < want)
		at = timeline_next(t, at);
	return at;
}
