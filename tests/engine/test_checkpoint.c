/* Checkpoints: PyTorch's two formats and safetensors, read without running anything.  Pickles are written out opcode by
 * opcode, so that a test says what it is about. */
#include "runner.h"

#include <string.h>

#include "import/checkpoint.h"
#include "import/unpickle.h"
#include "shared.h"
#include "zip_writer.h"

/* Bytes of a literal that may hold NULs. */
#define B(literal) (literal), sizeof(literal) - 1

#define PROTO "\x80\x02"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
/* The arguments of a tensor: a float storage of n elements under key "k", offset, shape and strides are up to it. */
#define STORAGE(type, n) "((X\x07\0\0\0storagectorch\n" type "Storage\nX\x01\0\0\0kX\x03\0\0\0cpuK" n "tQ"
#define NAMED_W "X\x01\0\0\0w"

static struct ofa_error err;

static enum ofa_status unpickle(const void *data, size_t size)
{
	struct ofa_pickle p;
	enum ofa_status st;

	memset(&err, 0, sizeof(err));
	st = ofa_unpickle(data, size, &p, &err);
	if (st == OFA_OK)
		ofa_pickle_release(&p);
	return st;
}

static void expect_refused(const void *data, size_t size, enum ofa_status status, const char *says)
{
	enum ofa_status st = unpickle(data, size);

	ck_assert_msg(st == status && strstr(err.message, says), "%s: \"%s\" instead of %s: \"%s\"",
		      ofa_status_name(st), err.message, ofa_status_name(status), says);
}

START_TEST(values_of_every_kind)
{
	static const char text[] = PROTO "(NK\x07M\x01\x02J\xff\xff\xff\xff\x8a\x01\xfe\x88G\x3f\xf8\0\0\0\0\0\0"
					 "X\x02\0\0\0hi\x43\x01z\x85]q\x05h\x05}t.";
	struct ofa_pickle p;
	const struct ofa_pickled *v[16];
	size_t n = 0;

	ASSERT_OK(ofa_unpickle((const uint8_t *)text, sizeof(text), &p, &err), &err);
	ck_assert_uint_eq(p.size, sizeof(text) - 1);
	ck_assert_int_eq(p.values[p.root].kind, OFA_PICKLED_TUPLE);
	for (uint32_t i = p.values[p.root].items.first; i && n < 16; i = p.items[i].next)
		v[n++] = &p.values[p.items[i].value];
	ck_assert_uint_eq(n, 12);
	ck_assert_int_eq(v[0]->kind, OFA_PICKLED_NONE);
	ck_assert_int_eq(v[1]->integer, 7);
	ck_assert_int_eq(v[2]->integer, 513);
	ck_assert_int_eq(v[3]->integer, -1);
	ck_assert_int_eq(v[4]->integer, -2);
	ck_assert(v[5]->kind == OFA_PICKLED_BOOL && v[5]->integer == 1);
	ck_assert(v[6]->kind == OFA_PICKLED_FLOAT && v[6]->number == 1.5);
	ck_assert(v[7]->kind == OFA_PICKLED_STRING && v[7]->text.n == 2 && memcmp(v[7]->text.p, "hi", 2) == 0);
	ck_assert(v[8]->kind == OFA_PICKLED_TUPLE && v[8]->items.n == 1);
	ck_assert(v[9]->kind == OFA_PICKLED_LIST);
	ck_assert_ptr_eq(v[9], v[10]);
	ck_assert_int_eq(v[11]->kind, OFA_PICKLED_DICT);
	ofa_pickle_release(&p);
}
END_TEST

START_TEST(names_that_are_refused)
{
	expect_refused(B(PROTO "cos\nsystem\n(X\x02\0\0\0lst\x52."), OFA_ERR_UNSUPPORTED,
		       "the pickle asks for os.system: refused, no code is ever run");
	ck_assert_str_eq(err.field, "os.system");
	expect_refused(B("\x80\x04\x8c\x08"
			 "builtins\x8c\x04"
			 "eval\x93."),
		       OFA_ERR_UNSUPPORTED, "builtins.eval");
	expect_refused(B(PROTO "ctorch.nn.modules.container\nSequential\n)\x81."), OFA_ERR_UNSUPPORTED,
		       "torch.nn.modules.container.Sequential");
	expect_refused(B(PROTO "ctorch\nFloatStorage\n)R."), OFA_ERR_UNSUPPORTED, "calls torch.FloatStorage");
	expect_refused(B(PROTO "K\x01)R."), OFA_ERR_UNSUPPORTED, "calls an integer");
	expect_refused(B(PROTO "K\x01}b."), OFA_ERR_UNSUPPORTED, "sets the state of an integer");
	expect_refused(B(PROTO "(ios\nsystem\n."), OFA_ERR_UNSUPPORTED, "uses INST");
	expect_refused(B(PROTO "ccollections\nOrderedDict\n)\x81."), OFA_ERR_UNSUPPORTED, "uses NEWOBJ");
	expect_refused(B("\x80\x01N."), OFA_ERR_UNSUPPORTED, "protocol 1");
	expect_refused(B("\x80\x06N."), OFA_ERR_UNSUPPORTED, "protocol 6");
}
END_TEST

