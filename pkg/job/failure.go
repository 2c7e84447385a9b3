package job

import "errors"

// Codes of failed jobs that have no sentinel error in this package.
const (
	CodeGaveUp   = "gave_up"   // every attempt ended in a transient error or a crash
	CodeTimedOut = "timed_out" // unfinished after the maximum age
	CodeTooLarge = "too_large" // no worker has enough memory for it
	CodeInternal = "internal"  // the engine fails on this picture, and the user can't change that
)

// A Failure is why a job failed, in words that can be shown to users. Programs rely on Code, which
// is stable.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// permanent lists the errors that every further attempt would return, with the codes that users
// see.
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

// FailureOf decides for all callers whether another attempt makes sense. It returns the failure to
// record for an error that every other attempt would return too, and nil for any other error.
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
