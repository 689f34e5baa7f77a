// ONNX files run by onnxruntime against what the packages say.
import ort from 'onnxruntime-node';
import { Tally } from './cases.mjs';

// (h, w, c) to (c, h, w)
function planes(image, { height, width, channels }) {
	return Float32Array.from(image, (_, i) => {
		const [c, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
		return image[pixel * channels + c];
	});
}

// (c, h, w) to (h, w, c)
function channelsLast(results, [height, width, channels]) {
	return Float32Array.from(results, (_, i) => results[(i % channels) * height * width + Math.floor(i / channels)]);
}

const tally = new Tally('onnxruntime');
for (const one of tally.cases('.onnx')) {
	const session = await ort.InferenceSession.create(one.path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
	const shape = [1, one.channels, one.height, one.width];
	await tally.run(one, async (image) => {
		const { logits } = await session.run({ input: new ort.Tensor('float32', planes(image, one), shape) });
		return channelsLast(logits.data, one.out);
	});
	await session.release();
}
tally.finish();
