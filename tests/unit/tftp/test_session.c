#include "talk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* RFC 1350 */

static void
a_file_without_options(void **state)
{
	start(1100);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2", "> ACK 2", "< DATA 3", "> ACK 3",
		"= done");
	assert_int_equal(tftp_session_bytes(&w.s), 1100);
}

static void
an_empty_file_is_one_empty_block(void **state)
{
	start(0);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "= done");
	start(0);
	TALK("> RRQ blksize=1024 windowsize=8", "< OACK blksize=1024 windowsize=8",
		"> ACK 0", "< DATA 1", "> ACK 1", "= done");
}

static void
a_whole_number_of_blocks_ends_with_an_empty_one(void **state)
{
	start(1024);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2", "> ACK 2", "< DATA 3");
	assert_int_equal(w.out.frames[0].iov[1].iov_len, 0);
	TALK("> ACK 3", "= done");
}

static void
lost_data_is_sent_again_and_ever_slower(void **state)
{
	start(1100);
	TALK("> RRQ", "< DATA 1", "+ 499", "+ 1", "< DATA 1", "+ 999", "+ 1", "< DATA 1",
		"+ 2000", "< DATA 1", "+ 3999", "+ 1", "< DATA 1", "> ACK 1", "< DATA 2");
	assert_int_equal(w.s.resent, 4);
}

static void
the_timer_follows_the_round_trip_time(void **state)
{
	start(5000);
	/* 40 ms there and back: SRTT 40 ms, RTTVAR 20, RTO 120; then it narrows. */
	TALK("> RRQ", "< DATA 1", "+ 40", "> ACK 1", "< DATA 2", "+ 119", "+ 1",
		"< DATA 2", "+ 40", "> ACK 2", "< DATA 3");
	/* Karn: block 2 measured nothing, and its doubled timer stays. */
	TALK("+ 239", "+ 1", "< DATA 3", "> ACK 3", "< DATA 4", "+ 40", "> ACK 4",
		"< DATA 5", "+ 99", "+ 1", "< DATA 5");
}

/*
 * Twice no answer, so that the timer waits for 2 s; then an ACK is lost, and the client
 * repeats it by its own timer. That is no round trip: the next loss heals within 1 s.
 */
static void
a_clients_own_timer_is_not_taken_for_the_road(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1", "+ 500", "< DATA 1", "+ 1000", "< DATA 1", "> ACK 1",
		"< DATA 2", "+ 1900", "> ACK 2", "< DATA 3", "+ 999", "+ 1", "< DATA 3");
}

static void
the_timer_never_waits_less_than_the_minimum(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2", "> ACK 2", "< DATA 3", "+ 99",
		"+ 1", "< DATA 3");
}

/* --pace: the timer runs from the last block that left, not from the window's first. */
static void
a_paced_window_leaves_block_by_block(void **state)
{
	struct tftp_pkt ack = {.op = TFTP_ACK};

	start(512 * 20);
	w.terms.paced = true;
	w.out.most = 1;
	TALK("> RRQ windowsize=8", "< OACK windowsize=8");
	assert_int_equal(tftp_session_due(&w.s), 0);
	assert_null(tftp_session_input(&w.s, &ack, w.now));
	for (int i = 1; i <= 8; i++) {
		assert_int_equal(tftp_session_due(&w.s), 516);
		assert_true(tftp_session_pull(&w.s, &w.out, w.now));
		assert_int_equal(w.out.n, 1);
		assert_int_equal(w.s.next, i + 1);
		assert_true(w.s.deadline.us >= mono_after(w.now, MONO_MS(100)).us);
		w.now = mono_after(w.now, MONO_MS(60));
		tftp_session_timeout(&w.s, w.now);
	}
	assert_int_equal(tftp_session_due(&w.s), 0);
	assert_false(tftp_session_pull(&w.s, &w.out, w.now));
	w.now = mono_after(w.now, MONO_MS(500));
	tftp_session_timeout(&w.s, w.now);
	assert_int_equal(tftp_session_due(&w.s), 516);
	assert_int_equal(w.s.next, 1);
}

/* A second later one more block leaves, if one is due. */
static void
pull_paced(void)
{
	tftp_session_pull(&w.s, &w.out, w.now);
	w.now = mono_after(w.now, MONO_S(1));
	tftp_session_timeout(&w.s, w.now);
}

/* Who is sent a window in a minute cannot answer earlier, and is given time afterwards.
 */
static void
a_paced_window_may_take_longer_than_our_patience(void **state)
{
	struct tftp_pkt ack = {.op = TFTP_ACK};

	start(512 * 127);
	w.terms.paced = true;
	w.terms.min_rto = MONO_S(2);
	w.out.most = 1;
	TALK("> RRQ windowsize=64", "< OACK windowsize=64");
	for (int window = 0; window < 2; window++) {
		ack.block = (uint16_t)(64 * window);
		w.now = mono_after(w.now, MONO_MS(100));
		assert_null(tftp_session_input(&w.s, &ack, w.now));
		for (int i = 1; i <= 64; i++)
			pull_paced();
		assert_int_equal(w.s.high, 64 * (window + 1));
		assert_int_equal(w.s.outcome, TFTP_RUNNING);
		assert_int_equal(w.s.resent, 0);
	}
	/* Also the last one is given time to answer. */
	TALK("+ 3000", "< DATA 65-128", "= running", "> ACK 128", "= done");
}

