#define _GNU_SOURCE
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/log.h"

static const char *
format(char *buf, size_t cap, const char *who, struct kv kv)
{
	log_format(buf, cap, LEVEL_INFO, who, "event", &kv, 1);
	return buf;
}

static void
a_line_is_level_machine_event_and_pairs(void **state)
{
	const struct kv kv[] = {STR("name", "undionly.kpxe"), NUM("bytes", -3)};
	char buf[256];

	log_format(
		buf, sizeof(buf), LEVEL_WARNING, "00-11-22-33-44-55", "tftp-sent", kv, 2);
	assert_string_equal(
		buf, "WARNING 00-11-22-33-44-55 tftp-sent name=undionly.kpxe bytes=-3");
	log_format(buf, sizeof(buf), LEVEL_DEBUG, NULL, "started", NULL, 0);
	assert_string_equal(buf, "DEBUG - started");
}

static void
what_the_network_sent_cannot_forge_a_line(void **state)
{
	char buf[256];

	assert_string_equal(format(buf, sizeof(buf), "", STR("name", "a\nERROR - b")),
		"INFO - event name=\"a\\x0aERROR - b\"");
	assert_string_equal(format(buf, sizeof(buf), "", STR("name", "say \"x\" \\")),
		"INFO - event name=\"say \\\"x\\\" \\\\\"");
	assert_string_equal(format(buf, sizeof(buf), "", MEM("name", "a\0\xff", 3)),
		"INFO - event name=\"a\\x00\\xff\"");
	assert_string_equal(format(buf, sizeof(buf), "", STR("name", "a=b")),
		"INFO - event name=\"a=b\"");
	assert_string_equal(
		format(buf, sizeof(buf), "", STR("name", "")), "INFO - event name=\"\"");
}

static void
a_line_too_long_is_cut_not_overrun(void **state)
{
	char buf[32], name[200];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	format(buf, sizeof(buf), "who", STR("name", name));
	assert_true(strlen(buf) < sizeof(buf));
	assert_int_equal(strncmp(buf, "INFO who event", 14), 0);
}

static void
levels_in_any_case(void **state)
{
	enum log_level level = LEVEL_ERROR;

	assert_true(log_level_parse("DEBUG", &level));
	assert_int_equal(level, LEVEL_DEBUG);
	assert_true(log_level_parse("warning", &level));
	assert_int_equal(level, LEVEL_WARNING);
	assert_false(log_level_parse("LOUD", &level));
	assert_false(log_level_parse("", &level));
}

/* A long name must not push out who sent it. */
static void
a_value_too_long_leaves_room_for_the_others(void **state)
{
	char buf[2048], name[1900];
	const struct kv kv[] = {MEM("name", name, sizeof(name)), NUM("bytes", 7)};

	memset(name, '\x01', sizeof(name));
	log_format(buf, sizeof(buf), LEVEL_INFO, "who", "event", kv, 2);
	assert_non_null(strstr(buf, "\\x01...\" bytes=7"));
	memset(name, 'a', sizeof(name));
	log_format(buf, sizeof(buf), LEVEL_INFO, "who", "event", kv, 2);
	assert_non_null(strstr(buf, "aaa...\" bytes=7"));
}

/* `pixie 2>&1 | logger` and the logger hangs: its pipe blocks, we must not. */
static void
a_full_pipe_loses_lines_and_says_so_later(void **state)
{
	int ends[2], err = dup(STDERR_FILENO);
	char buf[1 << 16];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 16384);
	fflush(stderr);
	dup2(ends[1], STDERR_FILENO);
	alarm(10); /* what blocks ends here */
	for (int i = 0; i < 3000; i++)
		log_info(NULL, "event", NUM("i", i));
	n = read(ends[0], buf, sizeof(buf) - 1);
	log_info(NULL, "event", NUM("i", 3000));
	assert_true(n > 0);
	n = read(ends[0], buf, sizeof(buf) - 1);
	alarm(0);
	dup2(err, STDERR_FILENO);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "WARNING - log-lost lines="));
	assert_non_null(strstr(buf, "INFO - event i=3000\n"));
	close(err);
	close(ends[0]);
	close(ends[1]);
}

#define WRITERS 8
#define ROUNDS 2000

static pthread_barrier_t gate;

static void *
say_something_long(void *arg)
{
	static const char text[600];

	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&gate);
		log_info(NULL, "event", MEM("a", text, sizeof(text)),
			MEM("b", text, sizeof(text)), MEM("c", text, sizeof(text)));
		pthread_barrier_wait(&gate);
	}
	return NULL;
}

/* The pipe has room for one line, and each thread sees it. */
static void
the_last_room_goes_to_one_thread(void **state)
{
	pthread_t writers[WRITERS];
	int ends[2], err = dup(STDERR_FILENO);
	char line[4096];

	assert_int_equal(pipe2(ends, O_DIRECT), 0); /* a page a line, however short */
	fcntl(ends[1], F_SETPIPE_SZ, 16384);
	fflush(stderr);
	dup2(ends[1], STDERR_FILENO);
	alarm(60); /* what blocks ends here */
	for (int i = 0; i < 100; i++)
		log_info(NULL, "event");
	pthread_barrier_init(&gate, NULL, WRITERS + 1);
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&writers[i], NULL, say_something_long, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		assert_true(read(ends[0], line, sizeof(line)) > 0);
		pthread_barrier_wait(&gate);
		pthread_barrier_wait(&gate);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	alarm(0);
	dup2(err, STDERR_FILENO);
	pthread_barrier_destroy(&gate);
	close(err);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_level_machine_event_and_pairs),
		cmocka_unit_test(what_the_network_sent_cannot_forge_a_line),
		cmocka_unit_test(a_line_too_long_is_cut_not_overrun),
		cmocka_unit_test(a_value_too_long_leaves_room_for_the_others),
		cmocka_unit_test(a_full_pipe_loses_lines_and_says_so_later),
		cmocka_unit_test(the_last_room_goes_to_one_thread),
		cmocka_unit_test(levels_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
