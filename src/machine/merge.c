/* Two machines that turn out to be one: two cards, or an address and its MAC. */
#include <string.h>

#include "machine/inside.h"

/*
 * The boot that `from` is in goes on as a boot of `into`'s, begun anew unless that had
 * begun it itself; its earlier ones lose their numbers, which are `into`'s own.
 */
static void
renumber(struct registry *r, const struct machine *into, const struct machine *from,
	uint32_t number)
{
	for (uint32_t at = from->first; at != RECORD_NONE;
		at = timeline_at(&r->timeline, at)->next) {
		struct record *rec = timeline_at(&r->timeline, at);

		rec->boot = from->boot != 0 && rec->boot == from->boot ? number : 0;
		rec->owner = slot_of(r, into);
		if (into->n_macs)
			rec->mac = into->mac;
	}
}

/* Two chains in the order of seq made one. */
static void
interleave(struct registry *r, struct machine *into, const struct machine *from)
{
	uint32_t a = into->first, b = from->first, at = RECORD_NONE;

	while (a != RECORD_NONE || b != RECORD_NONE) {
		bool is_a =
			b == RECORD_NONE ||
			(a != RECORD_NONE && timeline_at(&r->timeline, a)->seq <
						     timeline_at(&r->timeline, b)->seq);
		uint32_t take = is_a ? a : b;

		if (at == RECORD_NONE)
			into->first = take;
		else
			timeline_at(&r->timeline, at)->next = take;
		at = take;
		*(is_a ? &a : &b) = timeline_at(&r->timeline, take)->next;
	}
	into->last = at;
}

/* Of strings that are kept: each goes on having one. */
static void
swap(const char **a, const char **b)
{
	const char *was = *a;

	*a = *b;
	*b = was;
}

static void
take_verdict(struct registry *r, struct machine *into, struct past *from)
{
	struct past *to = from ? machine_past(r, into) : into->past;

	if (to == NULL)
		return;
	to->code = from ? from->code : NULL;
	if (from == NULL)
		return;
	to->outcome = from->outcome;
	swap(&to->text, &from->text);
	swap(&to->next, &from->next);
}

/* Whether the boot that `from` is in began as the one after `into`'s would have. */
static bool
is_next_boot(
	const struct registry *r, const struct machine *into, const struct machine *from)
{
	const struct record *begin, *first;
	struct event e;

	if (!into->is_open || from->boot_first == RECORD_NONE)
		return false;
	begin = timeline_at(&r->timeline, from->boot_first);
	if (begin->next == RECORD_NONE)
		return false;
	first = timeline_at(&r->timeline, begin->next);
	e = record_event(first);
	return step_begins(step_of(&e), e.via, into->step, into->rom_sent,
		MONO_MS(begin->wall_ms - into->last_ms));
}

/* Whose boot it is: the one that goes on. */
static void
take_boot(struct registry *r, struct machine *into, struct machine *from)
{
	bool goes_on = from->is_open && from->boot != 0;
	uint32_t number = into->boot;

	if (!goes_on) {
		renumber(r, into, from, 0);
		return;
	}
	if (is_next_boot(r, into, from)) {
		machine_judge(r, into, INT64_MAX);
		machine_shut(r, into);
	}
	if (!into->is_open)
		number++;
	renumber(r, into, from, number);
	if (into->is_open) {
		if (from->step > into->step)
			into->step = from->step;
		into->rom_sent |= from->rom_sent;
		return;
	}
	machine_keep_rom(r, into);
	into->boot = number;
	into->boot_first = from->boot_first;
	into->step = from->step;
	into->rom_sent = from->rom_sent;
	into->boot_ms = from->boot_ms;
	into->boot_end_ms = 0;
	into->outcome = from->outcome;
	into->is_done = from->is_done;
	swap(&into->rom, &from->rom);
	take_verdict(r, into, from->past);
	machine_open(r, into);
}

static void
take_text(const char **to, const char **from)
{
	if (*to == NULL)
		swap(to, from);
}

static void
take_traits(struct registry *r, struct machine *into, struct traits *from)
{
	struct traits *to = from ? machine_traits(r, into) : NULL;

	if (to == NULL)
		return;
	take_text(&to->firmware, &from->firmware);
	take_text(&to->vendor, &from->vendor);
	take_text(&to->product, &from->product);
	take_text(&to->serial, &from->serial);
}

static void
take_facts(struct registry *r, struct machine *into, const struct machine *from)
{
	take_traits(r, into, from->traits);
	if (into->arch < 0)
		into->arch = from->arch;
	if (into->first_ms == 0 ||
		(from->first_ms != 0 && from->first_ms < into->first_ms))
		into->first_ms = from->first_ms;
	if (from->last_ms > into->last_ms)
		into->last_ms = from->last_ms;
	if (from->heard.us > into->heard.us)
		into->heard = from->heard;
	into->evicted += from->evicted;
	if (from->evicted_seq > into->evicted_seq)
		into->evicted_seq = from->evicted_seq;
	into->looked = 0;
}

/* A `once` that one card used up is used up; a state that somebody set is `into`'s. */
static bool
take_state(struct registry *r, struct machine *into, const struct machine *from)
{
	const struct orders *was = orders_of(from);
	bool goes_on = from->is_open && was->once_boot == from->boot;

	if (!was->once_used || orders_of(into)->state_set || orders_of(into)->once_used ||
		machine_orders(r, into) == NULL)
		return false;
	into->orders->once_used = true;
	into->orders->once_boot = goes_on ? into->boot : 0;
	into->in_script = from->in_script;
	into->is_done |= goes_on && from->is_done;
	return true;
}

static void
take_transfers(struct registry *r, struct machine *into, struct machine *from)
{
	struct transfer *t;

	TAILQ_FOREACH(t, &r->transfers, entry)
	{
		if (t->slot != slot_of(r, from))
			continue;
		t->slot = slot_of(r, into);
		t->boot = t->boot == from->boot ? into->boot : 0;
	}
	into->transfers += from->transfers;
	from->transfers = 0;
}

void
machine_absorb(struct registry *r, struct machine *into, struct machine *from)
{
	struct mac macs[MACS_MAX];
	unsigned n = from->n_macs;
	bool news;

	machine_flush_like(r, from);
	machine_flush_like(r, into);
	for (unsigned i = 0; i < n; i++)
		macs[i] = *machine_mac(from, i);
	take_boot(r, into, from);
	interleave(r, into, from);
	from->first = from->last = RECORD_NONE;
	take_facts(r, into, from);
	news = take_state(r, into, from);
	if (from->transfers > 0)
		take_transfers(r, into, from);
	if (from->queue > into->queue)
		roster_promote(r, into, from->queue);
	roster_forget(r, from);
	for (unsigned i = 0; i < n; i++)
		machine_add_mac(r, into, &macs[i]);
	if (news)
		machine_dirty(r, into);
}
