#include "base/wheel.h"

#include <string.h>

#define MASK (WHEEL_SLOTS - 1)

static int64_t
tick_of(const struct wheel *wheel, struct mono t)
{
	return t.us / wheel->tick;
}

void
wheel_init(struct wheel *wheel, int64_t tick, struct mono now)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->tick = tick;
	wheel->turned = tick_of(wheel, now);
}

/* The slot is looked at when its tick begins, so a deadline within a tick has the next.
 */
void
wheel_set(struct wheel *wheel, struct wheel_entry *e, struct mono at)
{
	int64_t ahead;
	unsigned slot;

	wheel_clear(e);
	if (at.us == MONO_NEVER.us)
		return;
	ahead = tick_of(wheel, at) + 1 - wheel->turned;
	if (ahead < 1)
		ahead = 1;
	if (ahead > MASK)
		ahead = MASK;
	slot = (unsigned)(wheel->turned + ahead) & MASK;
	e->at = at;
	LIST_INSERT_HEAD(&wheel->slots[slot], e, link);
	wheel->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

void
wheel_clear(struct wheel_entry *e)
{
	if (wheel_is_set(e))
		LIST_REMOVE(e, link);
	e->link.le_prev = NULL;
}

/* How many ticks from `turned` on to the next slot that may have entries; 0: none. */
static unsigned
distance(const struct wheel *wheel)
{
	unsigned first = (unsigned)(wheel->turned + 1) & MASK;

	for (unsigned n = 0; n < WHEEL_SLOTS;) {
		unsigned slot = (first + n) & MASK;
		uint64_t bits = wheel->used[slot / 64] >> slot % 64;

		if (bits != 0)
			return n + (unsigned)__builtin_ctzll(bits) + 1;
		n += 64 - slot % 64;
	}
	return 0;
}

/* New ones are put before older ones: turned round, the older ones come first. */
static void
take_slot(struct wheel *wheel)
{
	unsigned slot = (unsigned)wheel->turned & MASK;
	struct wheel_entry *e;

	while ((e = LIST_FIRST(&wheel->slots[slot])) != NULL) {
		LIST_REMOVE(e, link);
		LIST_INSERT_HEAD(&wheel->ready, e, link);
	}
	wheel->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

/* Turns to the next slot that has entries, at most to `tick`; false when none has. */
static bool
turn(struct wheel *wheel, int64_t tick)
{
	unsigned ahead = distance(wheel);

	if (ahead == 0 || wheel->turned + ahead > tick) {
		wheel->turned = tick > wheel->turned ? tick : wheel->turned;
		return false;
	}
	wheel->turned += ahead;
	take_slot(wheel);
	return true;
}

struct wheel_entry *
wheel_expire(struct wheel *wheel, struct mono now)
{
	struct wheel_entry *e;

	do
		while ((e = LIST_FIRST(&wheel->ready)) != NULL) {
			wheel_clear(e);
			if (mono_reached(e->at, now))
				return e;
			wheel_set(wheel, e, e->at);
		}
	while (turn(wheel, tick_of(wheel, now)));
	return NULL;
}

struct mono
wheel_next(const struct wheel *wheel)
{
	unsigned ahead = distance(wheel);

	if (!LIST_EMPTY(&wheel->ready))
		return (struct mono){wheel->turned * wheel->tick};
	if (ahead == 0)
		return MONO_NEVER;
	return (struct mono){(wheel->turned + ahead) * wheel->tick};
}
