/*
 * What readers of events share while the clerk makes it: everybody gets everything once
 * and in order, wherever he begins, however fast the ring grows meanwhile.
 */
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "http/feed.h"

#define READERS 6
#define EVENTS 6000

static struct registry *registry;
static struct feed *feed;

static void
tell(unsigned i)
{
	char name[32];
	struct sighting who = SIGHTING_NONE;

	snprintf(name, sizeof(name), "file-%u", i);
	who.has_mac = true;
	who.mac = (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8 & 3), (uint8_t)i}};
	registry_tell(registry, &who,
		&(struct event){
			.kind = EV_SENT, .via = VIA_HTTP, .arch = -1, .name = name});
}

/* The numbers in the text go on from `*last`. */
static void
check(const char *text, uint64_t *last)
{
	for (const char *at = strstr(text, "id: "); at; at = strstr(at + 1, "\nid: ")) {
		uint64_t id = strtoull(at + (*at == '\n' ? 5 : 4), NULL, 10);

		assert_int_equal(id, *last + 1);
		*last = id;
	}
}

static void *
follow(void *arg)
{
	uint64_t cursor = *(uint64_t *)arg, last = cursor;

	while (last < EVENTS) {
		struct text out = {0};
		bool hungry = feed_events(feed, &cursor, &out);

		text_add(&out, "", 1);
		assert_false(out.bad);
		assert_in_range(out.len, 1, FEED_SLICE + 1024);
		check(out.p, &last);
		assert_int_equal(last, cursor);
		if (out.len == 1)
			usleep(hungry ? 100 : 1000);
		free(out.p);
	}
	return NULL;
}

static void
everybody_gets_everything(void **state)
{
	struct clerk *clerk = clerk_new();
	pthread_t reader[READERS];
	uint64_t from[READERS] = {0, 0, 0, 1, 17, 2500};

	registry = registry_new(&(struct registry_config){0});
	feed = feed_new(registry, clerk);
	assert_non_null(feed);
	for (unsigned i = 0; registry_newest(registry) < EVENTS / 2; i++)
		tell(i);
	for (unsigned i = 0; i < READERS; i++)
		pthread_create(&reader[i], NULL, follow, &from[i]);
	for (unsigned i = 0; registry_newest(registry) < EVENTS; i++)
		tell(i);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(reader[i], NULL);
	clerk_free(clerk);
	feed_free(feed);
	registry_free(registry);
}

static sem_t held;

static void
wait_for_it(struct task *task)
{
	sem_wait(&held);
	free(task);
}

/* Whoever asks waits for nothing; what a busy clerk refuses is asked for again. */
static void
a_busy_clerk_holds_nobody(void **state)
{
	struct clerk *clerk = clerk_new();
	struct text out = {0};
	uint64_t cursor = 0;
	unsigned tasks = 0;
	struct task *task;

	registry = registry_new(&(struct registry_config){0});
	feed = feed_new(registry, clerk);
	tell(1);
	sem_init(&held, 0, 0);
	do {
		task = calloc(1, sizeof(*task));
		task->run = wait_for_it;
	} while (clerk_give(clerk, task) && ++tasks);
	free(task);
	assert_true(feed_events(feed, &cursor, &out));
	assert_true(feed_events(feed, &cursor, &out));
	assert_int_equal(out.len, 0);
	while (tasks-- > 0)
		sem_post(&held);
	while (feed_events(feed, &cursor, &out))
		usleep(1000);
	assert_int_equal(cursor, registry_newest(registry));
	assert_true(out.len > 0);
	free(out.p);
	clerk_free(clerk);
	feed_free(feed);
	registry_free(registry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_gets_everything),
		cmocka_unit_test(a_busy_clerk_holds_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
