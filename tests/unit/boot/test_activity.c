/* What several threads hear reaches one. */
#include "unit.h"

#include <pthread.h>

#include "boot/activity.h"

#define THREADS 4
#define EACH 500 /* all of them fit under way */

static struct loop *loop;
static pthread_t main_thread;
static unsigned heard, next_port[THREADS];

static void
on_heard(void *arg, const struct who *who, const struct netaddr *peer)
{
	unsigned thread = who->mac.b[5];

	assert_ptr_equal(arg, &heard);
	assert_true(pthread_equal(pthread_self(), main_thread));
	assert_true(who->has_mac);
	assert_in_range(thread, 0, THREADS - 1);
	assert_int_equal(netaddr_port(peer), ++next_port[thread]);
	if (++heard == THREADS * EACH)
		loop_stop(loop);
}

static const struct activity ear = {on_heard, &heard};
static struct activity_relay relay;

static void *
tell(void *arg)
{
	struct who who = {.has_mac = true};
	struct netaddr peer;

	netaddr_parse_host("192.0.2.7", &peer);
	who.mac.b[5] = (uint8_t)(uintptr_t)arg;
	for (unsigned i = 1; i <= EACH; i++) {
		netaddr_set_port(&peer, (uint16_t)i);
		activity_heard(&relay.activity, &who, &peer);
	}
	return NULL;
}

static void
all_is_heard_in_the_loops_thread(void **state)
{
	pthread_t threads[THREADS];

	heard = 0;
	memset(next_port, 0, sizeof(next_port));
	activity_relay_init(&relay, &ear, loop);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, tell, (void *)i), 0);
	assert_int_equal(loop_run(loop), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(heard, THREADS * EACH);
	assert_int_equal(relay.under_way, 0);
}

static void
count(void *arg, const struct who *who, const struct netaddr *peer)
{
	++*(unsigned *)arg;
}

static void
stop(void *arg)
{
	loop_stop(loop);
}

/* A loop that is stuck does not have memory filled; what was under way still comes. */
static void
beyond_a_limit_nothing_is_passed_on(void **state)
{
	unsigned n = 0;
	const struct activity to = {count, &n};
	struct loop_call last;
	struct who who = {0};
	struct netaddr peer = {0};

	activity_relay_init(&relay, &to, loop);
	for (unsigned i = 0; i < ACTIVITY_RELAY_MAX + 100; i++)
		activity_heard(&relay.activity, &who, &peer);
	assert_int_equal(relay.under_way, ACTIVITY_RELAY_MAX);
	loop_call_init(&last, stop, NULL, NULL);
	loop_post(loop, &last);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(n, ACTIVITY_RELAY_MAX);
	assert_int_equal(relay.under_way, 0);
}

static void
what_is_under_way_when_the_loop_ends_is_forgotten(void **state)
{
	struct loop *other = loop_new();
	unsigned n = 0;
	const struct activity to = {count, &n};
	struct who who = {0};
	struct netaddr peer = {0};

	activity_relay_init(&relay, &to, other);
	activity_heard(&relay.activity, &who, &peer);
	activity_heard(&relay.activity, &who, &peer);
	loop_free(other);
	assert_int_equal(n, 0);
	assert_int_equal(relay.under_way, 0);
}

static int
setup(void **state)
{
	main_thread = pthread_self();
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
		cmocka_unit_test(all_is_heard_in_the_loops_thread),
		cmocka_unit_test(beyond_a_limit_nothing_is_passed_on),
		cmocka_unit_test(what_is_under_way_when_the_loop_ends_is_forgotten),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