START_TEST(damage_that_is_named)
{
	static const struct {
		const char *data;
		size_t size;
		const char *says;
	} cases[] = {
		{B(""), "no protocol mark"},
		{B("N."), "no protocol mark"},
		{B(PROTO), "ends without STOP"},
		{B(PROTO "N"), "ends without STOP"},
		{B(PROTO "."), "something else than one value"},
		{B(PROTO "NN."), "something else than one value"},
		{B(PROTO "(N."), "something else than one value"},
		{B(PROTO "X\xff\xff\xff\x7f"), "it ends early"},
		{B(PROTO "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), "it ends early"},
		{B(PROTO "\x8b\xff\xff\xff\xff"), "it ends early"},
		{B("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff"), "a frame reaches beyond"},
		{B(PROTO "h\x01."), "never written"},
		{B(PROTO "t."), "a mark is missing"},
		{B(PROTO "N(0."), "its stack is empty"},
		{B(PROTO "q\x01."), "its stack is empty"},
		{B(PROTO "Ns."), "its stack is empty"},
		{B(PROTO "NNNs."), "no dict"},
		{B(PROTO "}(Nu."), "a key without its value"},
		{B(PROTO "}Na."), "no list"},
		{B(PROTO "cos"), "ends inside a name"},
		{B(PROTO "\xff."), "no opcode"},
		{B(PROTO PROTO "."), "second protocol mark"},
		{B(PROTO "K\x01K\x02\x93."), "whose name is not text"},
		{B(PROTO "K\x01Q."), "names no storage"},
		{B(PROTO REBUILD ")R."), "a tensor is made of"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x02K\x03\x86K\x01\x85\x89NtR."), "of the same length"},
		{B(PROTO REBUILD "K\x01R."), "without a tuple"},
		{B(PROTO "ctorch._utils\n_rebuild_parameter\nN\x85R."), "a parameter is made of a tensor"},
		{B(PROTO "ccollections\nOrderedDict\n]K\x01\x61\x85R."), "a list of pairs"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++)
		expect_refused(cases[i].data, cases[i].size, OFA_ERR_FORMAT, cases[i].says);
}
END_TEST

/* Shape, strides and offset of a tensor over 12 floats. */
START_TEST(tensors_stay_inside_their_storage)
{
	static const struct {
		const char *data;
		size_t size;
		const char *says; /* NULL: accepted */
	} cases[] = {
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x0c\x85K\x01\x85\x89NtR."), NULL},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0))\x89NtR."), NULL},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\x01K\x0b\x85K\x01\x85\x89NtR."), NULL},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x03K\x04\x86K\x01K\x03\x86\x89NtR."), NULL},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x0c\x85K\0\x85\x89NtR."), NULL},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\x01K\x0c\x85K\x01\x85\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x0d\x85K\x01\x85\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x0d\x85K\0\x85\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x06\x85K\x03\x85\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\x0c))\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x04K\x04\x86K\0K\0\x86\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "J\xff\xff\xff\xffK\x01\x85K\x01\x85\x89NtR."),
		 "a tensor is made of"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\x02\x85J\xff\xff\xff\xff\x85\x89NtR."), "not negative"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0K\0\x85K\x01\x85\x89NtR."), "beyond its storage"},
		{B(PROTO REBUILD STORAGE(
			 "Float", "\x0c") "K\0K\x02K\x02\x86\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86\x89NtR."),
		 "beyond its storage"},
		{B(PROTO REBUILD STORAGE("Float", "\x0c") "K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff"
							  "\xff\xff\xff\xff\xff\x7f\x86K\0K\0"
							  "\x86\x89NtR."),
		 "beyond its storage"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		if (cases[i].says)
			expect_refused(cases[i].data, cases[i].size, OFA_ERR_FORMAT, cases[i].says);
		else
			ck_assert_msg(unpickle(cases[i].data, cases[i].size) == OFA_OK, "case %zu: %s", i, err.message);
	}
}
END_TEST

