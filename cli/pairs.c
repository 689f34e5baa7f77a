#include "pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/sha256.h"

#define LINE_MAX_BYTES 4096

/* "# weights SHA256 images N": the digest of all parameters in order. */
static enum ofa_status make_header(const struct ofa_supernet *net, int images, enum ofa_precision precision,
                                   char out[160], struct ofa_error *err)
{
	char hex[2 * OFA_SHA256_BYTES + 1];
	uint8_t digest[OFA_SHA256_BYTES];
	struct ofa_sha256 *h = ofa_sha256_new();

	if (!h)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int i = 0; i < net->params.n; i++)
		ofa_sha256_update(h, net->data[i], net->params.list[i].elements * sizeof(float));
	ofa_sha256_final(h, digest);
	ofa_hex(digest, sizeof digest, hex);
	snprintf(out, 160, "# weights %s images %d%s%s", hex, images, precision ? " dtype " : "",
	         precision ? ofa_precision_name(precision) : "");
	return OFA_OK;
}

static enum ofa_status append_list(struct ofa_buf *b, const struct ofa_space *s, const struct ofa_arch *a,
                                   double (*value)(const struct ofa_space *, const struct ofa_arch *, int), int n)
{
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < n; i++)
		st = ofa_buf_printf(b, "%s%g", i ? " " : "", value(s, a, i));
	return st == OFA_OK ? ofa_buf_append(b, ",", 1) : st;
}

static double depth_of(const struct ofa_space *s, const struct ofa_arch *a, int stage)
{
	return ofa_arch_depth(s, a, stage);
}

static const struct ofa_stage *stage_of(const struct ofa_space *s, int block)
{
	int i = s->n_stages - 1;

	while (s->stages[i].first_block > block)
		i--;
	return &s->stages[i];
}

static double kernel_of(const struct ofa_space *s, const struct ofa_arch *a, int block)
{
	return stage_of(s, block)->kernels[a->k[block]];
}

static double expand_of(const struct ofa_space *s, const struct ofa_arch *a, int block)
{
	return (double)stage_of(s, block)->expands[a->e[block]];
}

/* "R,D..,KS..,E..," : what identifies a pair, and how its line begins. */
static enum ofa_status format_arch(const struct ofa_space *s, const struct ofa_arch *a, struct ofa_buf *b)
{
	enum ofa_status st = ofa_buf_printf(b, "%d,", a->image_size);

	if (st == OFA_OK)
		st = append_list(b, s, a, depth_of, s->n_stages);
	if (st == OFA_OK)
		st = append_list(b, s, a, kernel_of, s->n_blocks);
	if (st == OFA_OK)
		st = append_list(b, s, a, expand_of, s->n_blocks);
	return st;
}

struct known_pair {
	char *arch; /* as format_arch() writes it, without the last comma */
	int index;
};

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(((const struct known_pair *)a)->arch, ((const struct known_pair *)b)->arch);
}

/* The archs in text form, sorted, so that lines of the file find theirs. */
static struct known_pair *index_archs(const struct ofa_space *s, const struct ofa_arch *archs, int n)
{
	struct known_pair *known = calloc((size_t)n, sizeof *known);

	for (int i = 0; known && i < n; i++) {
		struct ofa_buf b;
		ofa_buf_init(&b, LINE_MAX_BYTES);
		if (format_arch(s, &archs[i], &b) == OFA_OK)
			known[i].arch = strndup((const char *)b.data, b.len - 1);
		ofa_buf_release(&b);
		known[i].index = i;
		if (!known[i].arch) {
			while (i-- > 0)
				free(known[i].arch);
			free(known);
			return NULL;
		}
	}
	if (known)
		qsort(known, (size_t)n, sizeof *known, compare_pairs);
	return known;
}

static void free_known(struct known_pair *known, int n)
{
	for (int i = 0; known && i < n; i++)
		free(known[i].arch);
	free(known);
}

/* Cuts the last field off a line; false when it is no percentage. */
static bool cut_percentage(char *line, float *ret)
{
	char *comma = strrchr(line, ','), *end;
	double percent;

	if (!comma)
		return false;
	percent = strtod(comma + 1, &end);
	if (end == comma + 1 || *end || !(percent >= 0 && percent <= 100))
		return false;
	*comma = '\0';
	*ret = (float)(percent / 100);
	return true;
}

