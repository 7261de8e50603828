/*
 * The API without a socket and without its thread: a registry that is told things, a
 * request, the JSON that comes back; and what readers of events are sent.
 */
#define _GNU_SOURCE
#include "machine/clock.h"

#include <jansson.h>

#include "boot/sandbox.h"
#include "http/api.h"
#include "http/later.h"
#include "http/route.h"
#include "http/feed.h"
#include "http/stream.h"

struct scene {
	struct clock clock;
	struct registry *registry;
	struct loop *loop;
	struct api *api;
	struct site site;
};

static void
start(struct scene *s, size_t ring)
{
	memset(s, 0, sizeof(*s));
	s->registry = registry_with(&s->clock, 1000, ring);
	s->loop = loop_new();
	s->site.scripts = sandbox;
	s->api = api_new(&(struct api_options){.registry = s->registry,
		.site = &s->site,
		.version = "1.2.3",
		.token = "0123456789abcdef",
		.in_place = true});
	assert_non_null(s->api);
}

static void
stop(struct scene *s)
{
	api_free(s->api);
	loop_free(s->loop);
	registry_free(s->registry);
}

static struct span
span(const char *text)
{
	return text ? (struct span){text, strlen(text)} : (struct span){NULL, 0};
}

static struct request
request(enum method method, const char *path, const char *query)
{
	return (struct request){.method = method,
		.minor = 1,
		.path = span(path),
		.query = span(query),
		.host = span("localhost"),
		.content_type = span("application/json; charset=utf-8"),
		.authorization = span("Bearer 0123456789abcdef")};
}

static void
ask_from(struct scene *s, const struct request *req, const struct netaddr *peer,
	struct reply *r)
{
	struct visit v = {.site = &s->site,
		.api = s->api,
		.loop = s->loop,
		.req = req,
		.peer = peer,
		.control = peer->sa.sa_family == AF_UNIX,
		.now = 1000};
	struct later *later;

	memset(r, 0, sizeof(*r));
	route_answer(&v, r);
	later = r->later;
	if (later == NULL)
		return;
	memset(r, 0, sizeof(*r));
	later->fill(later, r);
	loop_stop(s->loop);
	loop_run(s->loop);
}

static void
ask(struct scene *s, const struct request *req, struct reply *r)
{
	struct netaddr peer = addr_n(1);

	ask_from(s, req, &peer, r);
}

/* The status, and the answer's JSON in `*out`. */
static int
answer(struct scene *s, const struct request *req, json_t **out)
{
	struct reply r;
	json_error_t error;

	ask(s, req, &r);
	if (r.content != NULL)
		*out = json_loadb((const char *)content_view(r.content, 0),
			content_size(r.content), 0, &error);
	else
		*out = json_loadb(r.text, r.text_len, 0, &error);
	if (*out == NULL)
		fail_msg("%s: %s", req->path.p, error.text);
	reply_done(&r);
	return r.status;
}

static json_t *
get(struct scene *s, const char *path, const char *query)
{
	struct request req = request(METHOD_GET, path, query);
	json_t *o;

	assert_int_equal(answer(s, &req, &o), 200);
	return o;
}

static const char *
text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));

	return t ? t : "";
}

static int
put(struct scene *s, const char *path, const char *body)
{
	struct request req = request(METHOD_PUT, path, "");
	json_t *o;
	int status;

	req.body = span(body);
	req.body_len = req.body.len;
	status = answer(s, &req, &o);
	assert_true(status == 200 || *text(o, "error"));
	json_decref(o);
	return status;
}

static void
a_state_is_set(void **state)
{
	struct scene s;
	json_t *m;

	start(&s, 0);
	assert_int_equal(put(&s, "/api/v1/machines/02:00:00:00:00:07/state",
				 "{\"state\":\"once\",\"by\":\"page\"}"),
		200);
	m = get(&s, "/api/v1/machines/0200.0000.0007", "");
	assert_string_equal(text(m, "id"), "02-00-00-00-00-07");
	assert_string_equal(text(m, "state"), "once");
	assert_string_equal(text(m, "state_by"), "page");
	assert_true(json_is_null(json_object_get(m, "boot")));
	assert_int_equal(json_array_size(json_object_get(m, "boots")), 0);
	json_decref(m);
	stop(&s);
}

