/* Which bytes of a content a burst of blocks holds, be it memory or a file. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tftp/out.h"

static uint8_t bytes[40000], scratch[1 << 16];
static struct udp_frame frames[UDP_BURST_MAX];
static uint8_t heads[UDP_BURST_MAX][TFTP_HEAD];
static struct tftp_out out = {.most = UDP_BURST_MAX,
	.frames = frames,
	.heads = heads,
	.scratch = scratch,
	.scratch_size = sizeof(scratch)};

static struct content *
memory_of(size_t size)
{
	return content_static(bytes, size, "x", "t", 0);
}

static struct content *
file_of(size_t size)
{
	char path[] = "/tmp/pixie-out-XXXXXX";
	int fd = mkstemp(path);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	unlink(path);
	assert_int_equal(fstat(fd, &st), 0);
	return content_file(fd, &st, "x");
}

static const struct {
	size_t size;
	unsigned blksize;
	uint64_t first, end;
	size_t last; /* how long the last block is; the others are full */
} rows[] = {
	{1100, 512, 1, 1, 512},
	{1100, 512, 3, 3, 76},
	{1100, 512, 1, 3, 76},
	{1024, 512, 2, 3, 0}, /* RFC 1350 §6: a whole number of blocks */
	{1024, 512, 3, 3, 0},
	{0, 512, 1, 1, 0},
	{40000, 1468, 5, 20, 1468},
	{40000, 1468, 25, 28, 40000 - 27 * 1468},
	{600, 8, 11, 74, 8},
};

static void
is_row(size_t i, struct content *content)
{
	const uint8_t *want = bytes + (rows[i].first - 1) * rows[i].blksize;

	tftp_out_begin(&out, rows[i].blksize);
	assert_int_equal(tftp_out_blocks(&out, content, rows[i].blksize, rows[i].first,
				 rows[i].end),
		0);
	assert_int_equal(out.n, rows[i].end - rows[i].first + 1);
	assert_int_equal(out.size, TFTP_HEAD + rows[i].blksize);
	for (unsigned k = 0; k < out.n; k++) {
		const struct iovec *iov = out.frames[k].iov;
		uint8_t head[TFTP_HEAD] = {0, TFTP_DATA, 0, (uint8_t)(rows[i].first + k)};

		assert_int_equal(iov[0].iov_len, TFTP_HEAD);
		assert_memory_equal(iov[0].iov_base, head, TFTP_HEAD);
		assert_int_equal(
			iov[1].iov_len, k + 1 < out.n ? rows[i].blksize : rows[i].last);
		assert_memory_equal(iov[1].iov_base, want, iov[1].iov_len);
		want += iov[1].iov_len;
	}
	content_unref(content);
}

static void
blocks_are_the_contents_bytes(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		is_row(i, memory_of(rows[i].size));
		is_row(i, file_of(rows[i].size));
	}
}

static void
only_what_is_in_no_memory_takes_scratch(void **state)
{
	struct content *content = memory_of(1100);

	tftp_out_begin(&out, 512);
	assert_int_equal(tftp_out_blocks(&out, content, 512, 2, 3), 0);
	assert_ptr_equal(out.frames[0].iov[1].iov_base, bytes + 512);
	assert_int_equal(out.used, 0);
	content_unref(content);
	content = file_of(1100);
	tftp_out_begin(&out, 512);
	assert_int_equal(tftp_out_blocks(&out, content, 512, 2, 3), 0);
	assert_ptr_equal(out.frames[0].iov[1].iov_base, scratch);
	assert_int_equal(out.used, 1100 - 512);
	content_unref(content);
}

static void
a_burst_is_bounded_by_gso_by_scratch_and_by_who_pulls(void **state)
{
	static const struct {
		size_t scratch;
		unsigned most, blksize;
		uint64_t room;
	} bounds[] = {
		{65536, 1024, 512, UDP_BURST_MAX},
		{65536, 64, 8, UDP_BURST_MAX},
		{65536, 64, 1468, 44},
		{65536, 64, TFTP_BLKSIZE_MAX, 1},
		{65536, 1, 512, 1},
		{65536, 50, 1468, 44},
		{516, 64, 512, 1},
	};

	for (size_t i = 0; i < COUNT(bounds); i++) {
		struct tftp_out o = {
			.scratch_size = bounds[i].scratch, .most = bounds[i].most};

		assert_int_equal(tftp_out_room(&o, bounds[i].blksize), bounds[i].room);
	}
}

static void
a_control_packet_goes_alone(void **state)
{
	tftp_out_begin(&out, 512);
	tftp_out_block(&out, 65537, bytes, 512);
	assert_memory_equal(out.heads[0], "\0\3\0\1", TFTP_HEAD); /* rolled over */
	tftp_out_control(&out, 9);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.size, 9);
	assert_int_equal(out.used, 9);
	assert_ptr_equal(out.frames[0].iov[0].iov_base, scratch);
	assert_int_equal(out.frames[0].iov[0].iov_len, 9);
	assert_int_equal(out.frames[0].iov[1].iov_len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_the_contents_bytes),
		cmocka_unit_test(only_what_is_in_no_memory_takes_scratch),
		cmocka_unit_test(a_burst_is_bounded_by_gso_by_scratch_and_by_who_pulls),
		cmocka_unit_test(a_control_packet_goes_alone),
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + (i >> 8) * 13);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
