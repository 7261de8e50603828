/*
 * Ten thousand machines boot at once, told by four threads while a fifth reads and the
 * clock ticks. What must hold is how much is kept, and that each has its verdict; how
 * fast it was is only printed.
 */
#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"

#define MACHINES 10000
#define TELLERS 4
/* 5 MB of machines, 16 MiB of ring, 2 MB to find them by; whatever happens. */
#define BYTES_MAX (23u << 20)
/* Running transfers are on top of that. */
#define STEPS 12

static struct registry *registry;
static _Atomic int64_t clock_ms;
static _Atomic uint64_t told;
static atomic_bool over;

static struct mono
now(void *arg)
{
	(void)arg;
	return (struct mono){MONO_MS(atomic_load(&clock_ms))};
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return 1700000000000 + atomic_load(&clock_ms);
}

static void
say(const struct sighting *who, enum event_kind kind, enum transport via,
	const char *name, const char *text)
{
	registry_tell(registry, who,
		&(struct event){.kind = kind,
			.via = via,
			.arch = 7,
			.name = name,
			.text = text,
			.bytes = 1000});
	atomic_fetch_add(&told, 1);
}

static void
transfer(const struct sighting *who, enum transport via, const char *name)
{
	struct progress *p = registry_transfer_begin(registry, who,
		&(struct event){.kind = EV_ASKED,
			.via = via,
			.arch = -1,
			.name = name,
			.total = 9000000});

	for (uint64_t at = 0; at <= 9000000; at += 1000000)
		progress_set(p, at);
	registry_transfer_end(registry, p,
		&(struct event){
			.kind = EV_SENT, .via = via, .arch = -1, .bytes = 9000000});
	atomic_fetch_add(&told, 2);
}

/* The step of a boot that a machine takes. */
static void
step(const struct sighting *who, int at)
{
	static const char pxe[] = "PXEClient:Arch:00007:UNDI:003016";
	char script[64], mac[MAC_TEXT];

	snprintf(script, sizeof(script), "ipxe/%s.ipxe", mac_text(&who->mac, mac));
	switch (at) {
	case 0:
		say(who, EV_DISCOVER, VIA_DHCP, NULL, pxe);
		break;
	case 1:
		say(who, EV_OFFER, VIA_DHCP, "snponly64.efi", "boot file on port 4011");
		break;
	case 2:
		say(who, EV_ACK, VIA_DHCP, "snponly64.efi", "boot file on port 4011");
		break;
	case 3:
		say(who, EV_PROBED, VIA_TFTP, "snponly64.efi", NULL);
		break;
	case 4:
		transfer(who, VIA_TFTP, "snponly64.efi");
		break;
	case 5:
		say(who, EV_SENT, VIA_TFTP, "autoexec.ipxe", NULL);
		break;
	case 6:
		say(who, EV_ASKED, VIA_HTTP, "chain.ipxe", NULL);
		break;
	case 7:
		say(who, EV_SENT, VIA_HTTP, "chain.ipxe", NULL);
		break;
	case 8:
		say(who, EV_ASKED, VIA_HTTP, script, NULL);
		break;
	case 9:
		say(who, EV_SCRIPT, VIA_HTTP, script, NULL);
		break;
	case 10:
		transfer(who, VIA_HTTP, "extra/vmlinuz");
		break;
	default:
		transfer(who, VIA_HTTP, "extra/initrd.img");
	}
}

static void *
teller(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg;

	for (int at = 0; at < STEPS; at++)
		for (unsigned i = first; i < MACHINES; i += TELLERS) {
			struct sighting who = seen_as(i + 1);

			who.addr = addr_n(i + 1);
			who.by_dhcp = at < 3;
			who.arch = 7;
			step(&who, at);
			if (i % 1000 == 0)
				atomic_fetch_add(&clock_ms, 20);
		}
	return NULL;
}

/* A page: all machines, what is under way, and the ring as it goes. */
static void *
reader(void *arg)
{
	struct event *out = malloc(256 * sizeof(*out));
	char *buf = malloc(65536);
	uint64_t cursor = 0, lost, seen = 0, gone = 0;
	size_t n = 1;

	while (!atomic_load(&over) || n > 0) {
		size_t count;

		n = registry_events(registry, &cursor, NULL, out, 256, buf, 65536, &lost);
		seen += n;
		gone += lost;
		if (seen % 4096 < 256) {
			free(registry_machines(registry, &count));
			free(registry_transfers(registry, NULL, &count));
		}
	}
	free(out);
	free(buf);
	*(uint64_t *)arg = seen + gone;
	return NULL;
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
tick_for(int64_t ms)
{
	double began = seconds(), longest = 0;

	for (int64_t at = 0; at < ms; at += 1000) {
		double t = seconds();

		atomic_fetch_add(&clock_ms, 1000);
		registry_tick(registry);
		if (seconds() - t > longest)
			longest = seconds() - t;
	}
	print_message("%lld ticks in %.2f s, the longest %.1f ms\n", (long long)ms / 1000,
		seconds() - began, longest * 1e3);
}

static void
test_ten_thousand(void **state)
{
	pthread_t tellers[TELLERS], page;
	uint64_t read_by_page;
	struct machine_view *views;
	double began = seconds();
	size_t n, booted = 0;

	(void)state;
	registry = registry_new(&(struct registry_config){.now = now, .wall_ms = wall});
	assert_non_null(registry);
	pthread_create(&page, NULL, reader, &read_by_page);
	for (uintptr_t i = 0; i < TELLERS; i++)
		pthread_create(&tellers[i], NULL, teller, (void *)i);
	for (int i = 0; i < TELLERS; i++)
		pthread_join(tellers[i], NULL);
	print_message("%llu events in %.2f s, %zu bytes\n",
		(unsigned long long)atomic_load(&told), seconds() - began,
		registry_memory(registry));
	tick_for(60000);
	atomic_store(&over, true);
	pthread_join(page, NULL);
	/* Nothing passed the reader that was neither given to it nor said to be lost. */
	assert_int_equal(read_by_page, registry_newest(registry));
	assert_int_equal(registry_dropped(registry), 0);
	assert_true(registry_memory(registry) <= BYTES_MAX);
	views = registry_machines(registry, &n);
	assert_int_equal(n, MACHINES);
	for (size_t i = 0; i < n; i++)
		booted += strcmp(views[i].verdict, "booted") == 0;
	free(views);
	assert_int_equal(booted, MACHINES);
	registry_free(registry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_thousand),
	};

	log_init(LEVEL_ERROR); /* ten thousand verdicts */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