static void
bad_changes(void **state)
{
	static const struct {
		const char *path, *body;
		int status;
	} cases[] = {
		{"/api/v1/machines/02-00-00-00-00-07/state", "", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state", "{", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state", "[]", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state", "{}", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state", "{\"state\":1}", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state", "{\"state\":\"on\"}", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state",
			"{\"state\":\"once\",\"state\":\"boot\"}", 422},
		{"/api/v1/machines/02-00-00-00-00-07/state", "{\"state\":\"once\"} x",
			422},
		{"/api/v1/machines/no-machine/state", "{\"state\":\"once\"}", 404},
		{"/api/v1/machines/192.0.2.99/state", "{\"state\":\"once\"}", 404},
		{"/api/v1/machines//state", "{\"state\":\"once\"}", 404},
		{"/api/v1/machines/02-00-00-00-00-07", "{\"state\":\"once\"}", 405},
		{"/api/v1/machines", "", 405},
		{"/api/v1/nothing", "", 404},
	};
	struct scene s;
	size_t n;

	start(&s, 0);
	for (size_t i = 0; i < COUNT(cases); i++)
		if (put(&s, cases[i].path, cases[i].body) != cases[i].status)
			fail_msg("%s %s", cases[i].path, cases[i].body);
	free(registry_machines(s.registry, &n));
	assert_int_equal(n, 0);
	stop(&s);
}

static void
changes_say_what_they_are(void **state)
{
	struct request req =
		request(METHOD_PUT, "/api/v1/machines/02-00-00-00-00-07/state", "");
	struct scene s;
	json_t *o;

	start(&s, 0);
	req.body = span("{\"state\":\"once\"}");
	req.body_len = req.body.len;
	req.content_type = span("text/plain");
	assert_int_equal(answer(&s, &req, &o), 415);
	json_decref(o);
	req.content_type = span(NULL);
	assert_int_equal(answer(&s, &req, &o), 415);
	json_decref(o);
	req.content_type = span("application/json");
	req.body = span(NULL);
	req.expects = true;
	assert_int_equal(answer(&s, &req, &o), 417);
	json_decref(o);
	req.expects = false;
	req.body_len = 5000;
	assert_int_equal(answer(&s, &req, &o), 413);
	json_decref(o);
	req.authorization = span(NULL);
	assert_int_equal(answer(&s, &req, &o), 401);
	json_decref(o);
	stop(&s);
}

static void
a_machine_is_forgotten(void **state)
{
	struct request req =
		request(METHOD_DELETE, "/api/v1/machines/02-00-00-00-00-07", "");
	struct scene s;
	json_t *o;

	start(&s, 0);
	assert_int_equal(answer(&s, &req, &o), 404);
	json_decref(o);
	put(&s, "/api/v1/machines/020000000007/state", "{\"state\":\"local\"}");
	assert_int_equal(answer(&s, &req, &o), 200);
	assert_true(json_is_true(json_object_get(o, "forgotten")));
	json_decref(o);
	req.method = METHOD_GET;
	assert_int_equal(answer(&s, &req, &o), 404);
	json_decref(o);
	stop(&s);
}

static void
tell_boot(struct scene *s, unsigned machine, const char *rom)
{
	struct sighting who = seen_as(machine);

	who.addr = addr_n(machine);
	who.arch = 7;
	who.product = "ThinkServer \xff";
	registry_tell(s->registry, &who,
		&(struct event){.kind = EV_DISCOVER,
			.via = VIA_DHCP,
			.arch = 7,
			.text = "PXEClient"});
	s->clock.ms += 500;
	registry_tell(s->registry, &who,
		&(struct event){.kind = EV_SENT,
			.via = VIA_TFTP,
			.arch = -1,
			.name = rom,
			.bytes = 1000,
			.total = 1000,
			.ms = 40});
	s->clock.ms += 500;
}

static void
the_story_of_a_machine(void **state)
{
	struct scene s;
	json_t *m, *boots, *events;

	start(&s, 0);
	put(&s, "/api/v1/machines/02-00-00-00-00-07/state", "{\"state\":\"boot\"}");
	tell_boot(&s, 7, "snponly64.efi");
	s.clock.ms += 3600000;
	registry_tick(s.registry);
	tell_boot(&s, 7, "snponly64.efi");
	tell_boot(&s, 8, "undionly.kpxe");
	m = get(&s, "/api/v1/machines/02-00-00-00-00-07", "");
	assert_string_equal(text(m, "arch_name"), "UEFI x86-64");
	assert_string_equal(text(m, "product"), "ThinkServer \xef\xbf\xbd");
	boots = json_object_get(m, "boots");
	assert_int_equal(json_array_size(boots), 2);
	events = json_object_get(json_array_get(boots, 0), "events");
	/* The state that was set before is told with the first boot. */
	assert_string_equal(text(json_array_get(events, 0), "kind"), "state");
	assert_string_equal(text(json_array_get(events, 1), "kind"), "boot");
	for (size_t i = 0; i < json_array_size(events); i++)
		assert_string_equal(
			text(json_array_get(events, i), "id"), "02-00-00-00-00-07");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(boots, 1), "number")),
		2);
	assert_string_equal(text(json_array_get(boots, 0), "outcome"), "failed");
	assert_true(json_is_object(json_object_get(json_array_get(boots, 0), "verdict")));
	json_decref(m);
	stop(&s);
}

