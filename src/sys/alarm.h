/*
 * A timer that is late by microseconds, where those of sys/loop.h may be late by
 * milliseconds. It costs a system call each time it is set: for spacing packets.
 */
#ifndef PIXIE_SYS_ALARM_H
#define PIXIE_SYS_ALARM_H

#include "sys/loop.h"

/* Embedded by its owner. */
struct alarm {
	int fd;
	struct loop_fd watch;
	void (*ring)(void *arg);
	void *arg;
	struct mono at; /* MONO_NEVER when not set */
};

/* 0 or -errno; alarm_deinit() is fine in either case, and never on a zeroed one. */
int alarm_init(
	struct alarm *alarm, struct loop *loop, void (*ring)(void *arg), void *arg);
void alarm_deinit(struct alarm *alarm);
/* One shot, replacing an earlier one; what has passed rings at once. */
void alarm_at(struct alarm *alarm, struct mono at);

#endif