/* --tftp-min-timer 10 */
static void
the_minimum_may_be_lowered_for_a_lan(void **state)
{
	start(5000);
	w.terms.min_rto = MONO_MS(10);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2", "> ACK 2", "< DATA 3", "+ 9",
		"+ 1", "< DATA 3", "+ 19", "+ 1", "< DATA 3");
}

static void
a_client_that_never_answers_is_left_alone_soon(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1", "+ 12000", "< DATA 1", "< DATA 1", "< DATA 1",
		"< DATA 1", "+ 4000", "= the client never answered", "+ 3000",
		"+ 100000");
	assert_int_equal(w.s.state, TFTP_CLOSED);
	assert_null(w.s.content);
}

static void
a_client_that_stops_answering_gets_half_a_minute(void **state)
{
	start(50000);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2");
	w.first = w.n;
	pass(29000);
	assert_int_equal(w.s.outcome, TFTP_RUNNING);
	assert_in_range(w.n - w.first, 8, 11);
	pass(10000);
	assert_int_equal(w.s.outcome, TFTP_SILENT);
}

static void
answers_to_nothing_are_dropped_with_a_reason(void **state)
{
	start(50000);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2");
	assert_string_equal(hear(TFTP_ACK, 3), "ACK of a block never sent");
	assert_string_equal(hear(TFTP_ACK, 0), "ACK of a block acknowledged before");
	assert_string_equal(hear(TFTP_ACK, 65535), "ACK of a block acknowledged before");
	assert_string_equal(
		hear(TFTP_DATA, 1), "neither ACK nor ERROR on a transfer's port");
	assert_string_equal(
		hear(TFTP_OACK, 0), "neither ACK nor ERROR on a transfer's port");
	TALK("> ACK 2", "< DATA 3");
}

static void
a_client_that_reports_trouble_ends_the_transfer(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1", "> ERROR 5", "= rejected by the client", "> ACK 1",
		"+ 10000");
}

/* RFC 1123 §4.2.3.1 */

static void
a_duplicate_ack_is_not_answered(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1", "+ 5", "> ACK 1", "< DATA 2", "> ACK 1", "> ACK 1",
		"+ 5", "> ACK 2", "< DATA 3", "> ACK 2", "> ACK 1", "> ACK 1", "+ 5",
		"> ACK 3", "< DATA 4");
}

static void
uboot_repeats_previous_ack(void **state)
{
	start(5000);
	/* DATA 2 is lost over and over; U-Boot asks again before a slow timer would. */
	TALK("> RRQ", "< DATA 1", "+ 5", "> ACK 1", "< DATA 2", "+ 100", "< DATA 2",
		"+ 200", "< DATA 2", "+ 150", "> ACK 1", "< DATA 2", "> ACK 1", "> ACK 1",
		"> ACK 2", "< DATA 3");
}

static void
syslinux_repeats_previous_ack_and_is_not_flooded(void **state)
{
	start(5000);
	TALK("> RRQ blksize=1408 tsize=0", "< OACK blksize=1408 tsize=5000", "+ 2",
		"> ACK 0", "< DATA 1", "+ 50", "> ACK 0", "+ 50", "< DATA 1", "> ACK 0",
		"> ACK 0", "+ 99", "+ 1", "< DATA 1", "> ACK 1", "< DATA 2");
}

static void
atftp_asks_again_only_after_5_s_of_silence(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1", "+ 1", "> ACK 1", "< DATA 2", "+ 6299", "< DATA 2",
		"< DATA 2", "< DATA 2", "< DATA 2", "< DATA 2", "+ 1", "< DATA 2",
		"+ 5000", "> ACK 1", "< DATA 2", "> ACK 2", "< DATA 3");
}

/* RFC 2347, 2348, 2349 */