static void
machines_are_searched(void **state)
{
	static const struct {
		const char *query;
		size_t n;
	} cases[] = {{"", 3}, {"q=", 3}, {"q=thinkserver", 3}, {"q=02-00-00-00-00-08", 1},
		{"q=02%3A00%3A00%3A00%3A00%3A09", 1}, {"q=10.0.0.7", 1}, {"q=nobody", 0}};
	struct scene s;

	start(&s, 0);
	for (unsigned i = 7; i < 10; i++)
		tell_boot(&s, i, "snponly64.efi");
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *o = get(&s, "/api/v1/machines", cases[i].query);

		if (json_array_size(json_object_get(o, "machines")) != cases[i].n)
			fail_msg("%s", cases[i].query);
		assert_int_equal(json_integer_value(json_object_get(o, "seq")),
			registry_newest(s.registry));
		json_decref(o);
	}
	stop(&s);
}

/* Who has the address by now may not have spoken yet: it is shown, and not changed. */
static void
the_address_of_before_a_restart(void **state)
{
	const char *path = "/api/v1/machines/10.0.0.7";
	struct machine_view was = {
		.has_mac = true, .mac = mac_n(7), .arch = 7, .addr = addr_n(7)};
	struct request forget = request(METHOD_DELETE, path, "");
	struct scene s;
	json_t *o;

	start(&s, 0);
	registry_restore_machine(s.registry, &was);
	o = get(&s, path, "");
	assert_string_equal(text(o, "id"), "02-00-00-00-00-07");
	assert_string_equal(text(o, "address"), "10.0.0.7");
	json_decref(o);
	assert_int_equal(
		put(&s, "/api/v1/machines/10.0.0.7/state", "{\"state\":\"once\"}"), 404);
	assert_int_equal(answer(&s, &forget, &o), 404);
	json_decref(o);
	tell_boot(&s, 7, "snponly64.efi"); /* it is there again */
	assert_int_equal(
		put(&s, "/api/v1/machines/10.0.0.7/state", "{\"state\":\"once\"}"), 200);
	stop(&s);
}

/* What a reader is sent: `*r` holds its stream, `out` what came. */
static void
follow(struct scene *s, const char *query, const char *last, struct reply *r)
{
	struct request req = request(METHOD_GET, "/api/v1/events", query);

	req.last_event = span(last);
	ask(s, &req, r);
	assert_int_equal(r->status, 200);
	assert_non_null(r->stream);
}

