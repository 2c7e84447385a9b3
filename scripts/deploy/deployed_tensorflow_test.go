package deploy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// The TensorFlow function paints with the library and the model that the maintenance function has
// installed in the shared directory. Packing them takes minutes, so the test runs only with
// ATELIER_DEPLOY_TESTS=all.
func TestDeploymentWithTensorFlow(t *testing.T) {
	if os.Getenv("ATELIER_DEPLOY_TESTS") != "all" {
		t.Skip("takes minutes: ATELIER_DEPLOY_TESTS=all runs it")
	}
	d := newDeploymentOf(t, []string{"payload.zip", "worker-lambda-tensorflow.zip"}, map[string]string{
		"ATELIER_MODEL": "DIR/models/atelier", "LD_LIBRARY_PATH": "DIR/lib",
		"ATELIER_READ_AHEAD": "DIR/lib/read-ahead.json:DIR/models/atelier",
	})
	d.upFirst("--engine", "tensorflow")
	j := d.ended(d.Submit(d.photograph()))
	if j.State != job.Succeeded || j.Receipt == nil || !strings.HasPrefix(j.Receipt.Engine, "tensorflow ") || j.Receipt.Worker != "lambda" {
		t.Errorf("%+v, receipt %+v", j, j.Receipt)
	}
}
