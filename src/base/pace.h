/*
 * How fast each machine may be sent to: --pace. For clients that lose packets which
 * follow upon each other closely (U-Boot on the JH7110), or hang when the server is
 * fast (ipxe#1545).
 *
 * One object for all servers and threads. A machine's address is hashed to one of
 * 65,536 clocks, so that nothing is stored of a machine and nothing has to be cleaned
 * up; two machines of a rack hardly ever share one, and then share the rate.
 */
#ifndef PIXIE_BASE_PACE_H
#define PIXIE_BASE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/netaddr.h"

struct pace;

/* From 64 kbit/s to 10 Gbit/s. */
#define PACE_MIN UINT64_C(64000)
#define PACE_MAX UINT64_C(10000000000)

/* "800k", "10M", "1G": bits a second, powers of 1000. False when it is nothing such. */
bool pace_parse(const char *text, uint64_t *bits);

/* NULL without memory. */
struct pace *pace_new(uint64_t bits);
void pace_free(struct pace *pace);
/*
 * Asks to send `bytes` to `host` (its port is ignored). True: they may go, and count.
 * False: ask again at `*when`. Up to about 12 Mbit/s a full Ethernet frame takes longer
 * than a millisecond and no two go out closer than at the rate (less 0.2 ms); faster,
 * what a millisecond has room for may go at once. May be called by any thread.
 */
bool pace_take(struct pace *pace, const struct netaddr *host, size_t bytes,
	struct mono now, struct mono *when);

/*
 * For connections that the kernel paces: each joins its host's and leaves them, and has
 * an equal share of the rate, bits a second, as long as so many are there. Any thread.
 */
void pace_join(struct pace *pace, const struct netaddr *host);
void pace_leave(struct pace *pace, const struct netaddr *host);
uint64_t pace_share(struct pace *pace, const struct netaddr *host);

#endif