static char *
read_more(struct reply *r, struct mono now)
{
	size_t len;
	char *t = r->stream->more(r->stream, &len, now), *out;

	if (t == NULL)
		return strdup("");
	out = strndup(t, len);
	free(t);
	return out;
}

static unsigned
count(const char *in, const char *what)
{
	unsigned n = 0;

	for (; (in = strstr(in, what)) != NULL; in++)
		n++;
	return n;
}

static void
readers_resume(void **state)
{
	static const struct {
		const char *query, *last;
		bool second, third;
	} cases[] = {{"after=2", NULL, false, true}, {"", "2", false, true},
		{"after=0", "1", true, true}, {"after=1", "x", true, true},
		{"", NULL, false, false}, {"after=99", NULL, true, true}};
	struct scene s;

	start(&s, 0);
	tell_boot(&s, 7, "snponly64.efi"); /* 1 boot, 2 discover, 3 sent */
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct reply r;
		char *out;

		follow(&s, cases[i].query, cases[i].last, &r);
		out = read_more(&r, mono_now());
		assert_int_equal(count(out, "id: 2\nevent: discover\n"), cases[i].second);
		assert_int_equal(count(out, "id: 3\nevent: sent\n"), cases[i].third);
		/* A number of the process before this one. */
		assert_int_equal(count(r.text, "event: lost\n"),
			strcmp(cases[i].query, "after=99") == 0);
		free(out);
		reply_done(&r);
	}
	stop(&s);
}

/* Reads all there is, slice by slice: how many events of that kind there were. */
static unsigned
count_sent(struct reply *r)
{
	unsigned n = 0;

	do {
		char *out = read_more(r, mono_now());

		n += count(out, "event: sent\n");
		assert_int_equal(count(out, "event: lost"), 0);
		assert_in_range(strlen(out), 0, FEED_SLICE + 2048);
		free(out);
	} while (r->stream->is_hungry);
	return n;
}

/* Two readers, one text; and a third that is behind what is kept. */
static void
all_readers_get_all(void **state)
{
	struct scene s;
	struct reply slow, quick;
	unsigned seen = 0;

	start(&s, 0);
	follow(&s, "after=0", NULL, &slow);
	follow(&s, "after=0", NULL, &quick);
	for (unsigned i = 0; i < 1500; i++) {
		tell_boot(&s, i % 500, "snponly64.efi");
		if (i % 50 == 49)
			seen += count_sent(&quick);
	}
	assert_int_equal(seen, 1500);
	assert_int_equal(count_sent(&slow), 1500);
	reply_done(&slow);
	reply_done(&quick);
	stop(&s);
}

/* What the ring forgot is counted, to the event. */
static void
a_slow_reader_is_told(void **state)
{
	unsigned long long lost = 0, told = 0;
	struct scene s;
	struct reply r;

	start(&s, 64 * 1024);
	follow(&s, "after=0", NULL, &r);
	for (unsigned i = 0; i < 2000; i++)
		tell_boot(&s, i % 100, "snponly64.efi");
	for (;;) {
		char *out = read_more(&r, mono_now());
		const char *at = strstr(out, "data: {\"lost\":");
		unsigned n = count(out, "\nid: ") + (strncmp(out, "id: ", 4) == 0);

		if (at != NULL)
			lost += strtoull(at + 14, NULL, 10);
		told += n;
		free(out);
		if (n == 0)
			break;
	}
	assert_true(lost > 0 && told > 0);
	assert_int_equal(lost + told, registry_newest(s.registry));
	reply_done(&r);
	stop(&s);
}

/* It would be heard of again at once: that is no "nobody has heard of it". */
static void
a_machine_amid_a_transfer_is_not_forgotten(void **state)
{
	struct request req =
		request(METHOD_DELETE, "/api/v1/machines/02-00-00-00-00-07", "");
	struct sighting who = seen_as(7);
	struct progress *p;
	struct scene s;
	json_t *o;

	start(&s, 0);
	p = registry_transfer_begin(s.registry, &who,
		&(struct event){.kind = EV_ASKED, .arch = -1, .name = "vmlinuz"});
	assert_int_equal(answer(&s, &req, &o), 409);
	assert_non_null(strstr(text(o, "error"), "transfer"));
	json_decref(o);
	registry_transfer_end(
		s.registry, p, &(struct event){.kind = EV_SENT, .arch = -1});
	assert_int_equal(answer(&s, &req, &o), 200);
	json_decref(o);
	stop(&s);
}