static void
edk2_oack_holds_only_what_was_asked(void **state)
{
	static const struct {
		const char *ask, *offer;
	} rows[] = {
		{"> RRQ blksize=1024", "< OACK blksize=1024"},
		{"> RRQ tsize=0", "< OACK tsize=9000"},
		{"> RRQ tsize=77", "< OACK tsize=9000"},
		{"> RRQ timeout=1", "< OACK timeout=1"},
		{"> RRQ timeout=255", "< OACK timeout=255"},
		{"> RRQ windowsize=4", "< OACK windowsize=4"},
		{"> RRQ blksize=8", "< OACK blksize=8"},
		{"> RRQ blksize=65464", "< OACK blksize=1468"},
		{"> RRQ windowsize=65535", "< OACK windowsize=64"},
		{"> RRQ blksize=1468 tsize=0 timeout=5 windowsize=4",
			"< OACK blksize=1468 tsize=9000 timeout=5 windowsize=4"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		start(9000);
		TALK(rows[i].ask, rows[i].offer);
	}
}

static void
edk2_size_probe_then_error_8(void **state)
{
	start(9000);
	TALK("> RRQ blksize=1468 tsize=0 windowsize=4",
		"< OACK blksize=1468 tsize=9000 windowsize=4", "+ 1", "> ERROR 8",
		"= ended by the client", "+ 10000");
	assert_int_equal(w.s.state, TFTP_CLOSED);
}

static void
ipxe_error_0_ends_normally(void **state)
{
	start(9000);
	TALK("> RRQ blksize=1432 tsize=0", "< OACK blksize=1432 tsize=9000", "> ERROR 0",
		"= ended by the client", "> ACK 0", "> ERROR 0");
	start(9000);
	TALK("> RRQ blksize=1432", "< OACK blksize=1432", "> ACK 0", "< DATA 1",
		"> ERROR 0", "= ended by the client");
}

static void
errors_3_and_4_end_normally_too(void **state)
{
	start(9000);
	TALK("> RRQ", "< DATA 1", "> ERROR 3", "= ended by the client");
	start(9000);
	TALK("> RRQ tsize=0", "< OACK tsize=9000", "> ERROR 4", "= ended by the client");
}

static void
pxelinux_needs_tsize(void **state)
{
	start(26759);
	TALK("> RRQ tsize=0", "< OACK tsize=26759", "> ACK 0", "< DATA 1");
}

static void
curl_gives_up_on_a_size_of_0(void **state)
{
	start(0);
	TALK("> RRQ blksize=512 tsize=0 timeout=6", "< OACK blksize=512 timeout=6",
		"> ACK 0", "< DATA 1", "> ACK 1", "= done");
	start(0);
	TALK("> RRQ tsize=0", "< DATA 1", "> ACK 1", "= done");
}

static void
crashing_clients_are_refused_their_options(void **state)
{
	start(9000);
	w.terms.refuse = 1 << TFTP_BLKSIZE | 1 << TFTP_WINDOWSIZE;
	TALK("> RRQ blksize=1468 tsize=0 windowsize=4", "< OACK tsize=9000", "> ACK 0",
		"< DATA 1");
	start(9000);
	w.terms.refuse = 1 << TFTP_BLKSIZE;
	TALK("> RRQ blksize=1468", "< DATA 1");
	assert_int_equal(w.out.size, 516);
}

static void
blocks_fit_the_routes_mtu(void **state)
{
	start(9000);
	w.terms.blksize_max = 1280 - 52;
	TALK("> RRQ blksize=1468", "< OACK blksize=1228", "> ACK 0", "< DATA 1",
		"> ACK 1", "< DATA 2");
	assert_int_equal(w.out.size, 1232);
}

static void
a_lost_oack_is_sent_again(void **state)
{
	start(9000);
	TALK("> RRQ tsize=0", "< OACK tsize=9000", "+ 500", "< OACK tsize=9000", "+ 1000",
		"< OACK tsize=9000", "> ACK 0", "< DATA 1");
	assert_int_equal(w.s.resent, 2);
}

static void
an_ack_of_data_does_not_accept_an_oack(void **state)
{
	start(9000);
	TALK("> RRQ tsize=0", "< OACK tsize=9000");
	assert_string_equal(hear(TFTP_ACK, 1), "ACK of a block while ACK 0 is awaited");
	TALK("> ACK 0", "< DATA 1");
}

static void
a_timeout_asked_for_bounds_ours(void **state)
{
	start(9000);
	TALK("> RRQ timeout=1", "< OACK timeout=1", "+ 500", "< OACK timeout=1", "+ 1000",
		"< OACK timeout=1", "+ 1500", "< OACK timeout=1", "> ACK 0", "< DATA 1",
		"+ 1500", "< DATA 1", "+ 1500", "< DATA 1");
}

static void
a_repeated_request_gets_the_oack_again(void **state)
{
	start(9000);
	TALK("> RRQ tsize=0", "< OACK tsize=9000", "> RRQ", "+ 50", "> RRQ", "+ 60",
		"> RRQ", "< OACK tsize=9000", "> ACK 0", "< DATA 1");
	/* Duplicated on the way and late: not a second transfer, and no answer. */
	TALK("> RRQ", "> ACK 1", "< DATA 2", "> RRQ", "+ 10", "> ACK 2", "< DATA 3");
	start(9000);
	TALK("> RRQ", "< DATA 1", "> RRQ", "+ 110", "> RRQ", "< DATA 1", "> ACK 1",
		"< DATA 2");
}

static void
a_machine_that_was_reset_begins_anew(void **state)
{
	start(9000);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2", "+ 90");
	assert_int_equal(tftp_session_repeat(&w.s, w.now), TFTP_REPEAT_ABSORBED);
	TALK("+ 1000", "< DATA 2", "< DATA 2", "< DATA 2");
	assert_int_equal(tftp_session_repeat(&w.s, w.now), TFTP_REPEAT_ANEW);
	TALK("> ACK 2", "< DATA 3", "> ERROR 0");
	assert_int_equal(tftp_session_repeat(&w.s, w.now), TFTP_REPEAT_ANEW);
}

/* The end */

static void
the_last_ack_that_never_comes_is_success(void **state)
{
	start(600);
	TALK("> RRQ", "< DATA 1", "+ 1", "> ACK 1", "< DATA 2", "+ 7000", "< DATA 2",
		"< DATA 2", "< DATA 2", "< DATA 2", "< DATA 2",
		"= done, but the last ACK never came");
}

static void
edk2_asks_for_the_lost_last_block_after_4_s(void **state)
{
	start(600);
	TALK("> RRQ", "< DATA 1", "+ 1", "> ACK 1", "< DATA 2", "+ 4000", "< DATA 2",
		"< DATA 2", "< DATA 2", "< DATA 2", "< DATA 2", "> ACK 1", "< DATA 2",
		"> ACK 2", "= done");
	/* While it asks it does not have the file, however long it takes. */
	start(600);
	TALK("> RRQ", "< DATA 1", "+ 1", "> ACK 1", "< DATA 2");
	for (int i = 0; i < 7; i++) {
		pass(3900);
		assert_int_equal(w.s.outcome, TFTP_RUNNING);
		w.first = w.n;
		TALK("> ACK 1", "< DATA 2");
	}
	pass(10000);
	assert_int_equal(w.s.outcome, TFTP_SILENT);
}

static void
late_acks_are_absorbed_while_it_lingers(void **state)
{
	start(100);
	TALK("> RRQ", "< DATA 1", "> ACK 1", "= done", "> ACK 1", "+ 2000", "> ACK 1",
		"> ACK 0");
	assert_int_equal(w.s.state, TFTP_LINGERING);
	assert_null(w.s.content);
	TALK("+ 1000");
	assert_int_equal(w.s.state, TFTP_CLOSED);
}

static void
shutdown_is_said(void **state)
{
	start(5000);
	TALK("> RRQ", "< DATA 1");
	tftp_session_abort(&w.s, TFTP_SHUTDOWN, w.now);
	collect();
	TALK("< ERROR 0", "= the server is shutting down", "> ACK 1", "+ 120", "> ACK 1",
		"< ERROR 0");
}

/* Long files */

static void
edk2_ipxe_uboot_roll_over_to_0(void **state)
{
	start(0x20005 * 8 + 3);
	TALK("> RRQ blksize=8", "< OACK blksize=8", "> ACK 0", "< DATA 1");
	assert_true(tftp_session_rolls_over(&w.s));
	for (unsigned b = 1; b <= 0x20005; b++) {
		char line[32];

		w.first = w.n = 0;
		hear(TFTP_ACK, b & 0xffff);
		sprintf(line, "DATA %u", (b + 1) & 0xffff);
		expect(line);
	}
	TALK("> ACK 6", "= done");
	assert_int_equal(tftp_session_bytes(&w.s), 0x20005 * 8 + 3);
}

static void
a_window_rolls_over(void **state)
{
	start(0x10010 * 8);
	TALK("> RRQ blksize=8 windowsize=16", "< OACK blksize=8 windowsize=16", "> ACK 0",
		"< DATA 1-16");
	for (unsigned b = 16; b < 0x10000; b += 16) {
		w.first = w.n = 0;
		hear(TFTP_ACK, b);
	}
	TALK("< DATA 65521-65536", "> ACK 65534", "< DATA 65535-65550", "> ACK 14",
		"< DATA 15-17", "> ACK 17", "= done");
}

/* A sparse file: nobody has 5 GB to spare for a test. */
static void
files_past_4_gib(void **state)
{
	char path[] = "/tmp/pixie-unit-XXXXXX";
	int fd = mkstemp(path);
	const uint64_t size = UINT64_C(5) << 30;
	struct iovec body;
	struct stat st;

	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, "tail", 4, (off_t)size - 4), 4);
	assert_int_equal(fstat(fd, &st), 0);
	start_with(content_file(fd, &st, "x"));
	w.terms.blksize_max = 65464;
	struct tftp_request req = request_of("RRQ blksize=65464 tsize=0 windowsize=64");

	tftp_session_open(&w.s, &req, w.content, &w.terms, w.now);
	assert_int_equal(w.s.last, size / 65464 + 1);
	collect();
	expect_one("OACK blksize=65464 tsize=5368709120 windowsize=64");
	/* Straight to the end: what lies there must be what is read. */
	tftp_session_input(&w.s, &(struct tftp_pkt){.op = TFTP_ACK}, w.now);
	w.s.acked = w.s.high = w.s.last - 1;
	w.s.next = w.s.last;
	w.s.check_at = UINT32_MAX;
	assert_true(tftp_session_pull(&w.s, &w.out, w.now));
	body = w.out.frames[0].iov[1];
	assert_int_equal(body.iov_len, size % 65464);
	assert_memory_equal((char *)body.iov_base + body.iov_len - 4, "tail", 4);
	tftp_session_free(&w.s);
}

