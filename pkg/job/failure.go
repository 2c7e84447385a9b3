package job

import "errors"

// Codes of failed jobs that do not come from a sentinel of this package.
const (
	CodeGaveUp   = "gave_up"   // every attempt ended in a transient error or a crash
	CodeTimedOut = "timed_out" // unfinished beyond the maximum age
	CodeTooLarge = "too_large" // no worker has the memory for it
	CodeInternal = "internal"  // the engine refuses this picture, for no reason that the user could mend
)

// A Failure is why a job failed, in words that are safe to show to users.
// Programs go by Code, which is stable.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// permanent lists the errors that would come again however often the job is
// tried, each with the code that users see.
var permanent = []struct {
	err  error
	code string
}{
	{ErrUnsupportedImage, "unsupported_image"},
	{ErrDamagedImage, "damaged_image"},
	{ErrTooManyBytes, "too_many_bytes"},
	{ErrTooManyPixels, "too_many_pixels"},
	{ErrUndecodable, "undecodable_image"},
	{ErrUnknownStyle, "unknown_style"},
}

// FailureOf is the one place that decides between giving up and trying again:
// it answers the reason of an error that another attempt would not mend, and
// nil for any other.
func FailureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	for _, p := range permanent {
		if errors.Is(err, p.err) {
			return &Failure{p.code, p.err.Error()}
		}
	}
	return nil
}
