/* pixie status: the machines of the running server, in a table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/fail.h"

/* MACHINE ADDRESS STATE SEEN BOOT: 80 columns in all. */
enum { MACHINE = 17, ADDRESS = 15, STATE = 6, SEEN = 7, BOOT = 27, GAP = 2 };

static void
cell(const char *text, int width)
{
	size_t len = strlen(text);

	print_plain(text, (size_t)width);
	if (len < (size_t)width)
		printf("%*s", width - (int)len, "");
	printf("%*s", GAP, "");
}

/* How long ago, in the unit that fits. */
static const char *
ago(int64_t ms, char buf[static 24])
{
	int64_t s = ((int64_t)time(NULL) * 1000 - ms) / 1000;

	if (ms == 0)
		return "-";
	if (s < 1)
		return "now";
	if (s < 100)
		snprintf(buf, 24, "%" PRId64 " s", s);
	else if (s < 100 * 60)
		snprintf(buf, 24, "%" PRId64 " min", s / 60);
	else if (s < 48 * 3600)
		snprintf(buf, 24, "%" PRId64 " h", s / 3600);
	else
		snprintf(buf, 24, "%" PRId64 " d", s / 86400);
	return buf;
}

/* "snponly64.efi 42 %" while something is on its way, else the outcome and why. */
static const char *
progress(const json_t *machine, char *buf, size_t cap)
{
	const json_t *boot = json_object_get(machine, "boot");
	const json_t *t = json_array_get(json_object_get(machine, "transfers"), 0);
	int64_t total = member_number(t, "total");
	const char *code = member_text(json_object_get(boot, "verdict"), "code");
	const char *outcome = member_text(boot, "outcome");

	if (t != NULL && total > 0)
		snprintf(buf, cap, "%.20s %d %%", member_text(t, "name"),
			(int)((double)member_number(t, "bytes") * 100 / (double)total));
	else if (*code != '\0' && strcmp(code, outcome) != 0)
		snprintf(buf, cap, "%s: %s", outcome, code);
	else
		snprintf(buf, cap, "%s", *outcome ? outcome : "-");
	return buf;
}

/* In brackets: its `once` is used up, so that its disk comes next. */
static const char *
state_of(const json_t *machine, char *buf, size_t cap)
{
	bool used = json_is_true(json_object_get(machine, "once_used"));

	snprintf(buf, cap, used ? "(%s)" : "%s", member_text(machine, "state"));
	return buf;
}

static void
print_row(const json_t *machine)
{
	const char *address = member_text(machine, "address");
	char seen[24], boot[128], state[24];

	cell(member_text(machine, "id"), MACHINE);
	cell(*address ? address : "-", ADDRESS);
	cell(state_of(machine, state, sizeof(state)), STATE);
	cell(ago(member_time(machine, "last_seen"), seen), SEEN);
	print_plain(progress(machine, boot, sizeof(boot)), BOOT);
	putchar('\n');
}

static void
print_table(const json_t *machines)
{
	if (json_array_size(machines) == 0) {
		puts("No machine has been heard of yet.");
		return;
	}
	cell("MACHINE", MACHINE);
	cell("ADDRESS", ADDRESS);
	cell("STATE", STATE);
	cell("SEEN", SEEN);
	puts("BOOT");
	for (size_t i = 0; i < json_array_size(machines); i++)
		print_row(json_array_get(machines, i));
}

int
cmd_status(const struct conf *c)
{
	struct answer a;
	int status = client_ask(c, "GET", "/api/v1/machines", NULL, &a);

	if (status == EX_OK && (a.status != 200 || a.json == NULL))
		status = fail(EX_PROTOCOL, "%s", answer_error(&a));
	if (status == EX_OK && c->json)
		puts(a.text);
	else if (status == EX_OK)
		print_table(json_object_get(a.json, "machines"));
	answer_free(&a);
	return status;
}
