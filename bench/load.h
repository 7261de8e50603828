/*
 * What the two load generators share: time, numbers that a seed repeats, the source
 * file to compare with, latencies, and the JSON line at the end.
 */
#ifndef PIXIE_BENCH_LOAD_H
#define PIXIE_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the program with one line: a wrong option, or no descriptors left. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);
/* A number from `min` to `max`, or die() naming `what`. */
uint64_t number(const char *what, const char *text, uint64_t min, uint64_t max);
/* Takes every descriptor the limit allows; dies when that is fewer than `need`. */
void need_descriptors(unsigned need);

/* Microseconds of the monotonic clock. */
int64_t now_us(void);

/* splitmix64: each client has its own stream, so that who came first changes nothing. */
uint64_t rng_seed(uint64_t seed, uint64_t stream);
uint64_t rng_next(uint64_t *state);

struct source {
	const uint8_t *bytes;
	uint64_t size;
};
/* Maps the file that is served; nobody may change it meanwhile. */
struct source source_open(const char *path);

struct latencies {
	int64_t *us;
	size_t n, cap;
};
void latency_add(struct latencies *l, int64_t us);
/* Prints "p50_ms":…,"p90_ms":…,"p99_ms":…,"max_ms":… */
void latency_print(struct latencies *l);

#endif
