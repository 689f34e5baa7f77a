/* Keys of published latency tables: read, their dialect told, brought to the grammar of cost/profile.h.
 *
 *   dialect    rows of a table                                                           expand
 *   mbv3       Conv expanded_conv(se,hs) Conv_1 AvgPool2D Conv_2 Logits                  middle channels
 *   proxyless  Conv expanded_conv Conv_1 Logits                                          ratio
 *   mbconv     first_conv MBConv(se) final_expand_layer feature_mix_layer classifier     ratio
 *
 * mbv3 and proxyless are once-for-all's (class MBv3LatencyTable and ProxylessNASLatencyTable), mbconv NSGANetV2's.
 * What the last two leave out follows from what they are tables of:
 *   - proxyless: no SE, no h_swish; the Logits row is everything after Conv_1, so that it includes the global pool.
 *   - mbconv: OFA-MobileNetV3, whose blocks have h_swish where their output is 1/16 of the image or smaller; the
 *     final_expand_layer row includes the global pool.
 * Middle channels are input channels times ratio, exactly: a network whose widths are no multiples of 8 rounds
 * them (ofa_mid_channels()) and finds no such row. */
#ifndef OFA_IMPORT_TABLE_KEY_H
#define OFA_IMPORT_TABLE_KEY_H

#include "import/table.h"
#include "net/plan.h"

#define OFA_TABLE_DIALECT_BIT(d) (1u << (d))

struct ofa_table_key {
	unsigned dialects;    /* OFA_TABLE_DIALECT_BITs of those that have such keys */
	struct ofa_unit unit; /* kind and shapes; of a block also k, stride, residual and se */
	int expand;           /* of a block, as the key says it */
	bool hs;              /* of an mbv3 block */
	int classes;          /* of a classifier */
};

/* OFA_ERR_INVALID says what is wrong with the key, without naming it. */
enum ofa_status ofa_table_key_parse(const char *text, struct ofa_table_key *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* The same row in our grammar.  output_stride: image size through size of the row's output, of which only mbconv
 * blocks depend.  pool: the key of the global pool that the row includes, "" when it includes none. */
void ofa_table_key_translate(const struct ofa_table_key *key, enum ofa_table_dialect dialect, int output_stride,
			     char out[OFA_LATENCY_KEY_MAX], char pool[OFA_LATENCY_KEY_MAX]);

#endif
