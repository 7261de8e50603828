/* The wall's clock: for what people and other programs read, never to wait by. */
#ifndef PIXIE_BASE_WALL_H
#define PIXIE_BASE_WALL_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since 1970, UTC. */
static inline int64_t
wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
