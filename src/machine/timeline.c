#define _GNU_SOURCE /* mempcpy() */
#include "machine/timeline.h"

#include <stdlib.h>
#include <string.h>

/* A mark every so many records, so that a reader's place is found by a short walk. */
#define MARK_EVERY 64
/* Of an event, and the bytes they take at most: 64 and 32 bits, seven in each. */
#define NUMBERS 5
#define NUMBERS_BYTES (2 * 10 + 3 * 5)

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
	timeline_at(t, t->tail)->size = (uint16_t)rest;
	if (rest >= sizeof(struct record))
		timeline_at(t, t->tail)->seq = 0;
	t->used += rest;
	t->tail = 0;
}

static uint16_t
length(const char *text, size_t max)
{
	return text ? (uint16_t)strnlen(text, max) : 0;
}

static uint8_t
addr_len(const struct netaddr *a)
{
	return a->sa.sa_family == AF_INET ? 4 : a->sa.sa_family == AF_INET6 ? 16 : 0;
}

static uint8_t *
put_addr(uint8_t *p, const struct netaddr *a)
{
	if (a->sa.sa_family == AF_INET)
		return mempcpy(p, &a->v4.sin_addr, 4);
	if (a->sa.sa_family == AF_INET6)
		return mempcpy(p, &a->v6.sin6_addr, 16);
	return p;
}

/*
 * In LEB128: seven bits a byte, the lowest first, the eighth says that more follow. An
 * event has few of them, and small ones; zeros at the end are left out. How many bytes.
 */
static uint8_t
put_numbers(uint8_t out[static NUMBERS_BYTES], const struct event *e)
{
	const uint64_t numbers[NUMBERS] = {
		e->total, e->bytes, e->packets, e->ms, e->resent};
	uint8_t *p = out;
	size_t n = NUMBERS;

	while (n > 0 && numbers[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = numbers[i];

		for (; v > 0x7f; v >>= 7)
			*p++ = (uint8_t)(v | 0x80);
		*p++ = (uint8_t)v;
	}
	return (uint8_t)(p - out);
}

static void
get_numbers(const uint8_t *p, size_t len, uint64_t numbers[static NUMBERS])
{
	const uint8_t *end = p + len;

	for (int i = 0; i < NUMBERS; i++) {
		numbers[i] = 0;
		for (int shift = 0; p < end; shift += 7) {
			numbers[i] |= (uint64_t)(*p & 0x7f) << shift;
			if ((*p++ & 0x80) == 0)
				break;
		}
	}
}

static uint8_t *
put_string(uint8_t *p, const char *text, size_t len)
{
	if (len == 0)
		return p;
	p = mempcpy(p, text, len);
	*p++ = '\0';
	return p;
}

static struct record
header(const struct event *e, uint32_t owner)
{
	return (struct record){.owner = owner,
		.next = RECORD_NONE,
		.name_len = length(e->name, RECORD_NAME_MAX),
		.text_len = length(e->text, RECORD_TEXT_MAX),
		.arch = e->arch,
		.wall_ms = e->wall_ms,
		.boot = e->boot,
		.status = e->status,
		.mac = e->mac,
		.kind = (uint8_t)e->kind,
		.via = (uint8_t)e->via,
		.addr_len = addr_len(&e->addr)};
}

/* Of 0 bytes there is no NUL either. */
static size_t
size_of(const struct record *rec)
{
	size_t size = sizeof(*rec) + rec->addr_len + rec->numbers_len;

	size += rec->name_len ? rec->name_len + 1u : 0;
	size += rec->text_len ? rec->text_len + 1u : 0;
	return (size + 7) & ~(size_t)7;
}

/* Where `size` bytes in a row are free. */
static uint32_t
place(struct timeline *t, size_t size)
{
	uint32_t at;

	if (t->size - t->tail < size)
		skip_to_start(t);
	make_room(t, size);
	at = t->tail;
	t->used += size;
	t->tail = (uint32_t)((t->tail + size) % t->size);
	return at;
}

uint32_t
timeline_append(struct timeline *t, uint32_t owner, struct event *e)
{
	struct record rec = header(e, owner);
	uint8_t numbers[NUMBERS_BYTES], *p;
	uint32_t at;

	rec.numbers_len = put_numbers(numbers, e);
	rec.size = (uint16_t)size_of(&rec);
	at = place(t, rec.size);
	rec.seq = e->seq = ++t->newest;
	*timeline_at(t, at) = rec;
	p = put_addr(timeline_at(t, at)->rest, &e->addr);
	p = mempcpy(p, numbers, rec.numbers_len);
	p = put_string(p, e->name, rec.name_len);
	put_string(p, e->text, rec.text_len);
	if (e->seq % MARK_EVERY == 0)
		t->marks[e->seq / MARK_EVERY % t->n_marks] = at;
	return at;
}

static struct netaddr
get_addr(const struct record *rec)
{
	struct netaddr a = {0};

	if (rec->addr_len == 4) {
		a.v4.sin_family = AF_INET;
		memcpy(&a.v4.sin_addr, rec->rest, 4);
	} else if (rec->addr_len == 16) {
		a.v6.sin6_family = AF_INET6;
		memcpy(&a.v6.sin6_addr, rec->rest, 16);
	}
	return a;
}

struct event
record_event(const struct record *rec)
{
	const uint8_t *numbers = rec->rest + rec->addr_len;
	const char *name = (const char *)numbers + rec->numbers_len;
	const char *text = name + (rec->name_len ? rec->name_len + 1 : 0);
	uint64_t n[NUMBERS];

	get_numbers(numbers, rec->numbers_len, n);
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
		.total = n[0],
		.bytes = n[1],
		.packets = (uint32_t)n[2],
		.ms = (uint32_t)n[3],
		.resent = (uint32_t)n[4],
		.name = rec->name_len ? name : NULL,
		.text = rec->text_len ? text : NULL,
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
