package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
)

// removeRun removes the only run whose file name begins with prefix.
func removeRun(dir, prefix string) error {
	files, err := filepath.Glob(filepath.Join(dir, "runs", prefix+"*"))
	if err == nil && len(files) != 1 {
		err = fmt.Errorf("%d files begin with %s", len(files), prefix)
	}
	if err != nil {
		return err
	}
	return os.Remove(files[0])
}

// exported writes the export of a folder, without the runs for which left is true.
func exported(t *testing.T, dir string, left func(*measurement.Run) bool) string {
	t.Helper()
	to := t.TempDir()
	runs, err := measurement.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var chosen []*measurement.Run
	for _, r := range runs {
		if !left(r) {
			chosen = append(chosen, r)
		}
	}
	var b bytes.Buffer
	err = measurement.WriteArchive(&b, chosen)
	for _, name := range measurement.OtherFiles() {
		if file, readErr := os.ReadFile(filepath.Join(dir, name)); readErr == nil {
			err = errors.Join(err, os.WriteFile(filepath.Join(to, name), file, 0o600))
		}
	}
	if err = errors.Join(err, os.WriteFile(filepath.Join(to, measurement.ArchiveFile), b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return to
}

// The report of an exported folder is that of the measured one, to the byte, predictions included.
// Without one of the runs it differs.
func TestExportedFolderHasSameReport(t *testing.T) {
	dir := synthetic(t, small(10))
	predict(t, dir, prediction.File{Commit: "0123abc", Made: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), Predictions: []prediction.Prediction{
		{Variant: predicted.Name(), Figure: prediction.P50, Value: 0.12, Calibrating: 10},
	}})
	page, markdown, values := formats(t, dir, least)
	if !strings.Contains(markdown, "Of 1 predictions, 1 hold") {
		t.Error("the prediction is not judged")
	}
	to := exported(t, dir, func(*measurement.Run) bool { return false })
	pageAgain, markdownAgain, valuesAgain := formats(t, to, least)
	if pageAgain != page || markdownAgain != markdown || valuesAgain != values {
		t.Error("the reports differ")
	}
	if _, err := os.Stat(filepath.Join(to, "runs")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the export has files of runs", err)
	}
	to = exported(t, dir, func(r *measurement.Run) bool { return r.Header.Variant == calibrating && r.Header.Repetition == 3 })
	if _, markdown, _ := formats(t, to, least); !strings.Contains(markdown, "are unchanged: service-onnx-512px-1threads.003.") || !strings.Contains(markdown, "Incomplete: 1 planned runs") {
		t.Error("a calibrating run that was taken away is not noticed")
	}
}

// The figures are files of their own.
func TestFigures(t *testing.T) {
	figures := whole(t).Figures()
	for _, name := range []string{"saving", "cases", "burst"} {
		if svg := string(figures[name]); !strings.HasPrefix(svg, "<svg ") || !strings.Contains(svg, `xmlns="http://www.w3.org/2000/svg"`) || !strings.Contains(svg, "</svg>") ||
			!strings.Contains(svg, `<rect width="100%" height="100%" fill="#fff"/>`) { // black text on a dark page can't be read
			t.Errorf("%s is %.80q", name, svg)
		}
	}
	if len((&Document{}).Figures()) != 0 {
		t.Error("there are figures without data")
	}
}