/* A legacy checkpoint whose content is the pickle given: one storage "k" of 12 floats 0, 1, 2, ... */
static size_t legacy_file(const char *content, size_t content_size, uint8_t *out)
{
	static const char head[] = PROTO "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." PROTO "M\xe9\x03." PROTO
					 "}X\x0d\0\0\0little_endian\x88s.";
	static const char keys[] = PROTO "]X\x01\0\0\0ka.";
	uint8_t count[8] = {12};
	size_t n = 0;

	memcpy(out, head, sizeof(head) - 1);
	n += sizeof(head) - 1;
	memcpy(out + n, content, content_size);
	n += content_size;
	memcpy(out + n, keys, sizeof(keys) - 1);
	n += sizeof(keys) - 1;
	memcpy(out + n, count, sizeof(count));
	n += sizeof(count);
	for (int i = 0; i < 12; i++, n += sizeof(float))
		memcpy(out + n, &(float){(float)i}, sizeof(float));
	return n;
}

static enum ofa_status parse_legacy(const char *content, size_t size, struct ofa_checkpoint *ret)
{
	static uint8_t file[2048];

	memset(&err, 0, sizeof(err));
	return ofa_checkpoint_parse(file, legacy_file(content, size, file), ret, &err);
}

static void expect_floats(const struct ofa_tensor *t, const float *want, size_t n)
{
	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(t->size, n * sizeof(float));
	ck_assert_int_eq(t->dtype, OFA_F32);
	ck_assert_mem_eq(t->data, want, t->size);
}

START_TEST(views_become_contiguous)
{
	/* One storage, four views: all of it, its transpose, the second row, one element repeated. */
	static const char content[] = PROTO "}(X\x01\0\0\0a" REBUILD STORAGE(
		"Float", "\x0c") "q\x01K\0K\x03K\x04\x86K\x04K\x01"
				 "\x86\x89NtRX\x01\0\0\0b" REBUILD
				 "(h\x01K\0K\x04K\x03\x86K\x01K\x04\x86\x89NtRX\x01\0\0\0c" REBUILD
				 "(h\x01K\x04K\x04\x85K\x01\x85\x89NtRX\x01\0\0\0d" REBUILD
				 "(h\x01K\x05K\x03\x85K\0\x85\x89NtRu.";
	static const float rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	static const float columns[] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11};
	static const float fives[] = {5, 5, 5};
	struct ofa_checkpoint c;

	ASSERT_OK(parse_legacy(content, sizeof(content) - 1, &c), &err);
	ck_assert_uint_eq(c.n_tensors, 4);
	ck_assert_str_eq(c.container, "");
	expect_floats(ofa_checkpoint_find(&c, "a"), rows, 12);
	expect_floats(ofa_checkpoint_find(&c, "b"), columns, 12);
	expect_floats(ofa_checkpoint_find(&c, "c"), rows + 4, 4);
	expect_floats(ofa_checkpoint_find(&c, "d"), fives, 3);
	ck_assert_ptr_null(ofa_checkpoint_find(&c, "e"));
	ofa_checkpoint_close(&c);
}
END_TEST

#define TENSOR REBUILD STORAGE("Float", "\x0c") "K\0K\x0c\x85K\x01\x85\x89NtR"

/* The older format's storage may be a part of another: here the elements 2 to 7. */
START_TEST(parts_of_storages)
{
#define PART(offset, elements)                                                                                         \
	PROTO "}" NAMED_W REBUILD                                                                                      \
	      "((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0kX\x03\0\0\0cpuK\x0c(X\x01\0\0\0v"                 \
	      "K" offset "K" elements "ttQK\x01K\x05\x85K\x01\x85\x89NtRs."
	static const char good[] = PART("\x02", "\x06"), small[] = PART("\x02", "\x05"),
			  beyond[] = PART("\x07", "\x06");
	static const float want[] = {3, 4, 5, 6, 7};
	struct ofa_checkpoint c;

	ASSERT_OK(parse_legacy(good, sizeof(good) - 1, &c), &err);
	expect_floats(ofa_checkpoint_find(&c, "w"), want, 5);
	ofa_checkpoint_close(&c);
	ck_assert_int_eq(parse_legacy(small, sizeof(small) - 1, &c), OFA_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "beyond its storage"));
	ck_assert_int_eq(parse_legacy(beyond, sizeof(beyond) - 1, &c), OFA_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "a part of a storage reaches beyond it"));
}
END_TEST

