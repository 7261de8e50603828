/* Prints the options as mdoc, for pixie.8. */
#include "conf/conf.h"

int
main(void)
{
	conf_man(stdout);
	return 0;
}
