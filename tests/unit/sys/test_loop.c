#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
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

/* Calls from other threads. */

#define POSTERS 8
#define CALLS 2000

struct parcel {
	struct loop_call call;
	unsigned from, number;
};

static unsigned next_number[POSTERS], received;
static pthread_t main_thread;

/* In the loop's thread, the calls of each poster in the order it posted them. */
static void
on_parcel(void *arg)
{
	struct parcel *p = arg;

	assert_true(pthread_equal(pthread_self(), main_thread));
	assert_int_equal(p->number, next_number[p->from]++);
	free(p);
	if (++received == POSTERS * CALLS)
		loop_stop(loop);
}

static void
never_dropped(void *arg)
{
	fail_msg("a call was dropped that the loop had time to run");
}

static void *
poster(void *arg)
{
	unsigned from = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < CALLS; i++) {
		struct parcel *p = malloc(sizeof(*p));

		p->from = from;
		p->number = i;
		loop_call_init(&p->call, on_parcel, never_dropped, p);
		loop_post(loop, &p->call);
	}
	return NULL;
}

static void
calls_of_many_threads_run_once_and_in_order(void **state)
{
	pthread_t threads[POSTERS];

	main_thread = pthread_self();
	received = 0;
	memset(next_number, 0, sizeof(next_number));
	for (uintptr_t i = 0; i < POSTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, (void *)i), 0);
	assert_int_equal(loop_run(loop), 0);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < POSTERS; i++)
		assert_int_equal(next_number[i], CALLS);
}

static struct loop_call again;
static unsigned runs, wanted_runs;

static void
count_run(void *arg)
{
	if (++runs == wanted_runs)
		loop_stop(loop);
	else if (arg != NULL)
		loop_post(loop, &again);
}

/* Until it has run a call is posted once; in its own run it may be posted anew. */
static void
a_call_posted_twice_runs_once(void **state)
{
	runs = 0;
	wanted_runs = 2;
	loop_call_init(&again, count_run, NULL, NULL);
	loop_post(loop, &again);
	loop_post(loop, &again);
	loop_timer_init(loop, &last, on_last, NULL);
	loop_timer_at(&last, mono_after(loop_now(loop), 20000));
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(runs, 1);
}

static void
a_call_may_post_itself_again(void **state)
{
	runs = 0;
	wanted_runs = 100;
	loop_call_init(&again, count_run, NULL, &again);
	loop_post(loop, &again);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(runs, 100);
}

static void
never_run(void *arg)
{
	fail_msg("a call ran without its loop");
}

static void
count_drop(void *arg)
{
	++*(unsigned *)arg;
}

static void
freeing_a_loop_drops_what_is_posted(void **state)
{
	struct loop *other = loop_new();
	struct loop_call calls[3];
	unsigned dropped = 0;

	for (int i = 0; i < 3; i++)
		loop_call_init(
			&calls[i], never_run, i == 1 ? NULL : count_drop, &dropped);
	for (int i = 0; i < 3; i++)
		loop_post(other, &calls[i]);
	loop_free(other);
	assert_int_equal(dropped, 2);
}

static void *
stopper(void *arg)
{
	loop_stop(arg);
	return NULL;
}

/* Whether the loop has begun to run or not, and only once. */
static void
another_thread_stops_a_loop(void **state)
{
	pthread_t thread;

	for (int i = 0; i < 200; i++) {
		assert_int_equal(pthread_create(&thread, NULL, stopper, loop), 0);
		assert_int_equal(loop_run(loop), 0);
		pthread_join(thread, NULL);
	}
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
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
		cmocka_unit_test(calls_of_many_threads_run_once_and_in_order),
		cmocka_unit_test(a_call_posted_twice_runs_once),
		cmocka_unit_test(a_call_may_post_itself_again),
		cmocka_unit_test(freeing_a_loop_drops_what_is_posted),
		cmocka_unit_test(another_thread_stops_a_loop),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
