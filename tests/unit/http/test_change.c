/*
 * A change by the API, with its thread and a real store: who makes the answer, and what
 * becomes of one that waits for the disk when all ends.
 */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/prctl.h>

#include "boot/script_list.h"
#include "http/api.h"
#include "http/later.h"
#include "http/route.h"

#define FILE_NAME "state.db"
#define PATH "/api/v1/machines/02-00-00-00-00-07"

struct scene {
	struct registry *registry;
	struct store *store;
	struct loop *loop;
	struct api *api;
	struct site site;
	struct later *later;
	int status; /* of the answer */
};

/* Reads of the directory of scripts, and the name of the thread that did the last. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned reads;
static char reader[32];

struct script_list *__real_script_list_read(const char *dir);
struct script_list *__wrap_script_list_read(const char *dir);

struct script_list *
__wrap_script_list_read(const char *dir)
{
	pthread_mutex_lock(&lock);
	reads++;
	prctl(PR_GET_NAME, reader);
	pthread_mutex_unlock(&lock);
	return __real_script_list_read(dir);
}

static void
start(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->registry = registry_new(&(struct registry_config){0});
	s->store = store_open(in_sandbox(FILE_NAME), s->registry);
	s->loop = loop_new();
	s->site.scripts = sandbox;
	s->api = api_new(&(struct api_options){.registry = s->registry,
		.store = s->store,
		.site = &s->site,
		.version = "1",
		.token = "0123456789abcdef"});
	assert_non_null(s->api);
}

/* As cmd/serve.c does it. */
static void
stop(struct scene *s)
{
	api_stop(s->api);
	assert_true(store_close(s->store));
	registry_free(s->registry);
	api_free(s->api);
	loop_free(s->loop);
}

static struct span
span(const char *text)
{
	return (struct span){text, strlen(text)};
}

static void
ask(struct scene *s, enum method method, const char *path, const char *body)
{
	const struct netaddr peer = netaddr_of_v4(be32_from(0x0a000001), 0);
	struct request req = {.method = method,
		.minor = 1,
		.path = span(path),
		.query = span(""),
		.host = span("localhost"),
		.content_type = span("application/json"),
		.authorization = span("Bearer 0123456789abcdef"),
		.body = span(body),
		.body_len = strlen(body)};
	struct visit v = {.site = &s->site,
		.api = s->api,
		.loop = s->loop,
		.req = &req,
		.peer = &peer};
	struct reply r = {0};

	route_answer(&v, &r);
	s->later = r.later;
	assert_non_null(s->later);
}

static void
on_ready(struct link *link)
{
	struct scene *s = (struct scene *)(void *)link;
	struct reply r = {0};

	s->later->fill(s->later, &r);
	s->status = r.status;
	reply_done(&r);
	loop_stop(s->loop);
}

static int
answered(struct scene *s)
{
	later_wait(s->later, (struct link *)(void *)s, on_ready);
	loop_run(s->loop);
	return s->status;
}

static void
assert_done(int status)
{
	assert_true(status == 200 || status == 202); /* a slow disk */
}

/* Not the store's thread: others wait for that, and a directory may hang. */
static void
the_clerk_makes_the_answer(void **state)
{
	struct scene s;

	(void)state;
	start(&s);
	reads = 0;
	ask(&s, METHOD_PUT, PATH "/state", "{\"state\":\"once\"}");
	assert_done(answered(&s));
	assert_int_equal(reads, 1);
	assert_string_equal(reader, "pixie-api");
	ask(&s, METHOD_DELETE, PATH, "");
	assert_done(answered(&s));
	ask(&s, METHOD_GET, PATH, "");
	assert_int_equal(answered(&s), 404);
	stop(&s);
}

/* Nobody hears the answer, and what was to carry it is freed. */
static void
all_ends_while_the_disk_is_waited_for(void **state)
{
	struct scene s;
	sqlite3 *db;

	(void)state;
	start(&s);
	assert_int_equal(sqlite3_open(in_sandbox(FILE_NAME), &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 30000);
	assert_int_equal(
		sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	ask(&s, METHOD_PUT, PATH "/state", "{\"state\":\"once\"}");
	stop(&s);
	sqlite3_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_clerk_makes_the_answer, make_sandbox, remove_sandbox),
		cmocka_unit_test_setup_teardown(all_ends_while_the_disk_is_waited_for,
			make_sandbox, remove_sandbox),
	};

	return cmocka_run_group_tests_name("http change", tests, NULL, NULL);
}
