// SPDX-License-Identifier: GPL-2.0-only
/*
 * GNU make ends with 2 whatever its recipes return. `make vm` promises the
 * status of the command that ran in the VM, so make loads this and its last
 * recipe calls $(exit-status N).
 */
#include <stdlib.h>
#include <gnumake.h>

int plugin_is_GPL_compatible;

static char *exit_status(const char *name, unsigned int argc, char **argv)
{
	(void)name;
	(void)argc;
	exit(atoi(argv[0]));
}

int exitstatus_gmk_setup(void);
int exitstatus_gmk_setup(void)
{
	gmk_add_function("exit-status", exit_status, 1, 1, GMK_FUNC_DEFAULT);
	return 1;
}