START_TEST(containers)
{
	static const struct {
		const char *data;
		size_t size;
		const char *container, *says; /* says: NULL when it is accepted */
	} cases[] = {
		{B(PROTO "}" NAMED_W TENSOR "s."), "", NULL},
		{B(PROTO "}X\x0a\0\0\0state_dict}" NAMED_W TENSOR "ssX\x05\0\0\0epochK\x05s."), "state_dict", NULL},
		{B(PROTO "}X\x05\0\0\0model}" NAMED_W TENSOR "ss."), "model", NULL},
		/* As Python 2 wrote an OrderedDict, and with the _metadata that torch hangs on it. */
		{B(PROTO "ccollections\nOrderedDict\n]]U\x01w\x61" TENSOR "aa\x85R}U\x09_metadata}sb."), "", NULL},
		{B(PROTO "}" NAMED_W "ctorch._utils\n_rebuild_parameter\n(" TENSOR "\x88NtRs."), "", NULL},
		{B(PROTO "}" NAMED_W TENSOR "sX\x01\0\0\0nK\x01s."), "", "\"n\" in the state dict is an integer"},
		{B(PROTO "}K\x01" TENSOR "s."), "", "name must be a string"},
		{B(PROTO "}X\x02\0\0\0w\0" TENSOR "s."), "", "name must be a string"},
		{B(PROTO "}(" NAMED_W TENSOR NAMED_W TENSOR "u."), "", "\"w\" stands twice"},
		{B(PROTO "}X\x03\0\0\0abc" NAMED_W "s."), "", "whose keys are [abc]"},
		{B(PROTO "]."), "", "is a list where a state dict"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_checkpoint c;
		enum ofa_status st = parse_legacy(cases[i].data, cases[i].size, &c);

		if (cases[i].says) {
			ck_assert_msg(st == OFA_ERR_FORMAT && strstr(err.message, cases[i].says), "case %zu: %s", i,
				      err.message);
			continue;
		}
		ck_assert_msg(st == OFA_OK, "case %zu: %s", i, err.message);
		ck_assert_str_eq(c.container, cases[i].container);
		ck_assert_ptr_nonnull(ofa_checkpoint_find(&c, "w"));
		ofa_checkpoint_close(&c);
	}
}
END_TEST

START_TEST(sharing_has_an_end)
{
	static char content[1 << 16];
	size_t n = 0;
	struct ofa_checkpoint c;

#define ADD(literal) (memcpy(content + n, literal, sizeof(literal) - 1), n += sizeof(literal) - 1)
	ADD(PROTO "}(X\x02\0\0\0aa" TENSOR "q\x01");
	for (char i = 'b'; i <= 'e'; i++) {
		ADD("X\x02\0\0\0a");
		content[n++] = i;
		ADD("h\x01");
	}
	ADD("u.");
	ck_assert_int_eq(parse_legacy(content, n, &c), OFA_ERR_LIMIT);
	ck_assert_ptr_nonnull(strstr(err.message, "share too much"));
}
END_TEST

static const float twelve[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const char zip_pickle[] = PROTO "}" NAMED_W TENSOR "s.";

/* A checkpoint of three entries; a test changes what it is about. */
static void good_entries(struct zip_entry *e)
{
	e[0] = (struct zip_entry){.name = "net/data.pkl", .data = zip_pickle, .size = sizeof(zip_pickle) - 1};
	e[1] = (struct zip_entry){.name = "net/byteorder", .data = "little", .size = 6};
	e[2] = (struct zip_entry){.name = "net/data/k", .data = twelve, .size = sizeof(twelve)};
}

static enum ofa_status parse_zip(const struct zip_entry *e, size_t n, uint32_t says_entries, struct ofa_checkpoint *ret)
{
	static struct zip_writer z;

	zip_write(&z, e, n, says_entries);
	memset(&err, 0, sizeof(err));
	return ofa_checkpoint_parse(z.bytes, z.n, ret, &err);
}

static void expect_bad_zip(const struct zip_entry *e, size_t n, uint32_t says_entries, enum ofa_status status,
			   const char *says)
{
	struct ofa_checkpoint c;
	enum ofa_status st = parse_zip(e, n, says_entries, &c);

	ck_assert_msg(st == status && strstr(err.message, says), "%s: \"%s\" instead of %s: \"%s\"",
		      ofa_status_name(st), err.message, ofa_status_name(status), says);
}

START_TEST(zip_archives)
{
	struct ofa_checkpoint c;
	struct zip_entry e[4];

	good_entries(e);
	ASSERT_OK(parse_zip(e, 3, 0, &c), &err);
	expect_floats(ofa_checkpoint_find(&c, "w"), twelve, 12);
	ofa_checkpoint_close(&c);
	/* Older ones have no byteorder, and any prefix will do. */
	e[1] = e[2];
	e[0].name = "a/b/data.pkl";
	e[1].name = "a/b/data/k";
	ASSERT_OK(parse_zip(e, 2, 0, &c), &err);
	ofa_checkpoint_close(&c);
	e[0].name = "data.pkl";
	e[1].name = "data/k";
	ASSERT_OK(parse_zip(e, 2, 0, &c), &err);
	ofa_checkpoint_close(&c);
}
END_TEST

START_TEST(zip_archives_that_lie)
{
	static const uint8_t zeros[2000];
	struct zip_entry e[4];

	good_entries(e);
	e[0].name = "net/other.pkl";
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "no data.pkl");
	good_entries(e);
	e[3] = e[0];
	e[3].name = "data.pkl";
	expect_bad_zip(e, 4, 0, OFA_ERR_FORMAT, "a checkpoint has one data.pkl");
	e[3].name = "net/data.pkl";
	expect_bad_zip(e, 4, 0, OFA_ERR_FORMAT, "stands twice");
	good_entries(e);
	e[1].data = "bigend";
	expect_bad_zip(e, 3, 0, OFA_ERR_UNSUPPORTED, "byteorder is not \"little\"");
	good_entries(e);
	e[2].name = "net/data/l";
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "no storage data/k");
	good_entries(e);
	e[2].size -= 4;
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "has 44 bytes, its tensors say 48");
	good_entries(e);
	e[2].says_crc = 1;
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "net/data/k is damaged: CRC error");
	good_entries(e);
	e[2].method = 12;
	expect_bad_zip(e, 3, 0, OFA_ERR_UNSUPPORTED, "compressed by method 12");
	good_entries(e);
	e[2].flags = 1;
	expect_bad_zip(e, 3, 0, OFA_ERR_UNSUPPORTED, "is encrypted");
	good_entries(e);
	e[2].says_packed = 1u << 30;
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "entries overlap");
	good_entries(e);
	expect_bad_zip(e, 3, 0xfffe, OFA_ERR_FORMAT, "the zip archive is damaged");
	/* It says deflated, and is not. */
	good_entries(e);
	e[2].method = 8;
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "net/data/k is damaged");
	/* Three entries over the same bytes. */
	good_entries(e);
	e[0] = (struct zip_entry){.name = "big", .data = zeros, .size = sizeof(zeros)};
	e[1] = (struct zip_entry){
		.name = "again", .data = "", .says_size = sizeof(zeros), .says_packed = sizeof(zeros)};
	e[2] = e[1];
	e[2].name = "and again";
	expect_bad_zip(e, 3, 0, OFA_ERR_FORMAT, "entries overlap");
}
END_TEST

