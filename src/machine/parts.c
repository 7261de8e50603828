/* What not every machine has: made when it does, gone with the machine. */
#include <stdlib.h>

#include "machine/inside.h"

static void *
make(struct registry *r, size_t size)
{
	void *part = calloc(1, size);

	if (part != NULL)
		r->parts += size;
	return part;
}

static void
drop(struct registry *r, void *part, size_t size)
{
	if (part != NULL)
		r->parts -= size;
	free(part);
}

struct traits *
machine_traits(struct registry *r, struct machine *m)
{
	if (m->traits == NULL)
		m->traits = make(r, sizeof(*m->traits));
	return m->traits;
}

struct past *
machine_past(struct registry *r, struct machine *m)
{
	if (m->past == NULL)
		m->past = make(r, sizeof(*m->past));
	return m->past;
}

struct pieces *
machine_pieces(struct registry *r, struct machine *m)
{
	if (m->pieces == NULL)
		m->pieces = make(r, sizeof(*m->pieces));
	return m->pieces;
}

struct orders *
machine_orders(struct registry *r, struct machine *m)
{
	if (m->orders == NULL && (m->orders = make(r, sizeof(*m->orders))) != NULL)
		m->orders->whose = m;
	return m->orders;
}

const struct traits *
traits_of(const struct machine *m)
{
	static const struct traits none;

	return m->traits ? m->traits : &none;
}

const struct orders *
orders_of(const struct machine *m)
{
	static const struct orders none = {.state = STATE_BOOT};

	return m != NULL && m->orders != NULL ? m->orders : &none;
}

const struct mac *
machine_mac(const struct machine *m, unsigned i)
{
	return i == 0 ? &m->mac : &m->traits->others[i - 1];
}

static void
drop_texts(struct registry *r, const struct machine *m)
{
	const struct traits *t = m->traits;
	const struct past *p = m->past;

	texts_drop(&r->texts, m->rom);
	if (t != NULL) {
		texts_drop(&r->texts, t->firmware);
		texts_drop(&r->texts, t->vendor);
		texts_drop(&r->texts, t->product);
		texts_drop(&r->texts, t->serial);
	}
	if (p == NULL)
		return;
	texts_drop(&r->texts, p->text);
	texts_drop(&r->texts, p->next);
	for (int i = 0; i < EARLIER_ROMS; i++)
		texts_drop(&r->texts, p->roms[i]);
}

void
machine_drop_parts(struct registry *r, struct machine *m)
{
	drop_texts(r, m);
	m->rom = NULL;
	drop(r, m->traits, sizeof(*m->traits));
	drop(r, m->past, sizeof(*m->past));
	drop(r, m->pieces, sizeof(*m->pieces));
	drop(r, m->orders, sizeof(*m->orders));
	m->traits = NULL;
	m->past = NULL;
	m->pieces = NULL;
	m->orders = NULL;
}
