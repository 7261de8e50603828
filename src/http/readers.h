/* Who follows the events: how many may, in all and from one address. */
#ifndef PIXIE_HTTP_READERS_H
#define PIXIE_HTTP_READERS_H

#include <pthread.h>

#include "base/netaddr.h"

#define READERS_MAX 256
/* A room of people behind one address; what is open beyond that, nobody looks at. */
#define READERS_PER_ADDRESS 32

struct readers {
	pthread_mutex_t lock;
	unsigned n;
	struct netaddr of[READERS_MAX];
};

enum readers_room { READERS_ROOM, READERS_FULL, READERS_TOO_MANY_THERE };

void readers_init(struct readers *r);
void readers_deinit(struct readers *r);
/*
 * One more from `host`, if there is room; for the Unix socket there is one bound only.
 * From any thread.
 */
enum readers_room readers_join(struct readers *r, const struct netaddr *host);
void readers_leave(struct readers *r, const struct netaddr *host);
unsigned readers_count(struct readers *r);

#endif
