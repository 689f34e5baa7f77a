/* Request lines of any bytes, "METHOD /path?query": the route that is found, the parameters that are decoded.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iserver -Iengine -Idevice \
 *		tests/fuzz/fuzz_target.c server/http/route.c -o fuzz_target
 *	mkdir -p new-inputs && ./fuzz_target -max_len=1000 new-inputs tests/fuzz/corpus/target
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As api/routes.c has them, every kind of segment. */
static const struct http_route routes[] = {
	{.method = "GET", .path = "/"},
	{.method = "GET", .path = "/problems/{slug}"},
	{.method = "GET", .path = "/networks/{name}/pareto"},
	{.method = "GET", .path = "/profiles/{name*}/revisions/{revision}"},
	{.method = "GET", .path = "/profiles/{name*}/revisions"},
	{.method = "GET", .path = "/profiles/{name*}"},
	{.method = "PUT", .path = "/profiles/{name*}"},
	{.method = "DELETE", .path = "/profiles/{name*}"},
	{.method = "GET", .path = "/subnets/{id}.minisig"},
	{.method = "GET", .path = "/subnets/{id}"},
	{.method = "GET", .path = "/subnets/{id}/manifest"},
};
enum { N_ROUTES = sizeof(routes) / sizeof(routes[0]) };

static void must(int holds)
{
	if (!holds)
		abort();
}

/* Text that is safe in a log, a path or a header: decoded, with an end, without control characters. */
static void check_text(const char *text, size_t cap)
{
	size_t n = strnlen(text, cap);

	must(n < cap);
	for (size_t i = 0; i < n; i++)
		must((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void check_route(const char *method, const char *path)
{
	const struct http_route *route = NULL;
	struct http_params params = {0};
	char allow[HTTP_ALLOW_MAX];
	enum http_match match = http_route_find(routes, N_ROUTES, method, path, &route, &params, allow);

	check_text(allow, sizeof(allow));
	if (match == HTTP_NO_METHOD)
		must(allow[0] != '\0');
	if (match != HTTP_MATCH)
		return;
	must(route >= routes && route < routes + N_ROUTES && params.n <= HTTP_PARAMS_MAX && path[0] == '/');
	for (unsigned i = 0; i < params.n; i++) {
		check_text(params.list[i].value, HTTP_PARAM_MAX);
		must(params.list[i].value[0] != '\0');
		must(params.list[i].name_len > 0 && strstr(route->path, params.list[i].name) != NULL);
	}
	if (http_param(&params, "id"))
		must(!strchr(http_param(&params, "id"), '/'));
}

static void check_query(const char *query)
{
	static const char *const names[] = {"limit", "cursor", "profile", "metric"};
	char value[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (http_query(query, names[i], value, sizeof(value)))
			check_text(value, sizeof(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *path, *query;

	must(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	path = strchr(text, ' ');
	if (path) {
		*path++ = '\0';
		query = strchr(path, '?');
		if (query)
			*query++ = '\0';
		check_route(text, path);
		check_query(query);
	}
	free(text);
	return 0;
}
