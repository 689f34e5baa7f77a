/* Options: arguments, the environment, the configuration file, and what is printed of them. */
#include <string.h>

#include "runner.h"
#include "settings.h"

static enum ofa_status parse_all(struct settings *s, const char *const *args, const char *const *environment,
				 struct ofa_error *err)
{
	char *argv[24] = {(char *)"ofad"};
	int argc = 1;

	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	return settings_parse(s, argc, argv, (char *const *)environment, err);
}

static enum ofa_status parse(struct settings *s, const char *const *args, struct ofa_error *err)
{
	static const char *const nothing[] = {NULL};

	return parse_all(s, args, nothing, err);
}

START_TEST(test_settings)
{
	static const char *const args[] = {"--network",   "a",         "b", "--workers=3", "--cache-bytes",
					   "2G",          "--network", "c", "--listen",    "[::1]:0",
					   "--log-level", "debug",     NULL};
	struct ofa_error err = {0};
	struct settings s;

	ASSERT_OK(parse(&s, args, &err), &err);
	ck_assert_uint_eq(s.n_networks, 3);
	ck_assert_str_eq(s.networks[1], "b");
	ck_assert_str_eq(s.networks[2], "c");
	ck_assert_uint_eq(s.workers, 3);
	ck_assert_uint_eq(s.cache_bytes, (size_t)2 << 30);
	ck_assert_str_eq(s.listen, "[::1]:0");
	ck_assert_int_eq(s.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(s.data, "ofad-data");
	ck_assert_uint_eq(s.max_queue, 256);
	ASSERT_OK(settings_complete(&s, &err), &err);
	settings_release(&s);
}
END_TEST

START_TEST(test_bad_settings)
{
	static const struct {
		const char *args[4], *field, *says;
	} cases[] = {
		{{"--network", NULL}, "--network", "needs FILE"},
		{{"--surprise", NULL}, "--surprise", "--help"},
		{{"--listn=x", NULL}, "--listn=x", "did you mean --listen?"},
		{{"--max_queue", NULL}, "--max_queue", "did you mean --max-queue?"},
		{{"file", NULL}, "file", "no option"},
		{{"--workers", "0", NULL}, "--workers", "from 1 to 1024"},
		{{"--workers", "-1", NULL}, "--workers", "\"-1\""},
		{{"--workers", "1x", NULL}, "--workers", "\"1x\""},
		{{"--workers", "99999999999999999999", NULL}, "--workers", "1024"},
		{{"--cache-bytes", "5T", NULL}, "--cache-bytes", "K, M or G"},
		{{"--cache-bytes", "99999999999G", NULL}, "--cache-bytes", "K, M or G"},
		{{"--log-level", "loud", NULL}, "--log-level", "error, warn, info or debug"},
		{{"--help=yes", NULL}, "--help=yes", "no value"},
		{{"--config", "/none", NULL}, "", "/none"},
	};
	static const char *const none[] = {NULL};
	struct ofa_error missing = {0};
	struct settings s;

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_error err = {0};

		ck_assert_msg(parse(&s, cases[i].args, &err) != OFA_OK, "case %zu was accepted", i);
		ck_assert_msg(strcmp(err.field, cases[i].field) == 0, "case %zu: %s", i, err.field);
		ck_assert_msg(strstr(err.message, cases[i].says) != NULL, "case %zu: %s", i, err.message);
		settings_release(&s);
	}
	ASSERT_OK(parse(&s, none, &missing), &missing);
	ASSERT_FAILS(settings_complete(&s, &missing), OFA_ERR_INVALID);
	ck_assert_str_eq(missing.field, "--network");
	settings_release(&s);
}
END_TEST

static const char *config_file(const char *text)
{
	const char *path = temporary_path("ofad.yaml");
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* Arguments win over variables, these over the file, this over the defaults; a list is one value. */
START_TEST(test_precedence)
{
	static const char text[] = "# all of it\n"
				   "network: [a, \"b c\"]\n"
				   "listen: '127.0.0.1:1'\n"
				   "workers: 5\n"
				   "max-queue: 7\n"
				   "cache-bytes: 3M\n";
	static const char *const environment[] = {"HOME=/",           "OFAD_WORKERS=6",          "OFAD_MAX_QUEUE=8",
						  "OFAD_NETWORK=x:y", "OFAD_PORT=tcp://1.2.3.4", NULL};
	const char *args[] = {"--max-queue", "9", "--config", config_file(text), NULL};
	struct ofa_error err = {0};
	struct settings s;

	ASSERT_OK(parse_all(&s, args, environment, &err), &err);
	ck_assert_uint_eq(s.max_queue, 9);
	ck_assert_uint_eq(s.workers, 6);
	ck_assert_str_eq(s.listen, "127.0.0.1:1");
	ck_assert_uint_eq(s.cache_bytes, 3 << 20);
	ck_assert_uint_eq(s.drain_seconds, 20);
	ck_assert_uint_eq(s.n_networks, 2);
	ck_assert_str_eq(s.networks[0], "x");
	ck_assert_str_eq(s.networks[1], "y");
	settings_release(&s);
	ASSERT_OK(parse(&s, args, &err), &err);
	ck_assert_uint_eq(s.workers, 5);
	ck_assert_uint_eq(s.n_networks, 2);
	ck_assert_str_eq(s.networks[1], "b c");
	settings_release(&s);
	unlink(args[3]);
}
END_TEST

START_TEST(test_bad_files)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"workers: 2\nlistn: x\n", "line 2: there is no option \"listn\", did you mean listen?"},
		{"--workers: 2\n", "line 1: keys are written without dashes"},
		{"help: true\n", "line 1: there is no option \"help\""},
		{"\n\nworkers: four\n", "line 3: workers is \"four\"; a whole number from 1 to 1024 is accepted"},
		{"log-level: loud\n", "line 1: log-level is \"loud\"; error, warn, info or debug is accepted"},
		{"workers: 2\nworkers: 3\n", "line 2: workers is given a second time, first in line 1"},
		{"listen:\n", "line 1: listen has no value"},
		{"listen: ~\n", "line 1: listen has no value"},
		{"listen: [a, b]\n", "line 1: listen is a list"},
		{"listen:\n  host: x\n", "listen is a mapping"},
		{"network: [a, [b]]\n", "network has an element"},
		{"- network\n", "line 1: a sequence; a configuration is one mapping"},
		{"network: *a\n", "line 1: an alias"},
		{"workers: 2\n---\nworkers: 3\n", "a second document"},
		{"workers: \"2\n", "not YAML"},
		{"[a]: 2\n", "line 1: a key is not a word"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		const char *args[] = {"--config", config_file(cases[i].text), NULL};
		struct ofa_error err = {0};
		struct settings s;

		ck_assert_msg(parse(&s, args, &err) != OFA_OK, "case %zu was accepted", i);
		ck_assert_msg(strstr(err.message, cases[i].says) != NULL, "case %zu: %s", i, err.message);
		ck_assert_msg(strncmp(err.message, args[1], strlen(args[1])) == 0, "case %zu: %s", i, err.message);
		settings_release(&s);
		unlink(args[1]);
	}
}
END_TEST

