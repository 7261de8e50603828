/* A registry whose time is the test's, and short words for telling it things. */
#ifndef PIXIE_UNIT_CLOCK_H
#define PIXIE_UNIT_CLOCK_H

#include "machine/registry.h"
#include "unit.h"

struct clock {
	int64_t ms;
};

static inline struct mono
clock_mono(void *arg)
{
	return (struct mono){MONO_MS(((struct clock *)arg)->ms)};
}

static inline int64_t
clock_wall(void *arg)
{
	return 1700000000000 + ((struct clock *)arg)->ms;
}

static inline struct registry *
registry_with(struct clock *clock, unsigned machines, size_t bytes)
{
	struct registry *r =
		registry_new(&(struct registry_config){.machines_max = machines,
			.timeline_bytes = bytes,
			.now = clock_mono,
			.wall_ms = clock_wall,
			.clock_arg = clock});

	clock->ms += 1000;
	assert_non_null(r);
	return r;
}

static inline struct mac
mac_n(unsigned n)
{
	return (struct mac){{2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static inline struct netaddr
addr_n(unsigned n)
{
	return netaddr_of_v4(be32_from(0x0a000000 + n), 0);
}

static inline struct sighting
seen_as(unsigned mac)
{
	struct sighting who = SIGHTING_NONE;

	who.mac = mac_n(mac);
	who.has_mac = true;
	return who;
}

static inline struct sighting
seen_at(unsigned addr)
{
	struct sighting who = SIGHTING_NONE;

	who.addr = addr_n(addr);
	return who;
}

static inline void
tell(struct registry *r, struct sighting who, enum event_kind kind, enum transport via,
	const char *name)
{
	registry_tell(r, &who,
		&(struct event){.kind = kind, .via = via, .arch = -1, .name = name});
}

/* One second at a time, as a loop does it. */
static inline void
pass(struct registry *r, struct clock *clock, int seconds)
{
	while (seconds-- > 0) {
		clock->ms += 1000;
		registry_tick(r);
	}
}

static inline struct machine_view
view_of(struct registry *r, unsigned mac)
{
	struct machine_view v = {0};
	struct mac m = mac_n(mac);

	assert_true(registry_machine(r, &m, &v));
	return v;
}

static inline void
power_on(struct registry *r, struct clock *c, unsigned mac)
{
	c->ms += 60000;
	tell(r, seen_as(mac), EV_SENT, VIA_TFTP, "undionly.kpxe");
	c->ms += 5000;
	tell(r, seen_as(mac), EV_SENT, VIA_HTTP, "chain.ipxe");
	c->ms += 10000;
}

/* iPXE asks for the script; what it is given. */
static inline enum machine_state
ask_script(struct registry *r, unsigned mac, enum machine_state in_script)
{
	struct mac m = mac_n(mac);
	enum machine_state state;

	tell(r, seen_as(mac), EV_ASKED, VIA_HTTP, "ipxe/x.ipxe");
	state = registry_state(r, &m, in_script);
	if (state == STATE_BOOT || state == STATE_ONCE)
		registry_script_served(r, &m, in_script);
	return state;
}

#endif
