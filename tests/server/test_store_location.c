/* What --store says: what is shown of it, and what is reached for it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "runner.h"
#include "sandbox/sandbox.h"
#include "settings.h"
#include "store/location.h"

START_TEST(test_shown)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{"sqlite:/var/lib/a:b@c/ofad.db", "sqlite:/var/lib/a:b@c/ofad.db"},
		{"postgresql://host/name", "postgresql://host/name"},
		{"postgresql:///name?host=/run/postgresql", "postgresql:///name?host=/run/postgresql"},
		{"postgresql://ofad@host:5432/name?sslmode=off", "postgresql://ofad@host:5432/name?sslmode=off"},
		{"postgresql://ofad:secret@host:5432/name", "postgresql://ofad:***@host:5432/name"},
		{"postgres://ofad:sec:ret@sec@ret@host/name", "postgres://ofad:***@host/name"},
		{"postgres://ofad:sec/ret?secret#secret@host/name", "postgres://ofad:***@host/name"},
		{"postgresql://host/name?password=secret&secret", "postgresql://host/name?pass***"},
		{"postgresql://host/name?sslpassword=secret", "postgresql://host/name?sslpass***"},
		{"postgresql://ofad:secret@host/name?password=secret", "postgresql://ofad:***@host/name?pass***"},
		{"ofad:secret@host", "ofad:***@host"},
	};
	char out[128];

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		store_url_shown(cases[i].url, out, sizeof(out));
		ck_assert_str_eq(out, cases[i].shown);
	}
}
END_TEST

START_TEST(test_file)
{
	static const struct {
		const char *url, *file, *directory;
	} cases[] = {
		{NULL, "data/ofad.db", "data"},
		{"sqlite:/var/x.db", "/var/x.db", "/var"},
		{"sqlite:/x.db", "/x.db", "/"},
		{"sqlite:x.db", "x.db", "."},
		{"postgresql://host/name", "", "data"},
	};
	char out[STORE_PATH_MAX], long_url[STORE_PATH_MAX + 16] = "sqlite:";
	struct ofa_error err = {0};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		ASSERT_OK(store_file(cases[i].url, "data", out, &err), &err);
		ck_assert_str_eq(out, cases[i].file);
		ASSERT_OK(store_directory(cases[i].url, "data", out, &err), &err);
		ck_assert_str_eq(out, cases[i].directory);
	}
	memset(long_url + 7, 'x', STORE_PATH_MAX);
	ASSERT_FAILS(store_file(long_url, "data", out, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "--store");
}
END_TEST

static bool reads(const struct reach *r, const char *path)
{
	for (size_t i = 0; i < r->n_paths; i++)
		if (strcmp(r->paths[i], path) == 0)
			return true;
	return false;
}

START_TEST(test_reach)
{
	struct ofa_error err = {0};
	struct reach r = {.n_paths = 0};

	ASSERT_OK(store_reach(NULL, &r, &err), &err);
	ASSERT_OK(store_reach("sqlite:x.db", &r, &err), &err);
	ck_assert(!r.connects && r.n_paths == 0);

	setenv("PGPASSFILE", "/etc/ofad/pgpass", 1);
	unsetenv("PGPORT");
	ASSERT_OK(store_reach("postgresql://a:5433,b,c:5434/name?sslrootcert=/etc/ofad/root.pem", &r, &err), &err);
	ck_assert(r.connects);
	ck_assert_uint_eq(r.n_ports, 3);
	ck_assert(r.ports[0] == 5433 && r.ports[1] == 5432 && r.ports[2] == 5434);
	ck_assert(reads(&r, "/etc/ofad/pgpass") && reads(&r, "/etc/ofad/root.pem") && reads(&r, "/etc/resolv.conf"));
	/* certificates, and not the keys beside them */
	ck_assert(reads(&r, "/etc/ssl/certs") && !reads(&r, "/etc/ssl") && !reads(&r, "/etc/pki/tls"));
	reach_release(&r);

	setenv("PGPORT", "6000", 1);
	ASSERT_OK(store_reach("postgresql://a/name", &r, &err), &err);
	ck_assert(r.n_ports == 1 && r.ports[0] == 6000);
	reach_release(&r);
	ASSERT_FAILS(store_reach("postgresql://a:70000/name", &r, &err), OFA_ERR_INVALID);
	reach_release(&r);
}
END_TEST

/* A socket of the loopback that listens; its port. */
static int listen_somewhere(struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(*ret);

	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

static int connect_to(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), error = 0;

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		error = errno;
	close(fd);
	return error;
}

static int open_error(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* The database's port and what names hosts, and nothing beside. */
START_TEST(test_bounds)
{
	struct settings settings = {.store = NULL};
	struct sockaddr_in database, other;
	struct ofa_error err = {0};
	struct reach r = {.n_paths = 0};
	char url[64];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return; /* they read what is out of bounds when they end */
#endif
	if (landlock_version() < 4)
		return; /* which knows no ports */
	listen_somewhere(&database);
	listen_somewhere(&other);
	snprintf(url, sizeof(url), "postgresql://127.0.0.1:%u/name", ntohs(database.sin_port));
	ASSERT_OK(store_reach(url, &r, &err), &err);
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ASSERT_OK(landlock_enter(&settings, &r, &err), &err);
	ASSERT_OK(seccomp_enter(r.connects, &err), &err);
	ck_assert_int_eq(connect_to(&database), 0);
	ck_assert_int_eq(connect_to(&other), EACCES);
	ck_assert_int_eq(open_error("/etc/hosts"), 0);
	ck_assert_int_eq(open_error("/etc/group"), EACCES);
	ck_assert_int_ne(open_error("/etc/ssl/private"), 0);
	ck_assert(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
	ck_assert(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM);
	reach_release(&r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_shown, test_file, test_reach, test_bounds};

	return run_tests("store-location", tests, OFA_ARRAY_LEN(tests));
}