static void collect(void *ctx, const char *message)
{
	ck_assert_ptr_nonnull(strstr(message, "OFAD_WORKRES"));
	ck_assert_ptr_nonnull(strstr(message, "OFAD_WORKERS"));
	++*(int *)ctx;
}

/* A variable that nearly is an option is doubted, not refused; others in the name space are not ours to judge. */
START_TEST(test_doubts)
{
	static const char *const environment[] = {"OFAD_WORKRES=6", "OFAD_WORKERS=6", "OFAD_SERVICE_HOST=1.2.3.4",
						  "OFAD_", NULL};
	int n = 0;

	settings_doubts((char *const *)environment, collect, &n);
	ck_assert_int_eq(n, 1);
}
END_TEST

/* What is printed gives the same again, whatever the values. */
START_TEST(test_print_round_trip)
{
	const char *args[] = {
		"--network",        "a b",         "c\"d\\e\n", "[x]", "--listen=[::1]:0", "--cache-bytes=1025",
		"--log-level=warn", "--data=null", NULL};
	const char *again_args[] = {"--config", NULL, NULL};
	struct ofa_error err = {0};
	struct settings s, again;
	FILE *f;

	ASSERT_OK(parse(&s, args, &err), &err);
	again_args[1] = config_file("");
	f = fopen(again_args[1], "w");
	settings_print(&s, f);
	fclose(f);
	ASSERT_OK(parse(&again, again_args, &err), &err);
	ck_assert_uint_eq(again.n_networks, s.n_networks);
	for (size_t i = 0; i < s.n_networks; i++)
		ck_assert_str_eq(again.networks[i], s.networks[i]);
	ck_assert_str_eq(again.listen, s.listen);
	ck_assert_str_eq(again.data, s.data);
	ck_assert_uint_eq(again.cache_bytes, s.cache_bytes);
	ck_assert_int_eq(again.log_level, s.log_level);
	settings_release(&s);
	settings_release(&again);
	unlink(again_args[1]);
}
END_TEST

static void read_example(char *text, size_t cap)
{
	const char *src = getenv("OFA_SRCDIR");
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/doc/examples/ofad.yaml", src ? src : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	text[fread(text, 1, cap - 1, f)] = '\0';
	fclose(f);
}

/* The shipped example is what the program prints, and with all its defaults in force it changes nothing. */
START_TEST(test_example)
{
	static char text[1 << 16], shipped[1 << 16], active[1 << 16];
	const char *args[] = {"--config", NULL, NULL};
	struct ofa_error err = {0};
	struct settings s;
	char *line_end;
	FILE *f = fmemopen(text, sizeof(text), "w");
	size_t n = 0;

	settings_print_example(f);
	fclose(f);
	read_example(shipped, sizeof(shipped));
	ck_assert_msg(strcmp(text, shipped) == 0, "doc/examples/ofad.yaml is not what ofad --print-config prints");
	for (char *line = strtok_r(text, "\n", &line_end); line; line = strtok_r(NULL, "\n", &line_end)) {
		const char *value = strstr(line, ": ");

		/* a word in capitals stands for a value that has no default */
		if (line[0] == '#' && line[1] != ' ' && value && !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ[", value[2]))
			n += (size_t)snprintf(active + n, sizeof(active) - n, "%s\n", line + 1);
	}
	ck_assert_uint_gt(n, 100);
	args[1] = config_file(active);
	ASSERT_OK(parse(&s, args, &err), &err);
	ck_assert_str_eq(s.listen, "127.0.0.1:8080");
	ck_assert_uint_eq(s.cache_bytes, (size_t)256 << 20);
	settings_release(&s);
	unlink(args[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_settings, test_bad_settings, test_precedence,      test_bad_files,
				      test_doubts,   test_example,      test_print_round_trip};

	return run_tests("settings", tests, OFA_ARRAY_LEN(tests));
}
