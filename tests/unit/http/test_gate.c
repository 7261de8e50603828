/* Who may ask and who may change: tables of what a browser, a rebinder or a thief sends.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "http/gate.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static struct span
span(const char *text)
{
	return text ? (struct span){text, strlen(text)} : (struct span){NULL, 0};
}

struct case_of {
	const char *host, *origin, *site, *authorization;
	bool control;
	int read, change;
};

static const struct case_of cases[] = {
	/* Tools: no Origin. */
	{"192.0.2.1", NULL, NULL, NULL, false, 0, 401},
	{"192.0.2.1:8080", NULL, NULL, "Bearer " TOKEN, false, 0, 0},
	{"[2001:db8::1]:80", NULL, NULL, "bearer " TOKEN, false, 0, 0},
	{NULL, NULL, NULL, "Bearer " TOKEN, false, 0, 0},
	{"localhost:8080", NULL, NULL, "Bearer " TOKEN, false, 0, 0},
	{"boot", NULL, NULL, "Bearer " TOKEN, false, 0, 0},
	{"BOOT.example.net.:80", NULL, NULL, "Bearer " TOKEN, false, 0, 0},
	/* Our own page. */
	{"boot", "http://boot", "same-origin", "Bearer " TOKEN, false, 0, 0},
	{"192.0.2.1:80", "http://192.0.2.1:80", "same-origin", NULL, false, 0, 401},
	{"boot", "https://boot", "same-origin", "Bearer " TOKEN, false, 0, 0},
	{"192.0.2.1", NULL, "none", NULL, false, 0, 401},
	/* Other sites, with the token or without. */
	{"192.0.2.1", "http://evil.example", "cross-site", NULL, false, 403, 403},
	{"192.0.2.1", "http://evil.example", NULL, "Bearer " TOKEN, false, 403, 403},
	{"192.0.2.1", NULL, "cross-site", "Bearer " TOKEN, false, 403, 403},
	{"192.0.2.1", NULL, "same-site", "Bearer " TOKEN, false, 403, 403},
	{"192.0.2.1", "null", NULL, "Bearer " TOKEN, false, 403, 403},
	{"192.0.2.1", "http://192.0.2.1:8080", NULL, "Bearer " TOKEN, false, 403, 403},
	{"192.0.2.1", "http://192.0.2.10", NULL, "Bearer " TOKEN, false, 403, 403},
	{"192.0.2.1", "ftp://192.0.2.1", NULL, "Bearer " TOKEN, false, 403, 403},
	/* Names that were made to point to us. */
	{"evil.example", NULL, NULL, NULL, false, 403, 403},
	{"evil.example", "http://evil.example", "same-origin", "Bearer " TOKEN, false,
		403, 403},
	{"192.0.2.1.evil.example", NULL, NULL, "Bearer " TOKEN, false, 403, 403},
	{"0.0.0.0", NULL, NULL, "Bearer " TOKEN, false, 403, 403},
	{"boot.evil.example", NULL, NULL, "Bearer " TOKEN, false, 403, 403},
	{"boo", NULL, NULL, "Bearer " TOKEN, false, 403, 403},
	{"localhost.evil.example", NULL, NULL, NULL, false, 403, 403},
	/* Wrong tokens. */
	{"boot", NULL, NULL, "Bearer ", false, 0, 401},
	{"boot", NULL, NULL, "Bearer " TOKEN "0", false, 0, 401},
	{"boot", NULL, NULL, "Bearer 0123456789abcdef", false, 0, 401},
	{"boot", NULL, NULL, "Basic " TOKEN, false, 0, 401},
	{"boot", NULL, NULL, TOKEN, false, 0, 401},
	/* The Unix socket's rights were asked by the kernel. */
	{"whatever", NULL, NULL, NULL, true, 0, 0},
};

static void
gate(struct gate *g, const char *token, const char *names)
{
	gate_init(g, token, names);
	strcpy(g->own_name, "boot.example.net");
}

static struct visit
visit(struct request *req, const struct case_of *c, const struct netaddr *peer)
{
	*req = (struct request){.host = span(c->host),
		.origin = span(c->origin),
		.fetch_site = span(c->site),
		.authorization = span(c->authorization)};
	return (struct visit){
		.req = req, .peer = peer, .control = c->control, .now = 1000};
}

