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
/* No machine has restarted in less. */
#define RESTART MONO_S(5)

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
		if (m->owns_addr || m->addr_is_shared) /* not one of before a restart */
			e->addr = m->addr;
		if (m->n_macs)
			e->mac = m->mac;
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

static void
forget_roms(struct registry *r, struct past *p)
{
	for (int i = 0; i < EARLIER_ROMS; i++)
		texts_set(&r->texts, &p->roms[i], NULL, 0);
}

static void
remember_rom(struct registry *r, struct past *p, const char *rom)
{
	texts_drop(&r->texts, p->roms[EARLIER_ROMS - 1]);
	memmove(&p->roms[1], &p->roms[0], sizeof(p->roms) - sizeof(*p->roms));
	p->roms[0] = rom;
}

void
machine_keep_rom(struct registry *r, struct machine *m)
{
	bool is_further = m->step > STEP_IPXE;

	if (is_further && m->past != NULL)
		forget_roms(r, m->past);
	if (is_further || m->rom == NULL || machine_past(r, m) == NULL)
		texts_drop(&r->texts, m->rom);
	else
		remember_rom(r, m->past, m->rom);
	m->rom = NULL;
}

static void
begin_boot(struct registry *r, struct machine *m, const struct event *first)
{
	struct event e = {.kind = EV_BOOT, .via = first->via, .arch = m->arch};

	if (m->is_open)
		machine_judge(r, m, INT64_MAX); /* whatever it waited for will not come */
	machine_open(r, m);
	machine_keep_rom(r, m);
	m->boot++;
	m->boot_first = RECORD_NONE;
	m->boot_ms = registry_wall(r);
	m->boot_end_ms = 0;
	m->step = STEP_NONE;
	m->rom_sent = false;
	m->is_done = false;
	m->outcome = "running";
	if (m->past != NULL)
		m->past->code = NULL;
	machine_append(r, m, &e, m->boot);
}

static void
note_progress(struct registry *r, struct machine *m, const struct event *e)
{
	enum step step = step_of(e);

	if (step > m->step)
		m->step = (uint8_t)step;
	if (step != STEP_ROM || e->kind != EV_SENT)
		return;
	m->rom_sent = true;
	texts_set(&r->texts, &m->rom, e->name, RECORD_NAME_MAX);
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
	struct pieces *p;
	uint64_t file;

	if (e->kind != EV_SENT || e->via != VIA_HTTP || e->name == NULL ||
		(p = machine_pieces(r, m)) == NULL) {
		machine_flush_like(r, m);
		return false;
	}
	file = fnv1a(e->name, strlen(e->name)) | 1;
	if (file == p->file && mono_since(now, p->at) < LIKE_WITHIN) {
		p->at = now;
		p->bytes += e->bytes;
		p->n++;
		return true;
	}
	machine_flush_like(r, m);
	p->file = file;
	p->at = now;
	return false;
}

static void
tell_pieces(struct registry *r, struct machine *m, const struct record *first)
{
	struct event e = record_event(first);
	char name[RECORD_NAME_MAX + 1], text[48];

	/* The ring may overwrite `first` to make room for this. */
	snprintf(name, sizeof(name), "%s", e.name ? e.name : "");
	snprintf(text, sizeof(text), "%u more pieces", m->pieces->n);
	e.name = name;
	e.text = text;
	e.bytes = m->pieces->bytes;
	e.total = 0;
	e.ms = 0;
	machine_append(r, m, &e, e.boot);
}

void
machine_flush_like(struct registry *r, struct machine *m)
{
	struct pieces *p = m->pieces;

	if (p == NULL)
		return;
	if (p->n > 0 && m->last != RECORD_NONE)
		tell_pieces(r, m, timeline_at(&r->timeline, m->last));
	p->file = p->bytes = p->n = 0;
}

/* Whether its boot began with the script `name`, and its last file came whole. */
static bool
began_with(const struct registry *r, const struct machine *m, const char *name)
{
	const char *first = NULL;
	bool is_whole = false;

	for (uint32_t at = m->boot_first; at != RECORD_NONE;
		at = timeline_at(&r->timeline, at)->next) {
		struct event e = record_event(timeline_at(&r->timeline, at));
		enum step step = e.boot == m->boot ? step_of(&e) : STEP_NONE;

		if (at == m->boot_first && e.kind != EV_BOOT)
			return false; /* the ring went round */
		if (first == NULL && step != STEP_NONE && step < STEP_SCRIPT)
			return false;
		if (step == STEP_SCRIPT && e.kind == EV_ASKED && first == NULL)
			first = e.name;
		if (step == STEP_FILE && e.kind != EV_PROBED)
			is_whole = e.kind == EV_SENT;
	}
	return is_whole && first != NULL && strcmp(first, name) == 0;
}

/*
 * iPXE in the card, that DHCP names the script itself, asks us for nothing else before
 * it. Without a menu there is nobody who would ask again after an error: all that it
 * asked for came, and then it restarted.
 */
static bool
is_direct_restart(const struct registry *r, const struct machine *m,
	const struct event *e, int64_t silent)
{
	return e->kind == EV_ASKED && step_of(e) == STEP_SCRIPT && !e->by_menu &&
	       m->is_open && m->step == STEP_FILE && silent >= RESTART &&
	       began_with(r, m, e->name);
}

/* Whether what it does now is the begin of a boot, which is then begun. */
static void
begin_if_new(struct registry *r, struct machine *m, const struct event *e)
{
	int64_t silent = mono_since(registry_now(r), m->heard);
	enum step reached = m->is_open ? (enum step)m->step : STEP_NONE;

	if (!event_kind_boots(e->kind))
		return;
	if (step_begins(step_of(e), e->via, reached, m->rom_sent, silent) ||
		is_direct_restart(r, m, e, silent))
		begin_boot(r, m, e);
}

void
machine_asks(struct registry *r, struct machine *m, const struct event *what)
{
	if (!machine_may(r, m)) {
		if (m->orders != NULL)
			m->orders->once_boot = 0; /* this may be the boot after it */
		return;
	}
	begin_if_new(r, m, what);
	note_progress(r, m, what);
	alive(r, m);
}

/* One DISCOVER is heard twice where a bridge and its port, or two relays, pass it on. */
static bool
is_heard_already(struct registry *r, struct machine *m, const struct event *e)
{
	struct traits *t = e->kind == EV_DISCOVER ? machine_traits(r, m) : NULL;
	struct mono now = registry_now(r);
	enum step by;
	bool is_same;

	if (t == NULL)
		return false;
	by = step_of(e);
	is_same =
		by == t->discovered_by && mono_since(now, t->discovered) < SAME_DISCOVER;
	t->discovered = now;
	t->discovered_by = by;
	return is_same;
}

void
machine_tell(struct registry *r, struct machine *m, const struct event *what)
{
	struct event e = *what;
	uint32_t boot;

	if (is_heard_already(r, m, &e) || !machine_may(r, m))
		return;
	begin_if_new(r, m, &e);
	boot = event_kind_boots(e.kind) && m->is_open ? m->boot : 0;
	note_progress(r, m, &e);
	alive(r, m);
	if (is_like_the_last(r, m, &e))
		return;
	machine_append(r, m, &e, boot);
	if (e.kind == EV_SENT && m->queue == QUEUE_STRANGERS)
		roster_promote(r, m, QUEUE_REGULARS);
}
