#define _GNU_SOURCE
#include "sys/cores.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define GROUPS "/sys/fs/cgroup"

unsigned
cores_of_quota(const char *text)
{
	unsigned long quota, period;

	if (sscanf(text, "%lu %lu", &quota, &period) != 2 || quota == 0 || period == 0)
		return 0; /* "max 100000", or nothing we know */
	quota = quota / period + (quota % period != 0);
	return quota < UINT_MAX ? (unsigned)quota : 0;
}

static bool
read_line(const char *path, char *line, int cap)
{
	FILE *f = fopen(path, "re");
	bool got = f != NULL && fgets(line, cap, f) != NULL;

	if (f != NULL)
		fclose(f);
	return got;
}

/* Our group's path below GROUPS, "/a/b": version 2 has one line, "0::/a/b". */
static bool
find_group(char path[static PATH_MAX])
{
	char line[PATH_MAX];

	if (!read_line("/proc/self/cgroup", line, sizeof(line)) ||
		strncmp(line, "0::/", 4) != 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	snprintf(path, PATH_MAX, "%s", line + 3);
	return true;
}

/* The least that the group or one above it allows; 0: no limit. */
static unsigned
group_limit(void)
{
	char group[PATH_MAX], path[PATH_MAX + 64], line[64], *last;
	unsigned least = 0, n;

	if (!find_group(group))
		return 0;
	do {
		snprintf(path, sizeof(path), GROUPS "%s/cpu.max", group);
		n = read_line(path, line, sizeof(line)) ? cores_of_quota(line) : 0;
		if (n != 0 && (least == 0 || n < least))
			least = n;
		last = strrchr(group, '/');
		if (last != NULL)
			*last = '\0';
	} while (last != NULL);
	return least;
}

unsigned
cores_usable(void)
{
	cpu_set_t set;
	unsigned cores, limit = group_limit();

	/* It fails where there are more cores than the set holds: then more than one. */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cores = (unsigned)CPU_COUNT(&set);
	else
		cores = CPU_SETSIZE;
	return limit != 0 && limit < cores ? limit : cores;
}
