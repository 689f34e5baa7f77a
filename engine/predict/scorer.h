/* Scores archs for a search: what ofa_predictor_predict() computes, but in 8-bit integers (ops/int8.h) where the
 * processor multiplies those faster and the predictor is an MLP.  Then a score is off by little (the released
 * MobileNetV3 predictor: standard deviation 0.00005); whoever reports one asks the predictor itself again. */
#ifndef OFA_PREDICT_SCORER_H
#define OFA_PREDICT_SCORER_H

#include "predict/predictor.h"

#define OFA_SCORER_FLOAT "float32"

/* Immutable and shared by threads; space and predictor are borrowed.  set: NULL = the best here, OFA_SCORER_FLOAT, or
 * a name of ops/int8.h (OFA_ERR_NOT_FOUND when this processor or this predictor cannot: then nothing but floats do). */
struct ofa_scorer;
enum ofa_status ofa_scorer_new(const struct ofa_space *s, const struct ofa_predictor *p, const char *set,
			       struct ofa_scorer **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_scorer_free(struct ofa_scorer *s);

/* "float32", or the int8 set in use. */
const char *ofa_scorer_set(const struct ofa_scorer *s);
/* Are scores those of ofa_predictor_predict()? */
bool ofa_scorer_exact(const struct ofa_scorer *s);
/* Standard deviation of the difference, over archs of the space; 0 when exact. */
double ofa_scorer_error(const struct ofa_scorer *s);

/* What one thread needs to score; NULL when out of memory.  Freed by free(). */
void *ofa_scorer_scratch(const struct ofa_scorer *s);
/* Scores n canonical archs, of resolutions that the predictor knows.  An arch's score does not depend on the others,
 * but one that differs little from the last one of the same slot is scored faster.  slots: one below OFA_SCORER_SLOTS
 * for each arch, or NULL.  Cannot fail. */
#define OFA_SCORER_SLOTS 32
void ofa_scorer_score(const struct ofa_scorer *s, const struct ofa_arch *archs, const uint8_t *slots, int n,
		      void *scratch, float *score);

#endif