/* Nothing of it is read: it is as large as it says it is. */
static void
more_blocks_than_can_be_counted_are_refused(void **state)
{
	static const struct {
		const char *request;
		uint64_t most; /* bytes */
	} rows[] = {
		{"RRQ", UINT64_C(512) * (UINT32_MAX - 128)},
		{"RRQ blksize=8 windowsize=64", UINT64_C(8) * (UINT32_MAX - 128)},
		{"netascii blksize=1468", UINT64_C(734) * (UINT32_MAX - 128)},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tftp_request req = request_of(rows[i].request);

		start_with(content_static("", rows[i].most - 1, "x", "t", 0));
		tftp_session_open(&w.s, &req, w.content, &w.terms, w.now);
		assert_true(w.s.state < TFTP_LINGERING);
		start_with(content_static("", rows[i].most, "x", "t", 0));
		tftp_session_open(&w.s, &req, w.content, &w.terms, w.now);
		collect();
		TALK("< ERROR 0", "= the file is too large for this block size",
			"> ACK 0", "+ 120", "> ACK 0", "< ERROR 0");
	}
}

/* RFC 7440 */

static void
a_window_is_one_burst(void **state)
{
	start(10 * 512 + 1);
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "> ACK 0", "< DATA 1-4");
	assert_int_equal(w.out.n, 4);
	TALK("> ACK 4", "< DATA 5-8", "> ACK 8", "< DATA 9-11", "> ACK 11", "= done");
}

