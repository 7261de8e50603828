/* The alarm in a real loop: that it rings, in order, and not before its time. */
#include "unit.h"

#include "sys/alarm.h"

static struct loop *loop;
static struct alarm first, second;
static char order[16];

static void
ring_first(void *arg)
{
	assert_true(mono_reached(*(struct mono *)arg, loop_now(loop)));
	assert_true(first.at.us == MONO_NEVER.us);
	strcat(order, "1");
	alarm_at(&second, mono_after(loop_now(loop), 300));
}

static void
ring_second(void *arg)
{
	strcat(order, "2");
	if (strlen(order) < 4)
		alarm_at(&second, (struct mono){0}); /* long past */
	else
		loop_stop(loop);
}

static void
it_rings_when_its_time_has_come(void **state)
{
	struct mono at;

	loop = loop_new();
	assert_int_equal(alarm_init(&first, loop, ring_first, &at), 0);
	assert_int_equal(alarm_init(&second, loop, ring_second, NULL), 0);
	at = mono_after(loop_now(loop), 2500);
	alarm_at(&second, loop_now(loop));
	alarm_at(&second, MONO_NEVER); /* taken back */
	alarm_at(&first, loop_now(loop));
	alarm_at(&first, at); /* put off */
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(order, "1222");
	alarm_deinit(&first);
	alarm_deinit(&second);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_rings_when_its_time_has_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
