/* pixie set: gives a machine its state. */
#include <stdio.h>
#include <string.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/fail.h"
#include "machine/registry.h"

static int
check(const char *machine, const char *word)
{
	enum machine_state state;

	if (!client_names_machine(machine))
		return fail(
			EX_USAGE, "set: '%.64s' is no MAC and no IP address", machine);
	if (!machine_state_parse(word, strlen(word), &state))
		return fail(EX_USAGE,
			"set: '%.64s' is no state; write boot, once, local "
			"or ignore",
			word);
	return EX_OK;
}

static int
report(const struct answer *a)
{
	if (a->status != 200 && a->status != 202)
		return fail(a->status == 404 ? EX_DATAERR : EX_PROTOCOL, "%s",
			answer_error(a));
	printf("%s is now '%s'%s\n", member_text(a->json, "id"),
		member_text(a->json, "state"),
		member_time(a->json, "last_seen") ? ""
						  : " (no such machine has been seen "
						    "yet)");
	if (a->status == 202)
		return fail(EX_TEMPFAIL, "%s", member_text(a->json, "warning"));
	return EX_OK;
}

int
cmd_set(const struct conf *c)
{
	char path[512], body[64];
	struct answer a;
	int status = check(c->operand[0], c->operand[1]);

	if (status != EX_OK)
		return status;
	snprintf(path, sizeof(path), "/api/v1/machines/%.128s/state", c->operand[0]);
	snprintf(body, sizeof(body), "{\"state\":\"%.16s\",\"by\":\"cli\"}",
		c->operand[1]);
	status = client_ask(c, "PUT", path, body, &a);
	if (status == EX_OK)
		status = report(&a);
	answer_free(&a);
	return status;
}