static void
edk2_windowsize_4_gap_rewinds(void **state)
{
	start(40 * 512);
	/* Block 3 is lost: EDK2 repeats ACK 2 for block 4, which changes nothing. */
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "+ 1", "> ACK 0", "< DATA 1-4",
		"+ 1", "> ACK 2", "< DATA 3-6", "> ACK 2", "> ACK 2", "+ 1", "> ACK 6",
		"< DATA 7-10");
	assert_int_equal(w.s.resent, 2);
}

static void
edk2_windowsize_4_first_block_lost(void **state)
{
	start(40 * 512);
	/* Three repeated ACKs, and the gap is believed after about a round trip. */
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "+ 1", "> ACK 0", "< DATA 1-4",
		"+ 1", "> ACK 4", "< DATA 5-8", "+ 1", "> ACK 4", "> ACK 4", "> ACK 4",
		"+ 2", "< DATA 5-8", "+ 1", "> ACK 8", "< DATA 9-12");
}

static void
edk2_windowsize_4_second_block_lost(void **state)
{
	start(40 * 512);
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "+ 1", "> ACK 0", "< DATA 1-4",
		"+ 1", "> ACK 4", "< DATA 5-8", "+ 1", "> ACK 5", "< DATA 9", "> ACK 5",
		"+ 3", "< DATA 6-9", "+ 1", "> ACK 9", "< DATA 10-13");
}

/* Its window arrived and the ACK was lost: each repeated block brings an ACK. */
static void
edk2_echoes_of_a_repeated_window_are_not_answered(void **state)
{
	start(40 * 512);
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "+ 1", "> ACK 0", "< DATA 1-4",
		"+ 100", "< DATA 1-4", "+ 1", "> ACK 4", "< DATA 5-8", "> ACK 4",
		"> ACK 4", "> ACK 4", "+ 1", "> ACK 8", "< DATA 9-12");
}

/*
 * Each window loses its first block, so that none is ever sent once: still a gap
 * is believed after milliseconds, and a lost ACK costs one timeout, not doubled.
 */
static void
atftp_windowsize_64_through_heavy_loss(void **state)
{
	struct mono began;

	start(40000 * 8);
	TALK("> RRQ blksize=8 windowsize=64", "< OACK blksize=8 windowsize=64", "+ 1",
		"> ACK 0", "< DATA 1-64");
	began = w.now;
	for (unsigned b = 0; b < 20 * 100; b += 20) {
		pass(1);
		hear(TFTP_ACK, b);
		pass(10);
	}
	assert_true(mono_since(w.now, began) <= MONO_MS(11 * 100));
	assert_int_equal(w.s.acked, 1980);
	assert_in_range(w.n, 100 * 64, 101 * 84);
}

static void
client_acks_every_block_of_window(void **state)
{
	start(64 * 512 - 1);
	TALK("> RRQ windowsize=8", "< OACK windowsize=8", "+ 1", "> ACK 0", "< DATA 1-8",
		"+ 1");
	for (unsigned b = 1; b < 64; b++) {
		hear(TFTP_ACK, b);
		if (b + 8 <= 64) {
			char line[32];

			sprintf(line, "DATA %u", b + 8);
			expect(line);
		}
		expect_no_more("the next ACK");
	}
	TALK("> ACK 64", "= done");
	assert_int_equal(w.s.resent, 0);
}

