#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "sys/loop.h"

#define TIMERS 500

static struct loop *loop;
static struct loop_timer timers[TIMERS], last;
static unsigned fired;

static void
on_timer(void *arg)
{
	struct loop_timer *t = arg;

	assert_false(t->armed);
	assert_true(mono_reached(t->at, loop_now(loop)));
	fired++;
}

static void
on_last(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Armed, moved and deleted at random, they fire once and never early. */
static void
timers_fire_once_and_never_early(void **state)
{
	struct mono now = loop_now(loop);
	unsigned expected = 0;

	srand(1);
	fired = 0;
	for (int i = 0; i < TIMERS; i++)
		loop_timer_init(loop, &timers[i], on_timer, &timers[i]);
	for (int i = 0; i < 20 * TIMERS; i++) {
		struct loop_timer *t = &timers[rand() % TIMERS];

		if (rand() % 4 == 0)
			loop_timer_del(t);
		else
			loop_timer_at(t, mono_after(now, rand() % 20000));
	}
	for (int i = 0; i < TIMERS; i++)
		expected += timers[i].armed;
	assert_true(expected > TIMERS / 2);
	loop_timer_init(loop, &last, on_last, NULL);
	loop_timer_at(&last, mono_after(now, 100000));
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(fired, expected);
}

static void
never_disarms_and_the_past_is_now(void **state)
{
	loop_timer_init(loop, &last, on_last, NULL);
	loop_timer_at(&last, mono_after(loop_now(loop), 1000));
	loop_timer_at(&last, MONO_NEVER);
	assert_false(last.armed);
	loop_timer_at(&last, (struct mono){-5});
	assert_int_equal(loop_run(loop), 0);
	assert_false(last.armed);
}

static void
on_readable(void *arg)
{
	(void)arg; /* leaves the bytes there: it is always readable */
}

/* What is always readable does not keep timers from firing. */
static void
a_busy_descriptor_does_not_starve_timers(void **state)
{
	struct loop_fd w = {0};
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_fd_read(loop, &w, fds[0], on_readable, NULL), 0);
	loop_timer_init(loop, &last, on_last, NULL);
	loop_timer_at(&last, mono_after(loop_now(loop), 1000));
	assert_int_equal(loop_run(loop), 0);
	loop_fd_del(&w);
	close(fds[0]);
	close(fds[1]);
}

static int
setup(void **state)
{
	loop = loop_new();
	return loop ? 0 : -1;
}

static int
teardown(void **state)
{
	loop_free(loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_once_and_never_early),
		cmocka_unit_test(never_disarms_and_the_past_is_now),
		cmocka_unit_test(a_busy_descriptor_does_not_starve_timers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
