#include "train/step.h"
#include <math.h>

/* p = softmax(x); returns log of the sum of exponentials, so that log p = x - result. */
static double softmax(const float *x, int n, float *p)
{
	float max = x[0];
	for (int i = 1; i < n; i++)
		max = x[i] > max ? x[i] : max;
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += exp((double)(x[i] - max));
	for (int i = 0; p && i < n; i++)
		p[i] = (float)(exp((double)(x[i] - max)) / sum);
	return max + log(sum);
}

/* Loss of one image; its gradient times `scale` goes to d. */
static double image_loss(const float *x, int label, const float *teacher, int n, float smoothing, float kd, float scale,
			 float *d)
{
	double loss = 0, norm = softmax(x, n, d), teacher_norm = teacher ? softmax(teacher, n, NULL) : 0;
	float weight = 1 + (teacher ? kd : 0);
	for (int i = 0; i < n; i++) {
		double target = smoothing / (float)n + (i == label ? 1 - smoothing : 0);
		if (teacher)
			target += kd * exp((double)teacher[i] - teacher_norm);
		loss -= target * (x[i] - norm);
		d[i] = scale * (weight * d[i] - (float)target);
	}
	return loss;
}

double ofa_distillation_loss(const float *logits, const uint8_t *labels, const float *teacher, int n, int classes,
			     float smoothing, float kd, float *dlogits)
{
	double sum = 0;
	for (int i = 0; i < n; i++) {
		size_t at = (size_t)i * (size_t)classes;
		sum += image_loss(logits + at, labels[i], teacher ? teacher + at : NULL, classes, smoothing, kd,
				  1 / (float)n, dlogits + at);
	}
	return sum / n;
}