static void
a_window_lost_whole_is_sent_again(void **state)
{
	start(40 * 512);
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "+ 1", "> ACK 0", "< DATA 1-4",
		"+ 100", "< DATA 1-4", "+ 200", "< DATA 1-4", "> ACK 4", "< DATA 5-8");
}

static void
the_last_window_is_partial(void **state)
{
	start(5 * 512 + 1);
	TALK("> RRQ windowsize=4", "< OACK windowsize=4", "+ 1", "> ACK 0", "< DATA 1-4",
		"+ 1", "> ACK 4", "< DATA 5-6", "+ 1", "> ACK 5", "+ 3", "< DATA 6",
		"> ACK 6", "= done");
}

static void
a_rewind_happens_once_a_round_trip(void **state)
{
	start(400 * 512);
	TALK("> RRQ windowsize=64", "< OACK windowsize=64", "+ 20", "> ACK 0",
		"< DATA 1-64", "+ 20", "> ACK 10", "< DATA 11-74", "+ 1", "> ACK 20",
		"< DATA 75-84", "+ 1", "> ACK 30", "< DATA 85-94", "+ 17", "> ACK 94",
		"< DATA 95-158");
}

static void
bursts_end_where_the_scratch_does(void **state)
{
	start(64 * 8000);
	w.terms.blksize_max = 8000;
	TALK("> RRQ blksize=8000 windowsize=64", "< OACK blksize=8000 windowsize=64",
		"> ACK 0", "< DATA 1-64");
	assert_true(w.out.n <= sizeof(w.scratch) / 8000);
}

static void
what_the_socket_did_not_take_is_due_again(void **state)
{
	struct tftp_request req = request_of("RRQ windowsize=8");

	start(100 * 512);
	tftp_session_open(&w.s, &req, w.content, &w.terms, w.now);
	assert_true(tftp_session_pull(&w.s, &w.out, w.now));
	tftp_session_unsent(&w.s, 1);
	TALK("> ACK 5", "< OACK windowsize=8");
	tftp_session_input(&w.s, &(struct tftp_pkt){.op = TFTP_ACK}, w.now);
	assert_true(tftp_session_pull(&w.s, &w.out, w.now));
	assert_int_equal(w.out.n, 8);
	tftp_session_unsent(&w.s, 3);
	collect();
	TALK("< DATA 6-8", "> ACK 8", "< DATA 9-16");
	assert_int_equal(w.s.resent, 0);
}

/* A window, the last `unsent` blocks of which find no room. */
static void
pull_some(unsigned unsent)
{
	assert_true(tftp_session_pull(&w.s, &w.out, w.now));
	tftp_session_unsent(&w.s, unsent);
}

/* It has not been under way, so it is measured and counted when it leaves. */
static void
a_block_that_had_to_wait_is_sent_once(void **state)
{
	start(100 * 512);
	TALK("> RRQ windowsize=8", "< OACK windowsize=8", "+ 40");
	tftp_session_input(&w.s, &(struct tftp_pkt){.op = TFTP_ACK}, w.now);
	pull_some(5);
	assert_int_equal(w.s.high, 3);
	assert_string_equal(hear(TFTP_ACK, 4), "ACK of a block never sent");
	TALK("< DATA 4-8", "+ 60", "> ACK 8", "< DATA 9-16");
	assert_int_equal(w.s.resent, 0);
	/* 40 ms, then 60: SRTT 42.5, RTTVAR 20. */
	assert_int_equal(w.s.rto.srtt, 42500);
	/* Sent again, as far as there is room, and then the rest. */
	w.now = tftp_session_deadline(&w.s);
	tftp_session_timeout(&w.s, w.now);
	pull_some(6);
	assert_int_equal(w.s.resent, 2);
	assert_int_equal(w.s.high, 16);
	collect();
	TALK("< DATA 11-16");
	assert_int_equal(w.s.resent, 8);
}

/* The socket was full for longer than the timer waits. */
static void
the_timer_begins_when_the_rest_has_left(void **state)
{
	start(100 * 512);
	TALK("> RRQ windowsize=8", "< OACK windowsize=8", "+ 40");
	tftp_session_input(&w.s, &(struct tftp_pkt){.op = TFTP_ACK}, w.now);
	pull_some(5);
	w.now = mono_after(w.now, MONO_S(10));
	collect();
	TALK("< DATA 4-8", "+ 99", "> ACK 8", "< DATA 9-16");
	assert_int_equal(w.s.resent, 0);
}

/* Who has not heard the OACK for so long could not answer it. */
static void
an_oack_that_had_to_wait_is_waited_for(void **state)
{
	struct tftp_request req = request_of("RRQ windowsize=8");

	start(100 * 512);
	tftp_session_open(&w.s, &req, w.content, &w.terms, w.now);
	pull_some(1);
	w.now = mono_after(w.now, MONO_S(15));
	collect();
	TALK("< OACK windowsize=8", "+ 100");
	tftp_session_timeout(&w.s, w.now);
	TALK("= running");
}

