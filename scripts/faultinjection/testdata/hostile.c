// A library in front of ONNX Runtime. A picture of one color makes a run of the network crash, hang or take longer, and
// each run takes HOSTILE_DELAY_MS longer. REAL is the file of ONNX Runtime's own library. The colors are those of
// picture.go.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "onnxruntime_c_api.h"

static const OrtApi *real;
static OrtApi ours;
static OrtApiBase base;

static int same(const float *plane, size_t n, float value) {
	for (size_t i = 0; i < n; i++)
		if (plane[i] < value - 0.01f || plane[i] > value + 0.01f)
			return 0;
	return 1;
}

// is_color reports whether a picture, three planes of numbers from 0 to 1, is of one color.
static int is_color(const float *planes, size_t n, float red, float green, float blue) {
	return same(planes, n, red) && same(planes + n, n, green) && same(planes + 2 * n, n, blue);
}

// pixels returns the number of pixels of a picture, and 0 for any other value.
static size_t pixels(const OrtValue *value) {
	OrtTensorTypeAndShapeInfo *info = NULL;
	int64_t shape[4] = {0};
	size_t dimensions = 0, n = 0;
	if (real->GetTensorTypeAndShape(value, &info) != NULL)
		return 0;
	if (real->GetDimensionsCount(info, &dimensions) == NULL && dimensions == 4 &&
	    real->GetDimensions(info, shape, 4) == NULL && shape[0] == 1 && shape[1] == 3)
		n = (size_t)(shape[2] * shape[3]);
	real->ReleaseTensorTypeAndShapeInfo(info);
	return n;
}

static OrtStatusPtr ORT_API_CALL run(OrtSession *session, const OrtRunOptions *options, const char *const *input_names,
                                     const OrtValue *const *inputs, size_t inputs_len, const char *const *output_names,
                                     size_t outputs_len, OrtValue **outputs) {
	const char *delay = getenv("HOSTILE_DELAY_MS");
	if (delay != NULL)
		usleep((useconds_t)atoi(delay) * 1000);
	for (size_t i = 0; i < inputs_len; i++) {
		void *data = NULL;
		size_t n = pixels(inputs[i]);
		if (n == 0 || real->GetTensorMutableData((OrtValue *)inputs[i], &data) != NULL)
			continue;
		if (is_color(data, n, 1, 0, 1))
			abort();
		if (is_color(data, n, 0, 1, 1))
			for (;;)
				pause();
		if (is_color(data, n, 1, 1, 0))
			sleep(1);
	}
	return real->Run(session, options, input_names, inputs, inputs_len, output_names, outputs_len, outputs);
}

static const OrtApi *ORT_API_CALL get_api(uint32_t version) {
	void *library = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
	const OrtApiBase *(*get_base)(void) = library ? (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase") : NULL;
	if (get_base == NULL || (real = get_base()->GetApi(version)) == NULL)
		return NULL;
	memcpy(&ours, real, sizeof ours);
	ours.Run = run;
	return &ours;
}

static const char *ORT_API_CALL get_version(void) { return "1.0 (hostile)"; }

const OrtApiBase *ORT_API_CALL OrtGetApiBase(void) {
	base.GetApi = get_api;
	base.GetVersionString = get_version;
	return &base;
}