/* Storages that inflate to far more than the file: refused before memory is taken for them. */
START_TEST(zip_bombs)
{
	static const char pickle[] =
		PROTO "}" NAMED_W REBUILD "((X\x07\0\0\0storagectorch\nByteStorage\nX\x01\0\0\0kX\x03\0\0\0cpu"
		      "J\0\0\0\x40tQK\0J\0\0\0\x40\x85K\x01\x85\x89NtRs.";
	struct zip_entry e[] = {
		{.name = "data.pkl", .data = pickle, .size = sizeof(pickle) - 1},
		{.name = "data/k", .data = twelve, .size = sizeof(twelve), .says_size = 1u << 30, .method = 8},
	};

	expect_bad_zip(e, 2, 0, OFA_ERR_LIMIT, "inflate to more than 16 times");
	e[0].says_size = 1u << 20;
	e[0].method = 8;
	expect_bad_zip(e, 2, 0, OFA_ERR_LIMIT, "data.pkl inflates to 1048576 bytes, more than 16 times");
	e[0].says_size = OFA_PICKLE_MAX_BYTES + 1;
	e[0].method = 8;
	expect_bad_zip(e, 2, 0, OFA_ERR_LIMIT, "data.pkl has 67108865 bytes, at most 67108864 are read");
}
END_TEST

