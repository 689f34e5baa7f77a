/* safetensors: round trip, look-up, and every malformed file of the table refused with its reason. */
#include <string.h>

#include "runner.h"
#include "tensor/safetensors.h"

/* A file from a header text and so many data bytes; malloc'ed exactly, so that sanitizers see any overrun. */
static uint8_t *make_file(const char *header, size_t data_size, size_t *ret_size)
{
	size_t length = strlen(header);
	uint8_t *file = malloc(8 + length + data_size);

	for (int i = 0; i < 8; i++)
		file[i] = (uint8_t)((uint64_t)length >> (8 * i));
	memcpy(file + 8, header, length);
	memset(file + 8 + length, 0, data_size);
	*ret_size = 8 + length + data_size;
	return file;
}

static enum ofa_status parse(const char *header, size_t data_size, struct ofa_error *err)
{
	struct ofa_safetensors st;
	size_t size;
	uint8_t *file = make_file(header, data_size, &size);
	enum ofa_status status = ofa_safetensors_parse(file, size, &st, err);

	if (status == OFA_OK)
		ofa_safetensors_close(&st);
	free(file);
	return status;
}

static const struct hostile {
	const char *header;
	size_t data_size;
	enum ofa_status status;
	const char *field, *says;
} hostile[] = {
	{"", 0, OFA_ERR_FORMAT, "", "not JSON"},
	{"{", 0, OFA_ERR_FORMAT, "", "not JSON"},
	{"[]", 0, OFA_ERR_FORMAT, "", "not a JSON object"},
	{"{} x", 0, OFA_ERR_FORMAT, "", "not JSON"},
	{"{\"a\xFF\":1}", 0, OFA_ERR_FORMAT, "", "not JSON"},
	{"{}", 1, OFA_ERR_FORMAT, "", "belong to none"},
	{"{\"a\":1}", 0, OFA_ERR_FORMAT, "a", "described by"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, OFA_ERR_FORMAT, "a", "described by"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":0}}", 1, OFA_ERR_FORMAT, "a",
	 "described by"},
	{"{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a", "dtype"},
	{"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, OFA_ERR_UNSUPPORTED, "a",
	 "F8_E4M3"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a", "shape"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a", "whole number"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a", "whole number"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[\"1\"],\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a", "whole number"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a",
	 "8 dimensions"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, OFA_ERR_FORMAT, "a",
	 "larger than the file"},
	{"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,3]}}", 3, OFA_ERR_FORMAT, "a",
	 "larger than the file"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, OFA_ERR_FORMAT, "a", "bytes of shape"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,2]}}", 2, OFA_ERR_FORMAT, "a", "bytes of shape"},
	{"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, OFA_ERR_FORMAT, "a",
	 "larger"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, OFA_ERR_FORMAT, "a",
	 "larger"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807],\"data_offsets\":[0,0]}}", 0, OFA_ERR_FORMAT, "a",
	 "larger"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,0]}}", 0, OFA_ERR_FORMAT, "",
	 "not JSON"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, OFA_ERR_FORMAT, "a", "outside"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", 1, OFA_ERR_FORMAT, "a", "outside"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 1, OFA_ERR_FORMAT, "a", "outside"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, OFA_ERR_FORMAT, "a", "data_offsets"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, OFA_ERR_FORMAT, "a", "data_offsets"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0.0,1]}}", 1, OFA_ERR_FORMAT, "a", "data_offsets"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":\"0,1\"}}", 1, OFA_ERR_FORMAT, "a", "data_offsets"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	 "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
	 1, OFA_ERR_FORMAT, NULL, "overlaps"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
	 "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
	 4, OFA_ERR_FORMAT, "b", "overlaps"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	 "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
	 3, OFA_ERR_FORMAT, "b", "belong to no tensor"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, OFA_ERR_FORMAT, "a",
	 "belong to no tensor"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	 "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
	 2, OFA_ERR_FORMAT, "", "duplicate"},
	{"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} ", 4, OFA_ERR_FORMAT, "a", "aligned"},
	{"{\"__metadata__\":[]}", 0, OFA_ERR_FORMAT, "__metadata__", "object of strings"},
	{"{\"__metadata__\":{\"k\":1}}", 0, OFA_ERR_FORMAT, "k", "must be a string"},
};

