/*
 * What proxyDHCP remembers of each machine: which shape of offer it was sent last,
 * whether it moved on after that, and which one worked. A fixed number of machines;
 * those that ever moved on stay, so that a flood of invented MACs drives out only
 * other strangers. No clock, no I/O.
 */
#ifndef PIXIE_DHCP_MEMORY_H
#define PIXIE_DHCP_MEMORY_H

#include "base/hwaddr.h"
#include "base/mono.h"
#include "dhcp/proxy.h"

/* A hardware address as it stands in the header: some UEFI sends its GUID there. */
struct machine_key {
	uint8_t len, addr[16];
};

struct memory;
struct machine;

/* The three quarters of them that stay are as many machines as the registry has. */
#define MEMORY_SLOTS (22 * 1024)

/* Room for `slots` machines; NULL without memory. */
struct memory *memory_new(unsigned slots);
void memory_free(struct memory *m);

struct machine_key machine_key_of(const struct dhcp_head *head);
struct machine_key machine_key_mac(const struct mac *mac);
/* NULL when it is not remembered. */
struct machine *memory_find(struct memory *m, const struct machine_key *key);
/* The same, made room for when it is new. */
struct machine *memory_meet(struct memory *m, const struct machine_key *key);
const struct machine_key *machine_key(const struct machine *machine);

/* Notes the address a machine goes by, for those whose MAC we cannot see. */
void memory_set_addr(struct memory *m, struct machine *machine, be32 addr);
struct machine *memory_find_addr(struct memory *m, be32 addr);

/* Which attempt a DISCOVER of this kind of client would be answered with now. */
unsigned machine_attempt(
	const struct machine *machine, enum proxy_client client, struct mono now);
/* The offer was sent: counts. True when it is another attempt than before. */
bool machine_offered(struct machine *machine, enum proxy_client client, struct mono now);
/*
 * The machine moved on, to port 4011, TFTP or HTTP. Returns the row that worked when
 * that is news, else NULL.
 */
const struct proxy_row *memory_moved_on(
	struct memory *m, struct machine *machine, struct mono now);

#endif
