#include "sys/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup"

/* The number in a file; UINT64_MAX when there is none, as in "max". */
static uint64_t
read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n = UINT64_MAX;

	if (f == NULL)
		return n;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = UINT64_MAX;
	fclose(f);
	return n;
}

uint64_t
memory_group_limit(const char *root, const char *path, const char *file)
{
	uint64_t least = UINT64_MAX;
	size_t n = strlen(path);

	for (;;) {
		char name[PATH_MAX];
		uint64_t here;

		while (n > 0 && path[n - 1] == '/')
			n--;
		if (snprintf(name, sizeof(name), "%s%.*s/%s", root, (int)n, path, file) <
			(int)sizeof(name)) {
			here = read_number(name);
			least = here < least ? here : least;
		}
		if (n == 0)
			return least;
		while (n > 0 && path[n - 1] != '/')
			n--;
	}
}

/* A line of /proc/self/cgroup: "0::/path" (version 2) or "4:memory:/path". */
static uint64_t
limit_of_line(const char *line)
{
	const char *path = strchr(line, '/');

	if (path == NULL)
		return UINT64_MAX;
	if (strncmp(line, "0::", 3) == 0)
		return memory_group_limit(CGROUP, path, "memory.max");
	if (strstr(line, ":memory:") != NULL)
		return memory_group_limit(
			CGROUP "/memory", path, "memory.limit_in_bytes");
	return UINT64_MAX;
}

static uint64_t
find_out(void)
{
	uint64_t least =
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		uint64_t limit;

		line[strcspn(line, "\n")] = '\0';
		limit = limit_of_line(line);
		least = limit < least ? limit : least;
	}
	if (f != NULL)
		fclose(f);
	return least;
}

uint64_t
memory_limit(void)
{
	static _Atomic uint64_t known;
	uint64_t limit = atomic_load_explicit(&known, memory_order_relaxed);

	if (limit == 0) {
		limit = find_out();
		atomic_store_explicit(&known, limit, memory_order_relaxed);
	}
	return limit;
}