START_TEST(hostile_files_are_refused)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(hostile); i++) {
		const struct hostile *h = &hostile[i];
		struct ofa_error err = {0};
		enum ofa_status st = parse(h->header, h->data_size, &err);

		ck_assert_msg(st == h->status && err.status == st, "%s: %s: %s", h->header, ofa_status_name(st),
			      err.message);
		ck_assert_msg(!h->field || strcmp(err.field, h->field) == 0, "%s: field \"%s\"", h->header, err.field);
		ck_assert_msg(strstr(err.message, h->says) != NULL, "%s: %s", h->header, err.message);
	}
}
END_TEST

START_TEST(lying_lengths_are_refused)
{
	static const uint64_t lengths[] = {
		3, 100, OFA_SAFETENSORS_MAX_HEADER, OFA_SAFETENSORS_MAX_HEADER + 1, UINT64_MAX, UINT64_MAX - 7};
	struct ofa_safetensors st;

	for (size_t i = 0; i < OFA_ARRAY_LEN(lengths); i++) {
		uint8_t *file = malloc(10);

		for (int j = 0; j < 8; j++)
			file[j] = (uint8_t)(lengths[i] >> (8 * j));
		memcpy(file + 8, "{}", 2);
		ASSERT_FAILS(ofa_safetensors_parse(file, 10, &st, NULL), OFA_ERR_FORMAT);
		free(file);
	}
	for (size_t n = 0; n < 8; n++) {
		uint8_t *file = calloc(n ? n : 1, 1);

		ASSERT_FAILS(ofa_safetensors_parse(file, n, &st, NULL), OFA_ERR_FORMAT);
		free(file);
	}
}
END_TEST

static const float weights[6] = {1, -2, 3.5f, 0, 1e-30f, 6};
static const int64_t counter = 42;
static const uint8_t pixels[3] = {7, 8, 9};

static const struct ofa_tensor samples[] = {
	{.name = "n", .dtype = OFA_I64, .rank = 0, .data = &counter, .size = 8},
	{.name = "w", .dtype = OFA_F32, .rank = 2, .shape = {2, 3}, .data = weights, .size = sizeof(weights)},
	{.name = "empty", .dtype = OFA_F32, .rank = 2, .shape = {0, 3}, .data = NULL, .size = 0},
	{.name = "a \"p\"", .dtype = OFA_U8, .rank = 1, .shape = {3}, .data = pixels, .size = 3},
};

static const char *save_samples(const char *name)
{
	const char *path = temporary_path(name);
	json_t *meta = json_pack("{s:s,s:s}", "format", "pt", "k", "{\"x\":1}");
	struct ofa_error err = {0};

	ASSERT_OK(ofa_safetensors_save(path, samples, OFA_ARRAY_LEN(samples), meta, &err), &err);
	json_decref(meta);
	return path;
}

START_TEST(files_round_trip)
{
	const char *path = save_samples("round.safetensors");
	struct ofa_error err = {0};
	struct ofa_safetensors st;

	ASSERT_OK(ofa_safetensors_open(path, &st, &err), &err);
	ck_assert_uint_eq(st.n_tensors, OFA_ARRAY_LEN(samples));
	ck_assert_str_eq(ofa_safetensors_meta(&st, "k"), "{\"x\":1}");
	ck_assert_ptr_null(ofa_safetensors_meta(&st, "other"));
	for (size_t i = 0; i < OFA_ARRAY_LEN(samples); i++) {
		const struct ofa_tensor *t = ofa_safetensors_find(&st, samples[i].name);

		ck_assert_ptr_nonnull(t);
		ck_assert(t->dtype == samples[i].dtype && t->rank == samples[i].rank && t->size == samples[i].size);
		ck_assert_mem_eq(t->shape, samples[i].shape, sizeof(t->shape));
		ck_assert_mem_eq(t->data, samples[i].size ? samples[i].data : "", t->size);
		ck_assert_int_eq(ofa_tensor_elements(t) * (int64_t)ofa_dtype_size(t->dtype), (int64_t)t->size);
	}
	ck_assert_uint_eq(((uintptr_t)ofa_safetensors_find(&st, "n")->data - (uintptr_t)st.map.data) % 64, 0);
	ck_assert_ptr_null(ofa_safetensors_find(&st, "nothing"));
	ck_assert_ptr_null(ofa_safetensors_find(&st, "__metadata__"));
	ofa_safetensors_close(&st);
	unlink(path);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	const char *path = save_samples("cut.safetensors");
	struct ofa_error err = {0};
	uint8_t *file;
	size_t size;

	ASSERT_OK(ofa_file_read(path, 1 << 20, &file, &size, &err), &err);
	for (size_t n = 0; n < size; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		struct ofa_safetensors st;

		memcpy(cut, file, n);
		ck_assert_int_ne(ofa_safetensors_parse(cut, n, &st, NULL), OFA_OK);
		free(cut);
	}
	free(file);
	unlink(path);
}
END_TEST