/* Every truncation and, in the parts that decide, every flipped byte: a named error or a checkpoint, never a crash. */
static void survive(uint8_t *data, size_t size, size_t dense, size_t step)
{
	for (size_t n = 0; n < size; n += n < dense ? 1 : step) {
		struct ofa_checkpoint c;
		uint8_t *copy = malloc(n + 1); /* of exactly this size, so that the sanitizer sees a step over it */

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, data, n);
		memset(&err, 0, sizeof(err));
		ck_assert_msg(ofa_checkpoint_parse(copy, n, &c, &err) != OFA_OK, "cut to %zu of %zu bytes", n, size);
		ck_assert_msg(err.message[0], "cut to %zu bytes: no message", n);
		free(copy);
	}
}

START_TEST(truncated_legacy)
{
	static uint8_t file[2048];
	size_t n = legacy_file(B(PROTO "}X\x0a\0\0\0state_dict}" NAMED_W TENSOR "ss."), file);
	struct ofa_checkpoint c;

	survive(file, n, n, 1);
	file[n] = 0;
	ck_assert_int_eq(ofa_checkpoint_parse(file, n + 1, &c, NULL), OFA_ERR_FORMAT);
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			file[i] ^= (uint8_t)(1 << bit);
			memset(&err, 0, sizeof(err));
			if (ofa_checkpoint_parse(file, n, &c, &err) == OFA_OK)
				ofa_checkpoint_close(&c);
			else
				ck_assert_msg(err.message[0], "byte %zu, bit %d: no message", i, bit);
			file[i] ^= (uint8_t)(1 << bit);
		}
	}
}
END_TEST

START_TEST(truncated_files_of_torch)
{
	static const char *const files[] = {"golden/mbv3_w0.25.zip.pth", "golden/mbv3_w0.25.legacy.pth",
					    "real/ofa_mbv3_w1.2_acc_predictor.pth", "golden/mbv3_w0.25.safetensors"};

	if (!shared_available())
		return;
	for (size_t i = 0; i < OFA_ARRAY_LEN(files); i++) {
		uint8_t *data;
		size_t size;

		ASSERT_OK(ofa_file_read(shared_path(files[i]), 8 << 20, &data, &size, &err), &err);
		survive(data, size, 300, 49999);
		survive(data, 1, 1, 1);
		free(data);
	}
}
END_TEST

START_TEST(all_formats_hold_the_same)
{
	static const char *const torch_files[] = {"golden/mbv3_w0.25.zip.pth", "golden/mbv3_w0.25.legacy.pth"};
	struct ofa_checkpoint plain, torch;

	if (!shared_available())
		return;
	ASSERT_OK(ofa_checkpoint_open(shared_path("golden/mbv3_w0.25.safetensors"), &plain, &err), &err);
	ck_assert_int_eq(plain.format, OFA_CHECKPOINT_SAFETENSORS);
	for (size_t f = 0; f < OFA_ARRAY_LEN(torch_files); f++) {
		ASSERT_OK(ofa_checkpoint_open(shared_path(torch_files[f]), &torch, &err), &err);
		ck_assert_int_eq(torch.format, f ? OFA_CHECKPOINT_TORCH_LEGACY : OFA_CHECKPOINT_TORCH_ZIP);
		ck_assert_str_eq(torch.container, "state_dict");
		ck_assert_uint_eq(torch.n_tensors, plain.n_tensors);
		for (size_t i = 0; i < torch.n_tensors; i++) {
			const struct ofa_tensor *got = &torch.tensors[i],
						*want = ofa_checkpoint_find(&plain, got->name);

			ck_assert_msg(want && got->dtype == want->dtype && got->rank == want->rank &&
					      memcmp(got->shape, want->shape, sizeof(got->shape)) == 0 &&
					      got->size == want->size && memcmp(got->data, want->data, got->size) == 0,
				      "%s differs", got->name);
		}
		ofa_checkpoint_close(&torch);
	}
	ofa_checkpoint_close(&plain);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		values_of_every_kind,
		names_that_are_refused,
		damage_that_is_named,
		tensors_stay_inside_their_storage,
		views_become_contiguous,
		containers,
		sharing_has_an_end,
		truncated_legacy,
		zip_archives,
		zip_archives_that_lie,
		zip_bombs,
		parts_of_storages,
		truncated_files_of_torch,
		all_formats_hold_the_same,
	};

	return run_tests("checkpoint", tests, OFA_ARRAY_LEN(tests));
}
