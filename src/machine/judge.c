/* The second hand: transfers sampled, silences looked at, verdicts told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "machine/inside.h"

/* Machines looked at before others may have the lock. */
#define AT_A_TIME 16
/* Events of a long boot that are judged: how it began, and how it ended. */
#define FIRST_EVENTS 64
#define STALLED_AFTER MONO_S(15)
#define WORDS_MAX 1024

/* A verdict may change when a silence has become this long (seconds). */
static const int looks[] = {0, 3, 6, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600};
#define LOOKS (sizeof(looks) / sizeof(*looks))

/* The boot's events into r->story: the first and the last, if there are too many. */
static size_t
gather(struct registry *r, const struct machine *m)
{
	size_t room = sizeof(r->story) / sizeof(*r->story), all = 0, i = 0, n = 0;

	for (uint32_t at = m->boot_first; at != RECORD_NONE;
		at = timeline_at(&r->timeline, at)->next)
		all += timeline_at(&r->timeline, at)->boot == m->boot;
	for (uint32_t at = m->boot_first; at != RECORD_NONE && n < room;
		at = timeline_at(&r->timeline, at)->next) {
		const struct record *rec = timeline_at(&r->timeline, at);

		if (rec->boot != m->boot)
			continue;
		if (all <= room || i < FIRST_EVENTS || i >= all - (room - FIRST_EVENTS))
			r->story[n++] = record_event(rec);
		i++;
	}
	return n;
}

static void
put_who(char *who, size_t cap, const struct machine *m)
{
	char text[NETADDR_TEXT];

	if (m->n_macs)
		snprintf(who, cap, "%s", mac_text(&m->mac, text));
	else
		snprintf(who, cap, "%s", netaddr_host(&m->addr, text));
}

/* The log gets it later: nothing is written while the lock is held. */
static void
say(struct registry *r, const struct machine *m, const struct verdict *v)
{
	struct word *w = r->n_words < WORDS_MAX ? malloc(sizeof(*w)) : NULL;

	if (w == NULL) {
		r->unsaid++;
		return;
	}
	put_who(w->who, sizeof(w->who), m);
	w->verdict = *v;
	STAILQ_INSERT_TAIL(&r->words, w, entry);
	r->n_words++;
}

static bool
is_other(const struct past *p, const struct verdict *v)
{
	return p == NULL || p->code == NULL || strcmp(p->code, v->code) != 0 ||
	       strcmp(p->outcome, v->outcome) != 0;
}

void
machine_keep_verdict(struct registry *r, struct machine *m, const struct verdict *v)
{
	struct past *p = machine_past(r, m);

	if (p == NULL)
		return;
	p->code = v->code;
	p->outcome = v->outcome;
	texts_set(&r->texts, &p->text, v->text, sizeof(v->text));
	texts_set(&r->texts, &p->next, v->next, sizeof(v->next));
}

/* As far as the ring has them. */
static void
note_installs(const struct registry *r, const struct machine *m, struct earlier *before)
{
	for (uint32_t at = m->first; at != RECORD_NONE && at != m->boot_first;
		at = timeline_at(&r->timeline, at)->next) {
		struct event e = record_event(timeline_at(&r->timeline, at));

		earlier_note_install(before, &e);
	}
}

/* What is known of the boots before the one whose `n` events are gathered. */
static struct earlier
boots_before(const struct registry *r, const struct machine *m, size_t n)
{
	struct earlier before = {0};

	while (m->past != NULL && before.n_roms < EARLIER_ROMS &&
		m->past->roms[before.n_roms] != NULL) {
		before.roms[before.n_roms] = m->past->roms[before.n_roms];
		before.n_roms++;
	}
	for (size_t i = 0; i < n; i++)
		if (event_is_install(&r->story[i])) {
			note_installs(r, m, &before);
			break;
		}
	return before;
}

static void
told(struct registry *r, struct machine *m, const struct verdict *v)
{
	struct event e = {
		.kind = EV_VERDICT, .arch = -1, .name = v->code, .text = v->text};
	bool is_news = is_other(m->past, v);

	m->outcome = v->outcome;
	machine_keep_verdict(r, m, v);
	if (!is_news || !machine_may(r, m))
		return;
	tally_verdict(&r->tally, v->outcome, v->code, registry_wall(r) - m->boot_ms);
	machine_append(r, m, &e, m->boot);
	say(r, m, v);
}

void
machine_judge(struct registry *r, struct machine *m, int64_t silent_ms)
{
	struct earlier before;
	struct verdict v;
	size_t n;

	machine_flush_like(r, m);
	n = gather(r, m);
	if (n == 0) /* the ring went round: what was said stands */
		return;
	before = boots_before(r, m, n);
	if (verdict_of(r->story, n, &before, silent_ms, &v)) {
		told(r, m, &v);
	} else {
		if (m->past != NULL)
			m->past->code = NULL;
		m->outcome = "running";
	}
	if (strcmp(m->outcome, "running") != 0 && m->boot_end_ms == 0)
		m->boot_end_ms = registry_wall(r) - (silent_ms < 3600000 ? silent_ms : 0);
}