/* A line whose arch is known and whose accuracies are percentages; a line cut off by an interruption is
 * neither and is measured again. */
static void take_line(char *line, const struct known_pair *known, int n, float *accuracy, float *plain)
{
	const struct known_pair *found, key = {.arch = line};
	size_t length = strlen(line);
	float measured, beside = 0;

	if (length == 0 || line[length - 1] != '\n')
		return;
	line[length - 1] = '\0';
	if (!cut_percentage(line, &measured) || (plain && !cut_percentage(line, &beside)))
		return;
	found = bsearch(&key, known, (size_t)n, sizeof *known, compare_pairs);
	if (!found)
		return;
	while (found > known && compare_pairs(found - 1, &key) == 0)
		found--; /* the same arch, drawn more than once */
	for (; found < known + n && compare_pairs(found, &key) == 0; found++) {
		accuracy[found->index] = measured;
		if (plain)
			plain[found->index] = beside;
	}
}

static enum ofa_status read_pairs(FILE *file, const char *path, const char *header, const struct known_pair *known,
                                  int n, float *accuracy, float *plain, struct ofa_error *err)
{
	char line[LINE_MAX_BYTES];
	bool whole = true;

	if (!fgets(line, sizeof line, file))
		return OFA_OK;
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, header) != 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, path,
		                "was measured with other weights, images or types (its first line is not "
		                "'%s'); remove it or name another file",
		                header);
	while (fgets(line, sizeof line, file)) {
		whole = strchr(line, '\n') != NULL;
		take_line(line, known, n, accuracy, plain);
	}
	if (fseek(file, 0, SEEK_END) != 0 || (!whole && fputc('\n', file) == EOF))
		return ofa_fail(err, OFA_ERR_IO, path, "cannot write");
	return OFA_OK;
}

static bool write_columns(FILE *file, const char *header, enum ofa_precision precision)
{
	if (precision == OFA_FLOAT32)
		return fprintf(file, "%s\nr,d,ks,e,top1_pct\n", header) > 0;
	return fprintf(file, "%s\nr,d,ks,e,float32_pct,%s_pct\n", header, ofa_precision_name(precision)) > 0;
}

enum ofa_status cli_pairs_open(const char *path, const struct ofa_supernet *net, int images,
                               enum ofa_precision precision, const struct ofa_arch *archs, int n, float *accuracy,
                               float *plain, struct cli_pairs *ret, struct ofa_error *err)
{
	struct cli_pairs p = {.space = &net->space, .precision = precision, .file = fopen(path, "a+")};
	struct known_pair *known = NULL;
	char header[160];
	enum ofa_status st;

	if (!p.file)
		return ofa_fail(err, OFA_ERR_IO, path, "cannot open for reading and writing: %s", strerror(errno));
	st = make_header(net, images, precision, header, err);
	if (st == OFA_OK) {
		known = index_archs(p.space, archs, n);
		st = known ? read_pairs(p.file, path, header, known, n, accuracy, plain, err)
		           : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %d archs", n);
	}
	free_known(known, n);
	if (st == OFA_OK && ftell(p.file) == 0 && !write_columns(p.file, header, precision))
		st = ofa_fail(err, OFA_ERR_IO, path, "cannot write");
	if (st == OFA_OK)
		*ret = p;
	else
		fclose(p.file);
	return st;
}

enum ofa_status cli_pairs_append(struct cli_pairs *p, const struct ofa_arch *arch, double accuracy, double plain,
                                 struct ofa_error *err)
{
	struct ofa_buf b;
	enum ofa_status st;

	ofa_buf_init(&b, LINE_MAX_BYTES);
	st = format_arch(p->space, arch, &b);
	if (st == OFA_OK && p->precision != OFA_FLOAT32)
		st = ofa_buf_printf(&b, "%.9g,", 100 * plain);
	if (st == OFA_OK)
		st = ofa_buf_printf(&b, "%.9g\n", 100 * accuracy);
	if (st == OFA_OK && (fwrite(b.data, 1, b.len, p->file) != b.len || fflush(p->file) != 0))
		st = OFA_ERR_IO;
	ofa_buf_release(&b);
	return st == OFA_OK ? OFA_OK : ofa_fail(err, st, "--pairs-out", "cannot write a pair: %s", ofa_status_name(st));
}

void cli_pairs_close(struct cli_pairs *p)
{
	if (p->file)
		fclose(p->file);
	p->file = NULL;
}
