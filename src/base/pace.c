#include "base/pace.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CLOCKS 65536 /* a power of two */

/* A timer may be so late without the rate suffering. */
#define LATE 200
/* So much may go at once; what takes longer to send has to go alone. */
#define AT_ONCE MONO_MS(1)

struct clock {
	_Atomic int64_t next; /* when the next may go, µs */
	atomic_uint sharers;  /* connections */
};

struct pace {
	uint64_t bits;
	struct clock clocks[CLOCKS];
};

static bool
scale_of(const char *suffix, uint64_t *scale)
{
	static const char letters[] = "kMG";
	const char *at = *suffix ? strchr(letters, *suffix) : letters + 1;

	if (at == NULL || (*suffix && suffix[1]))
		return false;
	*scale = 1;
	for (const char *p = letters; *suffix && p <= at; p++)
		*scale *= 1000;
	return true;
}

bool
pace_parse(const char *text, uint64_t *bits)
{
	uint64_t scale;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*bits = strtoull(text, &end, 10);
	if (!scale_of(end, &scale) || *bits > PACE_MAX / scale)
		return false;
	*bits *= scale;
	return *bits >= PACE_MIN;
}

struct pace *
pace_new(uint64_t bits)
{
	struct pace *pace = calloc(1, sizeof(*pace));

	if (pace != NULL)
		pace->bits = bits;
	return pace;
}

void
pace_free(struct pace *pace)
{
	free(pace);
}

static struct clock *
clock_of(struct pace *pace, const struct netaddr *host)
{
	struct netaddr machine = *host;

	netaddr_set_port(&machine, 0);
	return &pace->clocks[netaddr_hash(&machine) & (CLOCKS - 1)];
}

bool
pace_take(struct pace *pace, const struct netaddr *host, size_t bytes, struct mono now,
	struct mono *when)
{
	struct clock *clock = clock_of(pace, host);
	int64_t cost = (int64_t)(bytes * 8000000 / pace->bits) + 1;
	int64_t credit = LATE + (cost < AT_ONCE ? AT_ONCE - cost : 0);
	int64_t next = atomic_load(&clock->next), from;

	do {
		if (next > now.us) {
			*when = (struct mono){next};
			return false;
		}
		from = next > now.us - credit ? next : now.us - credit;
	} while (!atomic_compare_exchange_weak(&clock->next, &next, from + cost));
	return true;
}

void
pace_join(struct pace *pace, const struct netaddr *host)
{
	atomic_fetch_add(&clock_of(pace, host)->sharers, 1);
}

void
pace_leave(struct pace *pace, const struct netaddr *host)
{
	atomic_fetch_sub(&clock_of(pace, host)->sharers, 1);
}

uint64_t
pace_share(struct pace *pace, const struct netaddr *host)
{
	unsigned sharers = atomic_load(&clock_of(pace, host)->sharers);

	return pace->bits / (sharers ? sharers : 1);
}