/* Nothing for ten minutes: over, whatever it was. */
static void
close_boot(struct registry *r, struct machine *m)
{
	if (strcmp(m->outcome, "running") == 0)
		m->outcome = "quiet";
	if (m->boot_end_ms == 0)
		m->boot_end_ms = m->last_ms;
	machine_shut(r, m);
}

static void
look_at(struct registry *r, struct machine *m)
{
	int64_t silent_ms = mono_since(registry_now(r), m->heard) / 1000;

	if (m->looked >= LOOKS || silent_ms < (int64_t)looks[m->looked] * 1000)
		return;
	while (m->looked < LOOKS && silent_ms >= (int64_t)looks[m->looked] * 1000)
		m->looked++;
	machine_judge(r, m, silent_ms);
	if (m->looked == LOOKS && m->transfers == 0)
		close_boot(r, m);
}

/* Transfers. */

static void
tell_stalled(struct registry *r, struct transfer *t, struct machine *m)
{
	struct event e = {.kind = EV_STALLED,
		.via = (enum transport)t->via,
		.arch = -1,
		.bytes = t->bytes,
		.total = t->p.total,
		.name = t->name};

	t->is_stalled = true;
	if (t->boot == 0 || t->boot != m->boot)
		return;
	machine_append(r, m, &e, t->boot);
	m->looked = 0;
}

static void
sample(struct registry *r, struct transfer *t, struct mono now)
{
	uint64_t bytes = atomic_load_explicit(&t->p.bytes, memory_order_relaxed);
	int64_t us = mono_since(now, mono_later(r->sampled, t->began));
	struct machine *m = t->slot == SLOT_NONE ? NULL : &r->slots[t->slot];
	bool moved = bytes != t->bytes;

	if (us > 0)
		t->rate = bytes > t->bytes ? (bytes - t->bytes) * 1000000 / (uint64_t)us
					   : 0;
	t->bytes = bytes;
	if (moved) {
		t->moved = now;
		t->is_stalled = false;
	}
	if (moved && m != NULL) {
		m->heard = now;
		m->last_ms = registry_wall(r);
		m->looked = m->past != NULL && m->past->code != NULL ? 0 : 1;
	} else if (m != NULL && !t->is_stalled &&
		   mono_since(now, t->moved) >= STALLED_AFTER)
		tell_stalled(r, t, m);
}

static void
sample_all(struct registry *r)
{
	struct transfer *t;

	registry_lock(r);
	registry_compare_clocks(r);
	for (t = TAILQ_FIRST(&r->transfers); t != NULL; t = TAILQ_NEXT(t, entry))
		sample(r, t, registry_now(r));
	r->sampled = registry_now(r);
	registry_unlock(r);
}

/* The log. */

/* Within a quota: a stranger's DISCOVER is a boot that fails half a minute later. */
static void
log_verdict(const struct word *w, struct quota *lines, struct mono now)
{
	const struct verdict *v = &w->verdict;
	enum log_level level =
		strcmp(v->outcome, "failed") == 0 ? LEVEL_WARNING : LEVEL_INFO;

	level = quota_level(lines, "verdict-flood", level, now);
	LOG_AT(level, w->who, "verdict", STR("code", v->code), STR("outcome", v->outcome),
		STR("text", v->text), STR("next", v->next));
}

static void
log_words(struct registry *r)
{
	struct words words = STAILQ_HEAD_INITIALIZER(words);
	struct word *w;
	struct mono now;

	registry_lock(r);
	STAILQ_CONCAT(&words, &r->words);
	r->n_words = 0;
	r->lines.left_out += r->unsaid;
	r->unsaid = 0;
	now = registry_now(r);
	registry_unlock(r);
	while ((w = STAILQ_FIRST(&words)) != NULL) {
		STAILQ_REMOVE_HEAD(&words, entry);
		log_verdict(w, &r->lines, now);
		free(w);
	}
}

/* The open boots, a few at a time: each moves behind the others when it was looked at. */
static size_t
look_at_some(struct registry *r, size_t left)
{
	struct machine *m;

	registry_lock(r);
	for (int i = 0; i < AT_A_TIME && left > 0; i++, left--) {
		m = TAILQ_FIRST(&r->open);
		if (m == NULL) {
			left = 0;
			break;
		}
		TAILQ_REMOVE(&r->open, m, open);
		TAILQ_INSERT_TAIL(&r->open, m, open);
		look_at(r, m);
	}
	registry_unlock(r);
	return left;
}

/* Rarely, if ever: a million states that nobody set. */
static void
say_refused(struct registry *r)
{
	uint64_t before, now;

	registry_lock(r);
	before = r->refused;
	now = r->refused = r->states.refused;
	registry_unlock(r);
	if (before == 0 && now > 0)
		log_error(NULL, "states-full", NUM("states", registry_states(r)),
			STR("so", "that a new machine used up its script's 'once' is "
				  "remembered as long as the machine itself: DELETE "
				  "those that are not yours"));
}

void
registry_tick(struct registry *r)
{
	size_t n;

	if (r == NULL)
		return;
	sample_all(r);
	registry_lock(r);
	n = r->n_open;
	registry_unlock(r);
	while (n > 0)
		n = look_at_some(r, n);
	log_words(r);
	say_refused(r);
}
