#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

uint64_t
number(const char *what, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v < min || v > max)
		die("%s: %s is not from %llu to %llu", what, text,
			(unsigned long long)min, (unsigned long long)max);
	return v;
}

void
need_descriptors(unsigned need)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < need)
		limit.rlim_cur = limit.rlim_max =
			need > limit.rlim_max ? need : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("%u descriptors: %s", need, strerror(errno));
}

int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint64_t
rng_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
rng_seed(uint64_t seed, uint64_t stream)
{
	uint64_t state = seed ^ stream << 32;

	return rng_next(&state);
}

struct source
source_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
		die("%s: %s", path, errno ? strerror(errno) : "empty");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	close(fd);
	return (struct source){map, (uint64_t)st.st_size};
}

void
latency_add(struct latencies *l, int64_t us)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 4096;
		l->us = realloc(l->us, l->cap * sizeof(*l->us));
		if (l->us == NULL)
			die("out of memory");
	}
	l->us[l->n++] = us;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double
at_percent(const struct latencies *l, unsigned percent)
{
	if (l->n == 0)
		return 0;
	return (double)l->us[(l->n - 1) * percent / 100] / 1000;
}

void
latency_print(struct latencies *l)
{
	if (l->n > 0)
		qsort(l->us, l->n, sizeof(*l->us), compare);
	printf("\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f",
		at_percent(l, 50), at_percent(l, 90), at_percent(l, 99),
		at_percent(l, 100));
}