/* Any damage to the header must either be refused or leave tensors that lie inside the file. */
START_TEST(damaged_headers_stay_inside_the_file)
{
	const char *path = save_samples("damage.safetensors");
	struct ofa_error err = {0};
	uint8_t *file;
	size_t size;

	ASSERT_OK(ofa_file_read(path, 1 << 20, &file, &size, &err), &err);
	for (size_t at = 0; at < size; at++) {
		static const uint8_t damage[] = {0x00, 0x01, 0x02, 0x04, 0x10, 0xFF};

		for (size_t d = 0; d < OFA_ARRAY_LEN(damage); d++) {
			struct ofa_safetensors st;

			file[at] ^= damage[d];
			if (ofa_safetensors_parse(file, size, &st, NULL) == OFA_OK) {
				for (size_t i = 0; i < st.n_tensors; i++) {
					const uint8_t *p = st.tensors[i].data;

					ck_assert(p >= file && p + st.tensors[i].size <= file + size);
				}
				ofa_safetensors_close(&st);
			}
			file[at] ^= damage[d];
		}
	}
	free(file);
	unlink(path);
}
END_TEST

START_TEST(bad_tensors_are_not_written)
{
	struct ofa_tensor pair[2] = {samples[3], samples[1]};
	const char *path = temporary_path("bad.safetensors");
	struct ofa_error err = {0};

	ASSERT_FAILS(ofa_safetensors_save(path, pair, 2, NULL, &err), OFA_ERR_INVALID); /* floats after three bytes */
	ck_assert_str_eq(err.field, "w");
	pair[0] = samples[1];
	ASSERT_FAILS(ofa_safetensors_save(path, pair, 2, NULL, NULL), OFA_ERR_INVALID); /* the same name twice */
	pair[0].name = "__metadata__";
	ASSERT_FAILS(ofa_safetensors_save(path, pair, 1, NULL, NULL), OFA_ERR_INVALID);
	pair[1].size--;
	ASSERT_FAILS(ofa_safetensors_save(path, pair + 1, 1, NULL, NULL), OFA_ERR_INVALID);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(references_open_one_tensor)
{
	const char *path = save_samples("ref.safetensors");
	const struct ofa_tensor *t;
	struct ofa_error err = {0};
	struct ofa_safetensors st;
	char ref[600];

	snprintf(ref, sizeof(ref), "%s:w", path);
	ASSERT_OK(ofa_safetensors_open_ref(ref, 2, &st, &t, &err), &err);
	ck_assert_mem_eq(t->data, weights, sizeof(weights));
	ofa_safetensors_close(&st);
	ASSERT_FAILS(ofa_safetensors_open_ref(ref, 4, &st, &t, NULL), OFA_ERR_INVALID);
	snprintf(ref, sizeof(ref), "%s:n", path);
	ASSERT_FAILS(ofa_safetensors_open_ref(ref, 0, &st, &t, NULL), OFA_ERR_INVALID);
	snprintf(ref, sizeof(ref), "%s:x", path);
	ASSERT_FAILS(ofa_safetensors_open_ref(ref, 2, &st, &t, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_FAILS(ofa_safetensors_open_ref(path, 2, &st, &t, NULL), OFA_ERR_INVALID);
	ASSERT_FAILS(ofa_safetensors_open_ref("/nonexistent:x", 2, &st, &t, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_FAILS(ofa_safetensors_open_ref(":x", 2, &st, &t, NULL), OFA_ERR_INVALID);
	unlink(path);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		hostile_files_are_refused,
		lying_lengths_are_refused,
		files_round_trip,
		every_truncation_is_refused,
		damaged_headers_stay_inside_the_file,
		bad_tensors_are_not_written,
		references_open_one_tensor,
	};

	return run_tests("safetensors", tests, OFA_ARRAY_LEN(tests));
}