static void
a_last_block_that_never_left_is_not_done(void **state)
{
	start(512 + 10);
	TALK("> RRQ", "< DATA 1");
	tftp_session_input(&w.s, &(struct tftp_pkt){.op = TFTP_ACK, .block = 1}, w.now);
	pull_some(1);
	w.now = mono_after(w.now, MONO_S(7));
	tftp_session_timeout(&w.s, w.now);
	TALK("= running");
	collect();
	TALK("< DATA 2", "> ACK 2", "= done");
}

/* Content that changes */

static struct content *
open_file(int *fd, const void *bytes, size_t len)
{
	static char path[64];
	struct stat st;

	strcpy(path, "/tmp/pixie-unit-XXXXXX");
	*fd = mkstemp(path);
	assert_int_equal(write(*fd, bytes, len), len);
	assert_int_equal(fstat(*fd, &st), 0);
	int again = open(path, O_RDONLY);

	unlink(path);
	return content_file(again, &st, "x");
}

static void
a_file_cut_short_ends_with_an_error(void **state)
{
	static uint8_t bytes[5000];
	int fd;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	start_with(open_file(&fd, bytes, sizeof(bytes)));
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2");
	assert_int_equal(ftruncate(fd, 1000), 0);
	TALK("> ACK 2", "< ERROR 0", "= the file changed while it was being sent");
	/* It was lost? It is said again when the client asks. */
	TALK("+ 110", "> ACK 2", "< ERROR 0", "> ACK 2");
	close(fd);
}

/* Blocks that wait in the outbox when the file turns out to have changed. */
static void
what_was_pulled_of_a_file_outlives_it(void **state)
{
	static uint8_t bytes[5000];
	struct tftp_out next;
	int fd;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	start_with(open_file(&fd, bytes, sizeof(bytes)));
	w.terms.paced = true;
	w.out.most = 1;
	TALK("> RRQ windowsize=4", "< OACK windowsize=4");
	tftp_session_input(&w.s, &(struct tftp_pkt){.op = TFTP_ACK}, w.now);
	assert_true(tftp_session_pull(&w.s, &w.out, w.now));
	next = w.out;
	next.frames++;
	next.heads++;
	next.scratch += w.out.used;
	assert_int_equal(ftruncate(fd, 600), 0);
	assert_true(tftp_session_pull(&w.s, &next, w.now));
	TALK("= the file changed while it was being sent");
	assert_null(w.s.content);
	assert_int_equal(w.frames[0].iov[1].iov_len, 512);
	assert_memory_equal(w.frames[0].iov[1].iov_base, bytes, 512);
	close(fd);
}

static void
a_file_that_lost_its_name_arrives_whole(void **state)
{
	static uint8_t bytes[1100];
	int fd;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	start_with(open_file(&fd, bytes, sizeof(bytes)));
	TALK("> RRQ", "< DATA 1", "> ACK 1", "< DATA 2", "> ACK 2", "< DATA 3", "> ACK 3",
		"= done");
	close(fd);
}

/* netascii */

static void
netascii_has_no_tsize(void **state)
{
	start(100);
	TALK("> netascii tsize=0 blksize=1024", "< OACK blksize=1024");
}

/* Line ends fall on block ends, so that pairs are cut in two. */
static void
netascii_pairs_across_blocks(void **state)
{
	static const char text[] = "123456\n8\r\n\n";
	static const struct {
		const char *body;
		size_t len;
	} blocks[] = {{"123456\r\n", 8}, {"8\r\0\r\n\r\n", 7}};

	start_with(content_static(text, sizeof(text) - 1, "x", "t", 0));
	TALK("> netascii blksize=8", "< OACK blksize=8", "> ACK 0", "< DATA 1");
	assert_int_equal(w.out.frames[0].iov[1].iov_len, blocks[0].len);
	assert_memory_equal(
		w.out.frames[0].iov[1].iov_base, blocks[0].body, blocks[0].len);
	TALK("> ACK 1", "< DATA 2");
	assert_int_equal(w.out.frames[0].iov[1].iov_len, blocks[1].len);
	assert_memory_equal(
		w.out.frames[0].iov[1].iov_base, blocks[1].body, blocks[1].len);
	TALK("> ACK 2", "= done");
	assert_int_equal(tftp_session_bytes(&w.s), sizeof(text) - 1);
}

/*
 * Rewritten in place within a tick of the file system's clock, or with its times put
 * back: size and time are the old ones, but line ends have come or gone, and a block
 * that was in the middle is now the last.
 */
