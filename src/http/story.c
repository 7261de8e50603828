#include "http/story.h"

#include <stdlib.h>
#include <string.h>

#include "assets/asset.h"
#include "http/shape.h"
#include "machine/verdict.h"

/* A machine that boots in a loop all night; what is older is in the store. */
#define EVENTS_MAX 2000
#define TEXT_MAX (512 * 1024)
#define OLDER_MAX 500
#define LONG_AGO INT64_C(86400000) /* ms: as silent as it gets */

struct story {
	struct event *events;
	char *text;
	size_t n, text_len;
	uint64_t lost;
};

static size_t
read_some(
	struct api *api, const struct machine_view *m, uint64_t *cursor, struct story *s)
{
	struct event *to = s->events + s->n;
	size_t max = EVENTS_MAX - s->n, cap = TEXT_MAX - s->text_len;
	uint64_t lost = 0;
	size_t n;

	if (m->has_mac)
		n = registry_events(api->o.registry, cursor, &m->mac, to, max,
			s->text + s->text_len, cap, &lost);
	else
		n = registry_events_at(api->o.registry, cursor, &m->addr, to, max,
			s->text + s->text_len, cap, &lost);
	s->lost += lost;
	return n;
}

/* How far the strings of an event reach in the text. */
static size_t
end_of(const struct story *s, const struct event *e)
{
	const char *strings[] = {e->name, e->text};
	size_t end = s->text_len;

	for (int i = 0; i < 2; i++)
		if (strings[i] != NULL) {
			size_t at =
				(size_t)(strings[i] - s->text) + strlen(strings[i]) + 1;

			end = at > end ? at : end;
		}
	return end;
}

static void
read_ring(struct api *api, const struct machine_view *m, struct story *s)
{
	uint64_t cursor = 0;
	size_t n;

	while (s->n < EVENTS_MAX && (n = read_some(api, m, &cursor, s)) > 0)
		for (size_t i = 0; i < n; i++, s->n++)
			s->text_len = end_of(s, &s->events[s->n]);
}

/* What the ring has lost may be on disk; it goes in front. */
static void
read_older(struct api *api, const struct machine_view *m, struct story *s)
{
	uint64_t before = s->n ? (uint64_t)s->events[0].wall_ms : INT64_MAX;
	struct event *older = calloc(OLDER_MAX, sizeof(*older));
	size_t n;

	if (older == NULL || api->o.store == NULL || !m->has_mac) {
		free(older);
		return;
	}
	n = store_history(api->o.store, &m->mac, before, older, OLDER_MAX,
		s->text + s->text_len, TEXT_MAX - s->text_len);
	if (n > EVENTS_MAX - s->n)
		n = EVENTS_MAX - s->n;
	memmove(s->events + n, s->events, s->n * sizeof(*s->events));
	memcpy(s->events, older, n * sizeof(*older));
	s->n += n;
	s->lost -= n < s->lost ? n : s->lost;
	free(older);
}

/* ROMs fetched whole, newest first. */
static void
note_rom(struct earlier *before, const struct event *e)
{
	if (e->kind != EV_SENT || e->name == NULL || rom_find(e->name) == NULL)
		return;
	memmove(before->roms + 1, before->roms,
		(EARLIER_ROMS - 1) * sizeof(*before->roms));
	before->roms[0] = e->name;
	before->n_roms += before->n_roms < EARLIER_ROMS;
}

static void
note_boot(struct earlier *before, const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		note_rom(before, &events[i]);
		earlier_note_install(before, &events[i]);
	}
}

static json_t *
events_json(const struct event *events, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, shape_event(&events[i]));
	return list;
}

/*
 * Boots are numbered, and each begins with EV_BOOT unless the ring has lost that. Events
 * of no boot (a state was set) stand with the boot before them, else with the first.
 */
static size_t
run_length(const struct event *events, size_t n, uint32_t *boot)
{
	size_t i = 0;

	for (*boot = 0; i < n; i++) {
		if (*boot != 0 && events[i].boot != 0 &&
			(events[i].boot != *boot || events[i].kind == EV_BOOT))
			break;
		if (*boot == 0)
			*boot = events[i].boot;
	}
	return i;
}

/* When the boot itself began: its first event that is of it. */
static int64_t
began_ms(const struct event *events, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && events[i].boot == 0)
		i++;
	return events[i].wall_ms;
}

/* A boot that is over: its verdict is what the rules say of its events. */
static json_t *
past_boot(const struct event *events, size_t n, uint32_t number,
	const struct earlier *before)
{
	struct verdict v = {.outcome = "quiet"};
	json_t *b = json_object();
	bool said = verdict_of(events, n, before, LONG_AGO, &v);

	json_object_set_new(b, "number", json_integer(number));
	json_object_set_new(b, "began", shape_time(began_ms(events, n)));
	json_object_set_new(b, "ended", shape_time(events[n - 1].wall_ms));
	json_object_set_new(b, "outcome", shape_text(v.outcome));
	json_object_set_new(
		b, "verdict", said ? shape_verdict(v.code, v.text, v.next) : json_null());
	return b;
}

static json_t *
boots_json(const struct story *s, const struct machine_view *m)
{
	struct earlier before = {0};
	json_t *list = json_array();

	for (size_t at = 0, len; at < s->n; at += len) {
		const struct event *first = s->events + at;
		uint32_t boot;
		bool last;
		json_t *b;

		len = run_length(first, s->n - at, &boot);
		if (boot == 0)
			break; /* it was never seen to boot */
		last = at + len == s->n && boot == m->boot;
		b = last ? shape_boot(m) : past_boot(first, len, boot, &before);
		json_object_set_new(b, "events", events_json(first, len));
		json_array_append_new(list, b);
		note_boot(&before, first, len);
	}
	return list;
}

void
story_add(struct api *api, const struct machine_view *m, json_t *machine)
{
	struct story s = {.events = calloc(EVENTS_MAX, sizeof(*s.events)),
		.text = malloc(TEXT_MAX)};

	if (s.events != NULL && s.text != NULL) {
		read_ring(api, m, &s);
		read_older(api, m, &s);
	}
	json_object_set_new(machine, "boots", boots_json(&s, m));
	json_object_set_new(machine, "lost", json_integer((json_int_t)s.lost));
	free(s.events);
	free(s.text);
}
