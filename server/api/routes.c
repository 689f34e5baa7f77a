#include "access/principal.h"
#include "api/problem.h"
#include "api/resources.h"
#include "api/routes.h"

#define SUBNET_BODY_MAX ((size_t)1 << 20)
#define MEASUREMENT_BODY_MAX ((size_t)4 << 10)
#define PROFILE_BODY_MAX ((size_t)8 << 20)

/* What everybody needs who has a token, and what was asked for by somebody else. */
#define LOOK (SCOPE_READ | SCOPE_PROVISION | SCOPE_PROFILES_WRITE)
#define TAKE (SCOPE_READ | SCOPE_PROVISION)

const struct http_route api_routes[] = {
	{.method = "GET", .path = "/", .scopes = SCOPE_PUBLIC, .handle = root_get},
	{.method = "GET", .path = "/openapi.yaml", .scopes = SCOPE_PUBLIC, .handle = openapi_get},
	{.method = "GET", .path = "/healthz", .scopes = SCOPE_PUBLIC, .unmetered = true, .handle = health_get},
	{.method = "GET", .path = "/readyz", .scopes = SCOPE_PUBLIC, .unmetered = true, .handle = ready_get},
	{.method = "GET", .path = "/metrics", .scopes = SCOPE_READ, .handle = metrics_get},
	{.method = "GET", .path = "/.well-known/ofad-keys.json", .scopes = SCOPE_PUBLIC, .handle = keys_get},
	{.method = "GET", .path = "/ledger", .scopes = SCOPE_READ, .handle = ledger_get},
	{.method = "GET", .path = "/problems", .scopes = SCOPE_PUBLIC, .handle = problems_list},
	{.method = "GET", .path = "/problems/{slug}", .scopes = SCOPE_PUBLIC, .handle = problems_get},
	{.method = "GET", .path = "/networks", .scopes = LOOK, .handle = networks_list},
	{.method = "GET", .path = "/networks/{name}", .scopes = LOOK, .handle = networks_get},
	{.method = "GET",
	 .path = "/networks/{name}/latency-keys",
	 .scopes = LOOK,
	 .handle = latency_keys_get,
	 .in_worker = true},
	{.method = "GET",
	 .path = "/networks/{name}/pareto",
	 .scopes = SCOPE_READ,
	 .handle = pareto_get,
	 .in_worker = true,
	 .computes = true},
	{.method = "GET", .path = "/profiles", .scopes = LOOK, .handle = profiles_list, .in_worker = true},
	/* before the names that they follow, which take all segments that are left */
	{.method = "GET",
	 .path = "/profiles/{name*}/revisions",
	 .scopes = LOOK,
	 .handle = revisions_list,
	 .in_worker = true},
	{.method = "GET",
	 .path = "/profiles/{name*}/revisions/{revision}",
	 .scopes = LOOK,
	 .handle = revision_get,
	 .in_worker = true},
	{.method = "GET",
	 .path = "/profiles/{name*}/calibration",
	 .scopes = SCOPE_READ,
	 .handle = calibration_get,
	 .in_worker = true},
	{.method = "GET", .path = "/profiles/{name*}", .scopes = LOOK, .handle = profile_get, .in_worker = true},
	{.method = "PUT",
	 .path = "/profiles/{name*}",
	 .scopes = SCOPE_PROFILES_WRITE,
	 .handle = profile_put,
	 .audit = "profile.put",
	 .in_worker = true,
	 .max_body = PROFILE_BODY_MAX,
	 .body_types = {"application/json", "application/yaml", "application/x-yaml", "text/yaml"}},
	{.method = "DELETE",
	 .path = "/profiles/{name*}",
	 .scopes = SCOPE_PROFILES_WRITE,
	 .handle = profile_delete,
	 .audit = "profile.delete",
	 .in_worker = true},
	{.method = "POST",
	 .path = "/subnets",
	 .scopes = SCOPE_PROVISION,
	 .handle = subnets_post,
	 .audit = "subnet.ask",
	 .max_body = SUBNET_BODY_MAX,
	 .body_types = {"application/json"}},
	{.method = "GET", .path = "/jobs/{job}", .scopes = TAKE, .handle = job_get},
	{.method = "GET", .path = "/jobs/{job}/events", .scopes = TAKE, .handle = job_events_get},
	{.method = "DELETE",
	 .path = "/jobs/{job}",
	 .scopes = SCOPE_PROVISION,
	 .handle = job_delete,
	 .audit = "job.cancel"},
	{.method = "GET", .path = "/subnets/{id}.minisig", .scopes = TAKE, .handle = subnet_minisig_get},
	{.method = "GET", .path = "/subnets/{id}", .scopes = TAKE, .handle = subnet_get, .audit = "subnet.take"},
	{.method = "GET",
	 .path = "/subnets/{id}/manifest",
	 .scopes = TAKE,
	 .handle = subnet_manifest_get,
	 .in_worker = true},
	{.method = "GET",
	 .path = "/subnets/{id}/signed-manifest",
	 .scopes = TAKE,
	 .handle = subnet_signed_manifest_get},
	{.method = "GET",
	 .path = "/subnets/{id}/measurements",
	 .scopes = TAKE,
	 .handle = measurements_list,
	 .in_worker = true},
	{.method = "POST",
	 .path = "/subnets/{id}/measurements",
	 .scopes = SCOPE_PROVISION,
	 .handle = measurements_post,
	 .audit = "measurement.post",
	 .in_worker = true,
	 .max_body = MEASUREMENT_BODY_MAX,
	 .body_types = {"application/json"}},
	{.method = "GET",
	 .path = "/subnets/{id}/measurements/{number}",
	 .scopes = TAKE,
	 .handle = measurement_get,
	 .in_worker = true},
};

const size_t n_api_routes = OFA_ARRAY_LEN(api_routes);

/* Answered in the HTTP thread, as no worker may be free. */
const struct http_route admin_routes[] = {
	{.method = "GET", .path = "/healthz", .handle = health_get},
	{.method = "GET", .path = "/readyz", .handle = ready_get},
	{.method = "GET", .path = "/metrics", .handle = metrics_get},
};

const size_t n_admin_routes = OFA_ARRAY_LEN(admin_routes);
