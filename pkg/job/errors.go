package job

import (
	"errors"
	"fmt"
)

// The sentinel errors that all layers share. They are wrapped with %w, with the operation and its
// subject. api/error.go converts them to HTTP problems, and [FailureOf] to the reason of a failed
// job.
var (
	// ErrNotFound: no job has this id, or it is another owner's.
	ErrNotFound = errors.New("no such job")
	// ErrBadID: the text is not a canonical UUIDv7.
	ErrBadID = errors.New("not a job id")
	// ErrInvalid: a field of the request is wrong; see [FieldError].
	ErrInvalid = errors.New("invalid request")
	// ErrUnknownStyle: the catalogue has no style of this name.
	ErrUnknownStyle = errors.New("unknown style")
	// ErrUnsupportedImage: the bytes are not an image in a supported format.
	ErrUnsupportedImage = errors.New("not an image in a format that is read")
	// ErrDamagedImage: the image has a valid beginning but is truncated or corrupt.
	ErrDamagedImage = errors.New("the image is damaged")
	// ErrTooManyBytes: the file is larger than the byte limit.
	ErrTooManyBytes = errors.New("the file is too large")
	// ErrTooManyPixels: the picture is larger than the pixel limit.
	ErrTooManyPixels = errors.New("the picture has too many pixels")
	// ErrUndecodable: decoding the picture takes more memory or processor time than is allowed for
	// one of its size, or crashes the decoder.
	ErrUndecodable = errors.New("the image can't be decoded with the memory and time that one of its size may take: save it again with another program")
	// ErrNotFinished: the job has no result yet, or ended without one.
	ErrNotFinished = errors.New("the job has no result")
	// ErrNotReady: the preview of the submitted picture is made by the first attempt, which has not
	// done so yet.
	ErrNotReady = errors.New("the preview is made when a worker begins the job")
	// ErrNoPreview: the job ended before its picture was decoded, or the picture could not be
	// decoded.
	ErrNoPreview = errors.New("the job ended without a preview of its picture")
	// ErrNoThumbnail: only public jobs have thumbnails, for the gallery.
	ErrNoThumbnail = errors.New("a job that is not public has no thumbnail")
	// ErrFinished: the run has ended, so it can't be changed.
	ErrFinished = errors.New("the job is finished")
	// ErrGaveUp is wrapped together with ErrFinished if the call itself has ended the run, because
	// the run's attempts were used up.
	ErrGaveUp = errors.New("given up because all attempts were used up")
	// ErrGone: the job was erased, or its retention is over.
	ErrGone = errors.New("the job was erased or has expired")
	// ErrExpired is an ErrGone: the id is so old that its job has expired, if it ever existed.
	ErrExpired = fmt.Errorf("%w: its id is older than the retention", ErrGone)
	// ErrNotRetryable: only a run that failed or was canceled can be followed by
	// another.
	ErrNotRetryable = errors.New("the job has not failed")
	// ErrKeyReused: the idempotency key was used for another request.
	ErrKeyReused = errors.New("this Idempotency-Key was used for another request")
	// ErrLeaseLost: another worker has claimed the job, or its run was ended by another process.
	// This worker's result must be discarded.
	ErrLeaseLost = errors.New("the job's lease is lost")
	// ErrBusy: another worker has the job's lease, or other processes keep changing the job.
	ErrBusy = errors.New("the job is being worked on")
	// ErrStoreUnavailable: the shared directory is not available, so nothing is known about any job.
	ErrStoreUnavailable = errors.New("the store is not available")
	// ErrQuota: a quota of the job's owner is used up.
	ErrQuota = errors.New("a quota is used up")
	// ErrTooManyRuns: the job has had as many runs as are allowed.
	ErrTooManyRuns = errors.New("the job has had all the runs that a job may have")
	// ErrBacklog: so many jobs wait that another one would wait for too long.
	ErrBacklog = errors.New("too many jobs are waiting")
	// ErrDiskFull: the file system of the shared directory has too little free space.
	ErrDiskFull = errors.New("the service has too little room left for new pictures")
	// ErrDamagedJob: a file of the job does not have the expected content.
	ErrDamagedJob = errors.New("the job's files are damaged")
	// ErrUploadNotFound: the owner has no upload with this id.
	ErrUploadNotFound = errors.New("no such upload")
	// ErrUploadExpired: the upload is too old to be taken by a job.
	ErrUploadExpired = errors.New("the upload has expired")
	// ErrUploadTaken: a job has taken the upload.
	ErrUploadTaken = errors.New("a job has taken this upload already")
	// ErrUploadIncomplete: the upload's object is missing, or not the declared one.
	ErrUploadIncomplete = errors.New("the upload is not complete")
	// ErrMalformed: a message is not in the wire format of this version.
	ErrMalformed = errors.New("malformed message")
)