static void
transfers_are_shown(void **state)
{
	struct mono now = mono_now();
	struct sighting who = seen_as(7);
	struct progress *p;
	struct scene s;
	struct reply r;
	char *out;

	start(&s, 0);
	follow(&s, "", NULL, &r);
	out = read_more(&r, now);
	assert_int_equal(count(out, "event: progress"), 0);
	free(out);
	p = registry_transfer_begin(s.registry, &who,
		&(struct event){.kind = EV_ASKED,
			.via = VIA_HTTP,
			.arch = -1,
			.name = "vmlinuz",
			.total = 1000});
	progress_set(p, 420);
	now = mono_after(now, MONO_S(1));
	out = read_more(&r, now);
	assert_int_equal(count(out, "\"bytes\":420,\"total\":1000"), 1);
	free(out);
	/* What stands still is not told again. */
	now = mono_after(now, MONO_S(1));
	out = read_more(&r, now);
	assert_int_equal(count(out, "event: progress"), 0);
	free(out);
	registry_transfer_end(s.registry, p,
		&(struct event){.kind = EV_SENT, .via = VIA_HTTP, .arch = -1});
	now = mono_after(now, MONO_S(1));
	out = read_more(&r, now);
	assert_int_equal(count(out, "data: {\"transfers\":[]}"), 1);
	free(out);
	/* And then there is nothing but a heartbeat. */
	now = mono_after(now, MONO_S(14));
	out = read_more(&r, now);
	assert_string_equal(out, "");
	free(out);
	now = mono_after(now, MONO_S(2));
	out = read_more(&r, now);
	assert_string_equal(out, ": pixie is here\n\n");
	free(out);
	reply_done(&r);
	stop(&s);
}

/* 32 from an address, 256 in all; by the Unix socket all may be one's. */
static void
readers_are_bounded(void **state)
{
	static struct reply readers[300];
	struct request req = request(METHOD_GET, "/api/v1/events", "");
	const struct netaddr control = {.sa.sa_family = AF_UNIX};
	struct scene s;

	start(&s, 0);
	for (unsigned i = 0; i < COUNT(readers); i++) {
		struct netaddr host = addr_n(i / 40);

		ask_from(&s, &req, i < 200 ? &host : &control, &readers[i]);
		if (i < 200)
			assert_int_equal(readers[i].status, i % 40 < 32 ? 200 : 429);
		else
			assert_int_equal(
				readers[i].status, i - 200 < 256 - 5 * 32 ? 200 : 503);
		assert_int_equal(readers[i].retry_after, readers[i].status > 200 ? 5 : 0);
	}
	for (size_t i = 0; i < COUNT(readers); i++)
		reply_done(&readers[i]);
	follow(&s, "", NULL, &readers[0]); /* they left */
	reply_done(&readers[0]);
	stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_is_set),
		cmocka_unit_test(bad_changes),
		cmocka_unit_test(changes_say_what_they_are),
		cmocka_unit_test(a_machine_is_forgotten),
		cmocka_unit_test(a_machine_amid_a_transfer_is_not_forgotten),
		cmocka_unit_test(the_story_of_a_machine),
		cmocka_unit_test(machines_are_searched),
		cmocka_unit_test(the_address_of_before_a_restart),
		cmocka_unit_test(readers_resume),
		cmocka_unit_test(all_readers_get_all),
		cmocka_unit_test(a_slow_reader_is_told),
		cmocka_unit_test(transfers_are_shown),
		cmocka_unit_test(readers_are_bounded),
	};

	return cmocka_run_group_tests_name(
		"http api", tests, make_sandbox, remove_sandbox);
}
