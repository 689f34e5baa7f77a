#include <stdio.h>
#include <string.h>
#include "command_keygen.h"
#include "sign/keys.h"

#define DEFAULT_DIR "ofad-data/keys"

static void help(void)
{
	printf("Usage: ofad keygen [--keys DIR]\n"
	       "Makes an Ed25519 key that ofad signs its deliveries with.\n\n"
	       "  --keys DIR   where ofad looks for its keys (" DEFAULT_DIR "); made when it is missing\n"
	       "  --help       print this and end\n\n"
	       "DIR/ID.key is the secret half: whoever can read it can sign for you.  DIR/ID.pub is the public half;\n"
	       "devices, `ofa pull --trust` and minisign verify by it.  No file is ever overwritten.\n\n"
	       "To change the key while the server runs:\n"
	       "  1. ofad keygen --keys DIR     a second key beside the first\n"
	       "  2. kill -HUP PID-OF-OFAD      from now on both sign, the new one first; both are published at\n"
	       "                                /.well-known/ofad-keys.json\n"
	       "  3. let the devices learn the new public half\n"
	       "  4. rm DIR/OLD-ID.key; kill -HUP PID-OF-OFAD\n"
	       "                                the old key signs no more, and is published until its .pub file is\n"
	       "                                removed in the same way\n");
}

static void tell(const char *dir, const struct sign_key *key, unsigned others)
{
	char minisign[SIGN_MINISIGN_CHARS + 1];

	sign_key_minisign(key, minisign);
	printf("key %s\n"
	       "  secret half  %s/%s.key   keep it where only ofad can read it\n"
	       "  public half  %s/%s.pub   for everybody\n"
	       "  %s\n\n"
	       "Next: ofad --keys %s ...   or, where it runs already, kill -HUP its process\n"
	       "      ofa pull URL --trust %s ...\n",
	       key->name, dir, key->name, dir, key->name, minisign, dir, minisign);
	if (others)
		printf("\n%u older key%s there: each signs until its .key file is removed, `ofad keygen --help` says "
		       "when.\n",
		       others, others == 1 ? " is" : "s are");
}

/* *ret_dir is the directory to make a key in, or NULL when nothing is left to do. */
static int parse(int argc, char **argv, const char **ret_dir)
{
	*ret_dir = DEFAULT_DIR;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			help();
			*ret_dir = NULL;
			return 0;
		}
		if (strncmp(argv[i], "--keys=", 7) == 0) {
			*ret_dir = argv[i] + 7;
		} else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc) {
			*ret_dir = argv[++i];
		} else {
			fprintf(stderr, "ofad keygen: %s \"%.64s\"; `ofad keygen --help` explains\n",
				strcmp(argv[i], "--keys") == 0 ? "a directory must follow" : "there is no option",
				argv[i]);
			return 2;
		}
	}
	return 0;
}

int command_keygen(int argc, char **argv)
{
	struct ofa_error err = {0};
	struct key_ring *ring;
	struct sign_key key;
	const char *dir;
	int rc = parse(argc, argv, &dir);

	if (rc || !dir)
		return rc;
	if (sign_key_create(dir, &key, &err) != OFA_OK || key_ring_load(dir, &ring, &err) != OFA_OK) {
		fprintf(stderr, "ofad keygen: %s\n", err.message);
		return 1;
	}
	tell(dir, &key, ring->n_signing - 1);
	key_ring_unref(ring);
	return 0;
}
