# shellcheck shell=bash disable=SC2034,SC2154 # sourced
# Sourced after lib.sh: makes $network, a few steps trained on Fashion-MNIST, with a predictor.  Not good at
# anything but whole.
[ -d "$fashion" ] || skip_all "$fashion is absent (Debian package dataset-fashion-mnist)"
network=$work/tiny.safetensors
"$ofa" train "$srcdir/tests/cli/tiny-recipe.json" --data "$fashion" -o "$network" --max-steps 40 \
	>"$work/train.out" 2>&1
check "train" test -s "$network"
"$ofa" predictor fit "$network" --data "$fashion" --samples 40 --unseen 20 --images 200 \
	--pairs-out "$work/pairs.csv" --json >"$work/fit.json" 2>"$work/fit.err"
check "predictor fit" holds "$work/fit.json" '.samples == 40 and .unseen == 20 and .rmse_points > 0'
