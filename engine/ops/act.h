/* Activation functions (spec 4.1): h_swish(x) = x relu6(x+3)/6, h_sigmoid(x) = relu6(x+3)/6. */
#ifndef OFA_OPS_ACT_H
#define OFA_OPS_ACT_H

enum ofa_act { OFA_ACT_NONE, OFA_ACT_RELU, OFA_ACT_RELU6, OFA_ACT_HSWISH, OFA_ACT_HSIGMOID, OFA_ACT_COUNT };

#endif
