/* What the makers of cases share. */
#ifndef OFA_TESTS_EXPORT_CASES_H
#define OFA_TESTS_EXPORT_CASES_H

#include <stdio.h>

#include "ofa_device.h"
#include "quantise/quantised.h"
#include "random_net.h"
#include "train/dataset.h"

#define IMAGES 6

struct work {
	const char *folder;
	const struct ofa_dataset *images;
	FILE *list; /* cases.jsonl */
};

/* Writes FOLDER/NAME.SUFFIX. */
void case_write(const struct work *w, const char *name, const char *suffix, const void *data, size_t size);

/* One line of the list. */
struct case_line {
	const char *name, *dtype;
	const char *layer; /* what a case of one layer is of, else NULL */
	unsigned in[3], out[3];
	struct ofa_affine affine; /* of int8 logits */
	unsigned limit;           /* units that int8 results of others may be away */
};
void case_list(const struct work *w, const struct case_line *line);

/* The first images in a form of the model's input. */
void case_images(const struct work *w, const struct ofa_device_model *m, float *x);

/* n numbers (q - zero) scale. */
void case_dequantise(const int8_t *q, size_t n, struct ofa_affine affine, float *x);
void case_quantise(const float *x, size_t n, struct ofa_affine affine, int8_t *q);

/* Cases of single layers of an int8 package, one for each sort that it has. */
void case_layers(const struct work *w, const struct ofa_supernet *net, const struct ofa_arch *arch,
		 const uint8_t *package, size_t size, const char *name);

#endif