static void
netascii_of_other_length_the_second_time(void **state)
{
	static const char few[] = "abcdefghijklmnop", many[] = "ab\n\n\n\n\n\n\n\nklmnop";
	char text[sizeof(few)];

	strcpy(text, many);
	start_with(content_static(text, sizeof(text) - 1, "x", "t", 0));
	TALK("> netascii blksize=8 windowsize=4", "< OACK blksize=8 windowsize=4",
		"> ACK 0", "< DATA 1-4");
	strcpy(text, few);
	TALK("+ 500", "< ERROR 0", "= the file changed while it was being sent");

	start_with(content_static(text, sizeof(text) - 1, "x", "t", 0));
	TALK("> netascii blksize=8 windowsize=4", "< OACK blksize=8 windowsize=4",
		"> ACK 0", "< DATA 1-3");
	strcpy(text, many);
	TALK("+ 500", "< ERROR 0", "= the file changed while it was being sent");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_without_options),
		cmocka_unit_test(an_empty_file_is_one_empty_block),
		cmocka_unit_test(a_whole_number_of_blocks_ends_with_an_empty_one),
		cmocka_unit_test(lost_data_is_sent_again_and_ever_slower),
		cmocka_unit_test(the_timer_follows_the_round_trip_time),
		cmocka_unit_test(a_clients_own_timer_is_not_taken_for_the_road),
		cmocka_unit_test(the_timer_never_waits_less_than_the_minimum),
		cmocka_unit_test(a_paced_window_leaves_block_by_block),
		cmocka_unit_test(a_paced_window_may_take_longer_than_our_patience),
		cmocka_unit_test(the_minimum_may_be_lowered_for_a_lan),
		cmocka_unit_test(a_client_that_never_answers_is_left_alone_soon),
		cmocka_unit_test(a_client_that_stops_answering_gets_half_a_minute),
		cmocka_unit_test(answers_to_nothing_are_dropped_with_a_reason),
		cmocka_unit_test(a_client_that_reports_trouble_ends_the_transfer),
		cmocka_unit_test(a_duplicate_ack_is_not_answered),
		cmocka_unit_test(uboot_repeats_previous_ack),
		cmocka_unit_test(syslinux_repeats_previous_ack_and_is_not_flooded),
		cmocka_unit_test(atftp_asks_again_only_after_5_s_of_silence),
		cmocka_unit_test(edk2_oack_holds_only_what_was_asked),
		cmocka_unit_test(edk2_size_probe_then_error_8),
		cmocka_unit_test(ipxe_error_0_ends_normally),
		cmocka_unit_test(errors_3_and_4_end_normally_too),
		cmocka_unit_test(pxelinux_needs_tsize),
		cmocka_unit_test(curl_gives_up_on_a_size_of_0),
		cmocka_unit_test(crashing_clients_are_refused_their_options),
		cmocka_unit_test(blocks_fit_the_routes_mtu),
		cmocka_unit_test(a_lost_oack_is_sent_again),
		cmocka_unit_test(an_ack_of_data_does_not_accept_an_oack),
		cmocka_unit_test(a_timeout_asked_for_bounds_ours),
		cmocka_unit_test(a_repeated_request_gets_the_oack_again),
		cmocka_unit_test(a_machine_that_was_reset_begins_anew),
		cmocka_unit_test(the_last_ack_that_never_comes_is_success),
		cmocka_unit_test(edk2_asks_for_the_lost_last_block_after_4_s),
		cmocka_unit_test(late_acks_are_absorbed_while_it_lingers),
		cmocka_unit_test(shutdown_is_said),
		cmocka_unit_test(edk2_ipxe_uboot_roll_over_to_0),
		cmocka_unit_test(a_window_rolls_over),
		cmocka_unit_test(files_past_4_gib),
		cmocka_unit_test(more_blocks_than_can_be_counted_are_refused),
		cmocka_unit_test(a_window_is_one_burst),
		cmocka_unit_test(edk2_windowsize_4_gap_rewinds),
		cmocka_unit_test(edk2_windowsize_4_first_block_lost),
		cmocka_unit_test(edk2_windowsize_4_second_block_lost),
		cmocka_unit_test(edk2_echoes_of_a_repeated_window_are_not_answered),
		cmocka_unit_test(atftp_windowsize_64_through_heavy_loss),
		cmocka_unit_test(client_acks_every_block_of_window),
		cmocka_unit_test(a_window_lost_whole_is_sent_again),
		cmocka_unit_test(the_last_window_is_partial),
		cmocka_unit_test(a_rewind_happens_once_a_round_trip),
		cmocka_unit_test(bursts_end_where_the_scratch_does),
		cmocka_unit_test(what_the_socket_did_not_take_is_due_again),
		cmocka_unit_test(a_block_that_had_to_wait_is_sent_once),
		cmocka_unit_test(the_timer_begins_when_the_rest_has_left),
		cmocka_unit_test(an_oack_that_had_to_wait_is_waited_for),
		cmocka_unit_test(a_last_block_that_never_left_is_not_done),
		cmocka_unit_test(a_file_cut_short_ends_with_an_error),
		cmocka_unit_test(what_was_pulled_of_a_file_outlives_it),
		cmocka_unit_test(a_file_that_lost_its_name_arrives_whole),
		cmocka_unit_test(netascii_has_no_tsize),
		cmocka_unit_test(netascii_pairs_across_blocks),
		cmocka_unit_test(netascii_of_other_length_the_second_time),
	};
	int failed = cmocka_run_group_tests_name("session", tests, NULL, NULL);

	tftp_session_free(&w.s);
	return failed;
}
