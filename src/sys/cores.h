/* How many cores this process may use. */
#ifndef PIXIE_SYS_CORES_H
#define PIXIE_SYS_CORES_H

/*
 * At least 1: those its affinity allows, or fewer where a control group (version 2, as
 * systemd's CPUQuota and containers set it) gives it less time than that; a part of a
 * core counts as one.
 */
unsigned cores_usable(void);

/* What the text of a group's cpu.max ("QUOTA PERIOD") allows; 0: no limit. */
unsigned cores_of_quota(const char *text);

#endif
