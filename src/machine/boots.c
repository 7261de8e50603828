/* The events of a machine, and which boot they belong to. */
#include <stdio.h>
#include <string.h>

#include "machine/inside.h"

/*
 * What strangers may put into the ring: a flood of them must not turn it over. Ten
 * thousand machines that are switched on at once have 70,000 events before they are
 * strangers no more.
 */
#define STRANGERS_BURST 80000
#define STRANGERS_PER_SECOND 200
/* Pieces of one file, read one after the other, as a disk over HTTP is. */
#define LIKE_WITHIN MONO_S(1)
/* The same DISCOVER by two ways. Firmware waits a second and more before the next. */
#define SAME_DISCOVER MONO_MS(500)

void
machine_open(struct registry *r, struct machine *m)
{
	if (m->is_open)
		return;
	m->is_open = true;
	r->n_open++;
	TAILQ_INSERT_TAIL(&r->open, m, open);
}

void
machine_shut(struct registry *r, struct machine *m)
{
	if (!m->is_open)
		return;
	m->is_open = false;
	r->n_open--;
	TAILQ_REMOVE(&r->open, m, open);
}

static void
link_record(struct registry *r, struct machine *m, uint32_t at, bool in_boot)
{
	if (m->last != RECORD_NONE)
		timeline_at(&r->timeline, m->last)->next = at;
	else
		m->first = at;
	m->last = at;
	if (in_boot && m->boot_first == RECORD_NONE)
		m->boot_first = at;
}

void
machine_append(struct registry *r, struct machine *m, struct event *e, uint32_t boot)
{
	uint32_t at;

	if (m != NULL && e->kind != EV_SENT)
		machine_flush_like(r, m);
	e->wall_ms = registry_wall(r);
	e->boot = boot;
	if (m != NULL) {
		e->addr = m->addr;
		if (m->n_macs)
			e->mac = m->macs[0];
	}
	tally_own(&r->tally, e);
	at = timeline_append(&r->timeline, slot_of(r, m), e);
	if (m != NULL)
		link_record(r, m, at, boot != 0 && boot == m->boot);
}

bool
machine_may(struct registry *r, const struct machine *m)
{
	struct mono now = registry_now(r);

	if (m->queue != QUEUE_STRANGERS)
		return true;
	r->strangers_left +=
		(double)mono_since(now, r->strangers_at) / 1e6 * STRANGERS_PER_SECOND;
	r->strangers_at = now;
	if (r->strangers_left > STRANGERS_BURST)
		r->strangers_left = STRANGERS_BURST;
	if (r->strangers_left < 1) {
		r->dropped++;
		return false;
	}
	r->strangers_left--;
	return true;
}

/* The ROM of a boot that came no further is remembered: three of a kind are a loop. */
static void
keep_rom(struct machine *m)
{
	if (m->step > STEP_IPXE) {
		memset(m->roms, 0, sizeof(m->roms));
	} else if (*m->rom) {
		memmove(m->roms[1], m->roms[0], sizeof(m->roms) - sizeof(*m->roms));
		memcpy(m->roms[0], m->rom, sizeof(m->rom));
	}
	*m->rom = '\0';
}

static void
begin_boot(struct registry *r, struct machine *m, const struct event *first)
{
	struct event e = {.kind = EV_BOOT, .via = first->via, .arch = m->arch};

	if (m->is_open)
		machine_judge(r, m, INT64_MAX); /* whatever it waited for will not come */
	machine_open(r, m);
	keep_rom(m);
	m->boot++;
	m->boot_first = RECORD_NONE;
	m->boot_ms = registry_wall(r);
	m->boot_end_ms = 0;
	m->step = STEP_NONE;
	m->rom_sent = false;
	m->is_done = false;
	m->outcome = "running";
	m->verdict.code = NULL;
	machine_append(r, m, &e, m->boot);
}

static void
note_progress(struct machine *m, const struct event *e, enum step step)
{
	if (step > m->step)
		m->step = step;
	if (step != STEP_ROM || e->kind != EV_SENT)
		return;
	m->rom_sent = true;
	snprintf(m->rom, sizeof(m->rom), "%s", e->name);
}

/* It is there, and does something. */
static void
alive(struct registry *r, struct machine *m)
{
	m->heard = registry_now(r);
	m->looked = 0;
	m->boot_end_ms = 0;
	if (m->boot_first != RECORD_NONE)
		machine_open(r, m);
}

/* Many pieces of one file: the first is told, the others are counted. */
static bool
is_like_the_last(struct registry *r, struct machine *m, const struct event *e)
{
	struct mono now = registry_now(r);
	uint64_t like = 0;

	if (e->kind == EV_SENT && e->via == VIA_HTTP && e->name != NULL)
		like = fnv1a(e->name, strlen(e->name)) | 1;
	if (like != 0 && like == m->like && mono_since(now, m->like_at) < LIKE_WITHIN) {
		m->like_at = now;
		m->like_bytes += e->bytes;
		m->like_count++;
		return true;
	}
	machine_flush_like(r, m);
	m->like = like;
	m->like_at = now;
	return false;
}

void
machine_flush_like(struct registry *r, struct machine *m)
{
	char text[48];
	const struct record *last =
		m->last == RECORD_NONE ? NULL : timeline_at(&r->timeline, m->last);
	struct event e;
	char name[RECORD_NAME_MAX + 1] = "";

	if (m->like_count > 0 && last != NULL) {
		e = record_event(last);
		snprintf(name, sizeof(name), "%s", e.name ? e.name : "");
		snprintf(text, sizeof(text), "%u more pieces", m->like_count);
		e.name = name;
		e.text = text;
		e.bytes = m->like_bytes;
		e.total = 0;
		e.ms = 0;
		machine_append(r, m, &e, e.boot);
	}
	m->like = m->like_bytes = m->like_count = 0;
}

/* Whether what it does now is the begin of a boot, which is then begun. */
static void
begin_if_new(struct registry *r, struct machine *m, const struct event *e)
{
	int64_t silent = mono_since(registry_now(r), m->heard);

	if (event_kind_boots(e->kind) &&
		step_begins(step_of(e), e->via, m->is_open ? m->step : STEP_NONE,
			m->rom_sent, silent))
		begin_boot(r, m, e);
}

void
machine_asks(struct registry *r, struct machine *m, const struct event *what)
{
	if (!machine_may(r, m))
		return;
	begin_if_new(r, m, what);
	note_progress(m, what, step_of(what));
	alive(r, m);
}

/* One DISCOVER is heard twice where a bridge and its port, or two relays, pass it on. */
static bool
is_heard_already(struct registry *r, struct machine *m, const struct event *e)
{
	struct mono now = registry_now(r), before = m->discovered;
	enum step by = step_of(e), was_by = m->discovered_by;

	if (e->kind != EV_DISCOVER)
		return false;
	m->discovered = now;
	m->discovered_by = by;
	return by == was_by && mono_since(now, before) < SAME_DISCOVER;
}

void
machine_tell(struct registry *r, struct machine *m, const struct event *what)
{
	struct event e = *what;
	enum step step = step_of(&e);
	uint32_t boot;

	if (is_heard_already(r, m, &e) || !machine_may(r, m))
		return;
	begin_if_new(r, m, &e);
	boot = event_kind_boots(e.kind) && m->is_open ? m->boot : 0;
	note_progress(m, &e, step);
	alive(r, m);
	if (is_like_the_last(r, m, &e))
		return;
	machine_append(r, m, &e, boot);
	if (e.kind == EV_SENT && m->queue == QUEUE_STRANGERS)
		roster_promote(r, m, QUEUE_REGULARS);
}
