/* pixie explain: what one machine's last boot came to, and what to do about it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/fail.h"
#include "machine/say.h"

#define WIDTH 80
#define INDENT 10

/* For scripts. */
enum { BOOTED = 0, FAILED = 1, UNKNOWN = 2 };

static void
add(struct writer *w, const char *before, const char *text)
{
	if (*text != '\0')
		wr_fmt(w, "%s%.128s", before, text);
}

static void
print_machine(const json_t *m)
{
	const char *script = member_text(m, "script");
	const char *firmware = member_text(m, "firmware");
	char line[1024] = "";
	struct writer w = writer_of(line, sizeof(line));

	add(&w, "", member_text(m, "id"));
	add(&w, ", ", member_text(m, "vendor"));
	add(&w, " ", member_text(m, "product"));
	add(&w, ", ", member_text(m, "arch_name"));
	if (strncmp(member_text(m, "arch_name"), firmware, strlen(firmware)) != 0)
		add(&w, ", ", firmware); /* and not "UEFI x86-64, UEFI" */
	add(&w, ", at ", member_text(m, "address"));
	print_folded(line, 0, WIDTH);
	w = writer_of(line, sizeof(line));
	add(&w, "State: ", member_text(m, "state"));
	if (json_is_true(json_object_get(m, "once_used")))
		wr_str(&w, " (used up: its local disk is next)");
	add(&w, ", set by ", member_text(m, "state_by"));
	add(&w, "; script: ", *script ? script : "none");
	putchar('\n');
	print_folded(line, 0, WIDTH);
	putchar('\n');
}

/* Seconds since the boot began; hours later as well. */
static void
print_event(const json_t *e, int64_t began)
{
	int64_t ms = member_time(e, "time") - began;

	if (ms < 0)
		ms = 0;
	printf("%6" PRId64 ".%" PRId64 "  ", ms / 1000, ms % 1000 / 100);
	print_folded(member_text(e, "say"), INDENT, WIDTH);
	putchar('\n');
}

/* "     now  On its way: extra/initrd.img, 16.2 MB of 30.0 MB (54 %), 11.3 MB/s." */
static void
print_transfer(const json_t *t)
{
	uint64_t at = (uint64_t)member_number(t, "bytes");
	uint64_t total = (uint64_t)member_number(t, "total");
	char some[BYTES_TEXT], all[BYTES_TEXT], rate[BYTES_TEXT], line[512] = "";
	struct writer w = writer_of(line, sizeof(line));

	wr_fmt(&w, "On its way: %.300s, %s", member_text(t, "name"), bytes_say(at, some));
	if (total > 0)
		wr_fmt(&w, " of %s (%u %%)", bytes_say(total, all),
			(unsigned)((double)at * 100 / (double)total));
	wr_fmt(&w, ", %s/s.", bytes_say((uint64_t)member_number(t, "rate"), rate));
	fputs("     now  ", stdout);
	print_folded(line, INDENT, WIDTH);
	putchar('\n');
}

static bool
is_told_below(const json_t *e)
{
	const char *kind = member_text(e, "kind");

	return strcmp(kind, "verdict") == 0 || strcmp(kind, "boot") == 0;
}

static void
print_verdict(const json_t *boot)
{
	const json_t *verdict = json_object_get(boot, "verdict");
	const char *next = member_text(verdict, "next");

	printf("\n%-8s  ", member_text(boot, "outcome"));
	if (json_is_object(verdict))
		print_folded(member_text(verdict, "text"), INDENT, WIDTH);
	else
		fputs("All is well so far.", stdout);
	if (*next != '\0') {
		printf("\n%-8s  ", "do");
		print_folded(next, INDENT, WIDTH);
	}
	putchar('\n');
}

static void
print_boot(const json_t *boot, const json_t *transfers)
{
	const json_t *events = json_object_get(boot, "events"), *e;
	int64_t began = member_time(boot, "began");
	size_t i;

	printf("\nBoot %" PRId64 ", begun %.10s %.8s UTC (seconds since)\n",
		member_number(boot, "number"), member_text(boot, "began"),
		member_text(boot, "began") + 11);
	json_array_foreach(events, i, e) if (!is_told_below(e)) print_event(e, began);
	json_array_foreach(transfers, i, e) print_transfer(e);
	print_verdict(boot);
}

static int
exit_status(const json_t *boot)
{
	static const char *const well[] = {"running", "booted", "done", "local"};

	for (size_t i = 0; i < sizeof(well) / sizeof(*well); i++)
		if (strcmp(member_text(boot, "outcome"), well[i]) == 0)
			return BOOTED;
	return FAILED;
}

static int
print_story(const json_t *machine)
{
	const json_t *boots = json_object_get(machine, "boots"), *last;
	size_t n = json_array_size(boots);

	print_machine(machine);
	if (n == 0) {
		puts("\nNo boot of it is on record.");
		return FAILED;
	}
	if (n > 1)
		printf("%zu boot%s before the last; --json has them all.\n", n - 1,
			n > 2 ? "s" : "");
	last = json_array_get(boots, n - 1);
	print_boot(last, json_object_get(machine, "transfers"));
	return exit_status(last);
}

int
cmd_explain(const struct conf *c)
{
	char path[512];
	struct answer a;
	int status;

	if (!client_names_machine(c->operand[0]))
		return fail(EX_USAGE, "explain: '%.64s' is no MAC and no IP address",
			c->operand[0]);
	snprintf(path, sizeof(path), "/api/v1/machines/%.128s", c->operand[0]);
	status = client_ask(c, "GET", path, NULL, &a);
	if (status == EX_OK && a.status == 404)
		status = fail(UNKNOWN, "%s; 'pixie status' lists all that have been",
			answer_error(&a));
	else if (status == EX_OK && (a.status != 200 || a.json == NULL))
		status = fail(EX_PROTOCOL, "%s", answer_error(&a));
	else if (status == EX_OK && c->json)
		puts(a.text);
	if (status == EX_OK && c->json)
		status = exit_status(json_object_get(a.json, "boot"));
	else if (status == EX_OK)
		status = print_story(a.json);
	answer_free(&a);
	return status;
}