static void
who_may(void **state)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct netaddr peer = netaddr_of_v4(be32_from(0xc0000207), 0);
		struct request req;
		struct visit v = visit(&req, &cases[i], &peer);
		struct gate g;

		gate(&g, TOKEN, NULL);
		if (gate_read(&g, &v).status != cases[i].read ||
			gate_change(&g, &v).status != cases[i].change)
			fail_msg("case %zu: %s", i, cases[i].host);
		gate_deinit(&g);
	}
}

static void
without_a_token_nobody_changes(void **state)
{
	struct case_of c = {"boot", NULL, NULL, "Bearer ", false, 0, 0};
	struct netaddr peer = {0};
	struct request req;
	struct visit v = visit(&req, &c, &peer);
	struct gate g;

	gate(&g, "", NULL);
	assert_int_equal(gate_read(&g, &v).status, 0);
	assert_int_equal(gate_change(&g, &v).status, 403);
	v.control = true;
	assert_int_equal(gate_change(&g, &v).status, 0);
	gate_deinit(&g);
}

static void
more_names(void **state)
{
	static const struct {
		const char *host;
		bool ours;
	} names[] = {{"a.example", true}, {"B.example:80", true}, {"c.example", false},
		{"a.exampl", false}, {"a.example,b.example", false}, {"", true}};
	struct gate g;

	gate(&g, NULL, "a.example,b.example");
	for (size_t i = 0; i < COUNT(names); i++) {
		struct request req = {.host = span(names[i].host)};

		assert_int_equal(gate_host_is_ours(&g, &req), names[i].ours);
	}
	gate_deinit(&g);
}

static int
try(struct gate *g, const char *token, const struct netaddr *peer, time_t at)
{
	struct case_of c = {"boot", NULL, NULL, token, false, 0, 0};
	struct request req;
	struct visit v = visit(&req, &c, peer);

	v.now = at;
	return gate_change(g, &v).status;
}

/* Ten mistakes, then one a second; another address is not its hostage. */
static void
guessing_is_slow(void **state)
{
	struct netaddr thief = netaddr_of_v4(be32_from(0xc0000207), 0);
	struct netaddr admin = netaddr_of_v4(be32_from(0xc0000208), 0);
	unsigned looked_at = 0;
	struct gate g;

	gate(&g, TOKEN, NULL);
	for (int i = 0; i < 1000; i++)
		looked_at += try(&g, "Bearer no", &thief, 1000) == 401;
	assert_int_equal(looked_at, 10);
	assert_int_equal(try(&g, "Bearer " TOKEN, &thief, 1000), 429);
	assert_int_equal(try(&g, "Bearer " TOKEN, &admin, 1000), 0);
	for (int s = 1; s <= 100; s++)
		for (int i = 0; i < 10; i++)
			looked_at += try(&g, "Bearer no", &thief, 1000 + s) == 401;
	assert_int_equal(looked_at, 110);
	assert_int_equal(try(&g, "Bearer " TOKEN, &thief, 1101), 0);
	gate_deinit(&g);
}

/* No token at all is no guess: the page asks before it has one. */
static void
asking_without_a_token_is_no_guess(void **state)
{
	struct netaddr admin = netaddr_of_v4(be32_from(0xc0000208), 0);
	struct gate g;

	gate(&g, TOKEN, NULL);
	for (int i = 0; i < 100; i++)
		assert_int_equal(try(&g, NULL, &admin, 1000), 401);
	assert_int_equal(try(&g, "Bearer " TOKEN, &admin, 1000), 0);
	gate_deinit(&g);
}

/* All addresses of an IPv6 network are one guesser. */
static void
a_network_is_one_guesser(void **state)
{
	unsigned looked_at = 0;
	struct gate g;

	gate(&g, TOKEN, NULL);
	for (int i = 0; i < 100; i++) {
		struct netaddr peer = {.v6 = {.sin6_family = AF_INET6}};

		peer.v6.sin6_addr.s6_addr[0] = 0x20;
		peer.v6.sin6_addr.s6_addr[15] = (uint8_t)i;
		looked_at += try(&g, "Bearer no", &peer, 1000) == 401;
	}
	assert_int_equal(looked_at, 10);
	gate_deinit(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may),
		cmocka_unit_test(without_a_token_nobody_changes),
		cmocka_unit_test(more_names),
		cmocka_unit_test(guessing_is_slow),
		cmocka_unit_test(asking_without_a_token_is_no_guess),
		cmocka_unit_test(a_network_is_one_guesser),
	};

	return cmocka_run_group_tests_name("http gate", tests, NULL, NULL);
}
