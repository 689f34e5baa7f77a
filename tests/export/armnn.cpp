// TFLite files run by Arm NN's reference backend:
//   armnn MODEL.tflite INPUT OUTPUT
// INPUT: images one after the other, in the type of the network's input, as the OUTPUT is of its output.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include <armnn/ArmNN.hpp>
#include <armnnTfLiteParser/ITfLiteParser.hpp>

static std::vector<char> read_file(const char *path)
{
	std::ifstream f(path, std::ios::binary);

	return {std::istreambuf_iterator<char>(f), std::istreambuf_iterator<char>()};
}

static armnn::IRuntimePtr make_runtime()
{
	armnn::IRuntime::CreationOptions options;

	options.m_DynamicBackendsPath = ARMNN_BACKENDS; // without it the library crashes
	return armnn::IRuntime::Create(options);
}

int main(int argc, char **argv)
try {
	if (argc != 4) {
		std::cerr << "usage: armnn MODEL.tflite INPUT OUTPUT\n";
		return 2;
	}
	auto parser = armnnTfLiteParser::ITfLiteParser::Create();
	auto network = parser->CreateNetworkFromBinaryFile(argv[1]);
	auto input = parser->GetNetworkInputBindingInfo(0, "input");
	auto output = parser->GetNetworkOutputBindingInfo(0, "logits");
	auto runtime = make_runtime();
	auto optimised = armnn::Optimize(*network, {armnn::Compute::CpuRef}, runtime->GetDeviceSpec());
	armnn::NetworkId id;

	if (!optimised || runtime->LoadNetwork(id, std::move(optimised)) != armnn::Status::Success) {
		std::cerr << "Arm NN refuses the network\n";
		return 1;
	}
	const std::vector<char> images = read_file(argv[2]);
	const size_t in_bytes = input.second.GetNumBytes();
	std::vector<char> out(output.second.GetNumBytes());
	std::ofstream results(argv[3], std::ios::binary);

	for (size_t at = 0; at + in_bytes <= images.size(); at += in_bytes) {
		armnn::InputTensors from{{input.first, armnn::ConstTensor(input.second, &images[at])}};
		armnn::OutputTensors to{{output.first, armnn::Tensor(output.second, out.data())}};

		if (runtime->EnqueueWorkload(id, from, to) != armnn::Status::Success)
			return 1;
		results.write(out.data(), static_cast<std::streamsize>(out.size()));
	}
	return results.flush() ? 0 : 1;
} catch (const std::exception &e) {
	std::cerr << e.what() << "\n";
	return 1;
}
