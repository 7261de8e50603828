/* pixie: which subcommand, and what to say when asked for help. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/fail.h"

static const struct command {
	const char *name, *what;
	int (*run)(const struct conf *c);
	int operands;
	const char *usage, *more; /* for its own --help; NULL: pixie's */
} commands[] = {
	{"serve", "serve TFTP and HTTP (what pixie does without a command)", cmd_serve, 0,
		NULL, NULL},
	{"roms", "list the ROMs: name, version, hash, source, and the empty slots",
		cmd_roms, 0, "[--roms DIR]",
		"Prints what is served under each ROM's name, from where, and the slots "
		"that are\nempty. --roms DIR: with your own ROMs in DIR."},
	{"status", "list the machines that the running server knows", cmd_status, 0,
		"[--json] [--control PATH]",
		"Prints a line for each machine, the last seen first: its MAC address, "
		"its address,\nits state, when it was seen, and what its last boot came "
		"to."},
	{"explain", "say why a machine did not boot: MAC or IP address", cmd_explain, 1,
		"MAC|IP [--json] [--control PATH]",
		"Prints the story of the machine's last boot, the verdict, and what to "
		"do "
		"about it.\n\nExit status: 0 it boots or has booted, 1 it has not, or "
		"pixie "
		"cannot tell\n(quiet), 2 nobody has heard of it; 64 a mistake on the "
		"command line,\n69 no server listens, 76 what listens is no pixie, 77 no "
		"permission.\n\nExample: pixie explain 00:11:22:33:44:55"},
	{"set", "set a machine's state: MAC|IP boot|once|local|ignore", cmd_set, 2,
		"MAC|IP STATE [--control PATH]",
		"  boot    it gets its script, always\n"
		"  once    it gets its script in one boot, then boots its own disk\n"
		"  local   it is told to boot its own disk\n"
		"  ignore  the same, and proxyDHCP does not answer it\n\n"
		"What is acknowledged is on disk; with --state none it holds until pixie "
		"ends.\nExit status: 0 done, 75 done but not on disk yet; 64 a mistake "
		"on "
		"the command\nline, 65 no machine has this address, 69 no server "
		"listens, "
		"76 what listens is no\npixie, 77 no permission.\n\nExample: pixie set "
		"00:11:22:33:44:55 once"},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static int
help(void)
{
	puts("pixie " PIXIE_VERSION ": boots machines from the network with iPXE.\n"
	     "Hands the firmware an iPXE ROM by TFTP or HTTP; iPXE then fetches "
	     "chain.ipxe,\n"
	     "shows a menu and runs the machine's own script from the script directory.\n"
	     "\n"
	     "Usage: pixie [serve] -d DIR [OPTION...]\n"
	     "       pixie COMMAND ...          (see pixie COMMAND --help)\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-24s%s\n", commands[i].name, commands[i].what);
	puts("\nOptions:");
	conf_help(stdout);
	puts("\n"
	     "Example:\n"
	     "  pixie -d /srv/ipxe -e /srv/images\n"
	     "\n"
	     "serves /srv/ipxe/00-11-22-33-44-55.ipxe to the machine with that MAC "
	     "address,\n"
	     "/srv/ipxe/default.ipxe to machines without a script of their own, and\n"
	     "/srv/images/vmlinuz as http://ADDR/extra/vmlinuz.\n"
	     "\n"
	     "With --proxy-dhcp pixie tells machines what to boot, beside any DHCP "
	     "server.\n"
	     "Without it the DHCP server must name this server as next-server and, by "
	     "the\n"
	     "client's architecture (option 93), the ROM as boot file: undionly.kpxe "
	     "(0),\n"
	     "snponly64.efi (7, 9), snponly-arm64.efi (11); and chain.ipxe to iPXE "
	     "itself.\n"
	     "See pixie(8) or the README for examples.");
	return EX_OK;
}

static int
help_for(const struct command *command)
{
	if (command->usage == NULL)
		return help();
	printf("pixie %s: %s.\n\nUsage: pixie %s %s\n\n%s\n", command->name,
		command->what, command->name, command->usage, command->more);
	return EX_OK;
}

/* The words a command cannot do without. */
static int
check_words(const struct command *command, const struct conf *c)
{
	if (c->n_operands == command->operands)
		return EX_OK;
	return fail(EX_USAGE, "usage: pixie %s %s", command->name, command->usage);
}

/*
 * Whoever starts us may have closed 0, 1 or 2; a socket must not become one of
 * them, or the log would be sent to a machine. Without /dev/null there is no way.
 */
static bool
standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return fcntl(STDERR_FILENO, F_GETFD) >= 0;
	close(fd);
	return true;
}

int
main(int argc, char **argv)
{
	const struct command *command = &commands[0];
	struct conf c;
	char err[256];
	int status;

	if (!standard_descriptors())
		return EX_OSERR;
	argc--;
	argv++;
	for (size_t i = 0; argc > 0 && i < COMMANDS; i++)
		if (strcmp(argv[0], commands[i].name) == 0) {
			command = &commands[i];
			argc--;
			argv++;
			break;
		}
	if (argc > 0 && strcmp(argv[0], "help") == 0)
		return help();
	if (!conf_read_words(&c, command->operands, argc, (const char *const *)argv, err,
		    sizeof(err)))
		return fail(EX_USAGE, "%s", err);
	if (c.help)
		return help_for(command);
	if (c.version) {
		puts("pixie " PIXIE_VERSION);
		return EX_OK;
	}
	status = check_words(command, &c);
	return status == EX_OK ? command->run(&c) : status;
}
