#include "sys/alarm.h"

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void
on_expired(void *arg)
{
	struct alarm *alarm = arg;
	uint64_t times;

	/* Nothing to read: it was set anew since the loop saw it. */
	if (read(alarm->fd, &times, sizeof(times)) != sizeof(times))
		return;
	alarm->at = MONO_NEVER;
	alarm->ring(alarm->arg);
}

int
alarm_init(struct alarm *alarm, struct loop *loop, void (*ring)(void *arg), void *arg)
{
	*alarm = (struct alarm){.ring = ring, .arg = arg, .at = MONO_NEVER};
	alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (alarm->fd < 0)
		return -errno;
	return loop_fd_read(loop, &alarm->watch, alarm->fd, on_expired, alarm) < 0
		       ? -ENOMEM
		       : 0;
}

void
alarm_deinit(struct alarm *alarm)
{
	loop_fd_del(&alarm->watch);
	if (alarm->fd >= 0)
		close(alarm->fd);
	alarm->fd = -1;
}

void
alarm_at(struct alarm *alarm, struct mono at)
{
	/* Zero would disarm it. */
	int64_t us = at.us > 0 ? at.us : 1;
	struct itimerspec when = {
		.it_value = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}};

	if (at.us == MONO_NEVER.us)
		when.it_value = (struct timespec){0};
	alarm->at = at;
	timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &when, NULL);
}
