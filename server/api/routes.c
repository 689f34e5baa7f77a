#include "api/problem.h"
#include "api/resources.h"
#include "api/routes.h"

#define SUBNET_BODY_MAX ((size_t)1 << 20)
#define PROFILE_BODY_MAX ((size_t)8 << 20)

const struct http_route api_routes[] = {
	{.method = "GET", .path = "/", .handle = root_get},
	{.method = "GET", .path = "/openapi.yaml", .handle = openapi_get},
	{.method = "GET", .path = "/healthz", .handle = health_get},
	{.method = "GET", .path = "/readyz", .handle = ready_get},
	{.method = "GET", .path = "/metrics", .handle = metrics_get},
	{.method = "GET", .path = "/problems", .handle = problems_list},
	{.method = "GET", .path = "/problems/{slug}", .handle = problems_get},
	{.method = "GET", .path = "/networks", .handle = networks_list},
	{.method = "GET", .path = "/networks/{name}", .handle = networks_get},
	{.method = "GET", .path = "/networks/{name}/pareto", .handle = pareto_get, .in_worker = true, .computes = true},
	{.method = "GET", .path = "/profiles", .handle = profiles_list, .in_worker = true},
	{.method = "GET", .path = "/profiles/{name*}", .handle = profile_get, .in_worker = true},
	{.method = "PUT",
	 .path = "/profiles/{name*}",
	 .handle = profile_put,
	 .in_worker = true,
	 .max_body = PROFILE_BODY_MAX,
	 .body_types = {"application/json", "application/yaml", "application/x-yaml", "text/yaml"}},
	{.method = "DELETE", .path = "/profiles/{name*}", .handle = profile_delete, .in_worker = true},
	{.method = "POST",
	 .path = "/subnets",
	 .handle = subnets_post,
	 .max_body = SUBNET_BODY_MAX,
	 .body_types = {"application/json"}},
	{.method = "GET", .path = "/subnets/{id}", .handle = subnet_get},
	{.method = "GET", .path = "/subnets/{id}/manifest", .handle = subnet_manifest_get},
};

const size_t n_api_routes = OFA_ARRAY_LEN(api_routes);
