package job

import (
	"errors"
	"fmt"
)

// The sentinels say what went wrong in terms that every layer shares. They are
// wrapped with %w by whoever finds the fault, naming the operation and its
// subject; api/error.go turns them into HTTP problems and [FailureOf] into the
// reason that a failed job carries.
var (
	// ErrNotFound: no job has this id, or it belongs to somebody else.
	ErrNotFound = errors.New("no such job")
	// ErrBadID: the text is not a canonical UUIDv7.
	ErrBadID = errors.New("not a job id")
	// ErrInvalid: a field of the request is wrong; see [FieldError].
	ErrInvalid = errors.New("invalid request")
	// ErrUnknownStyle: the catalogue has no style of this name.
	ErrUnknownStyle = errors.New("unknown style")
	// ErrUnsupportedImage: the bytes are no image in a format that is read.
	ErrUnsupportedImage = errors.New("not an image in a format that is read")
	// ErrDamagedImage: the image begins well but is truncated or corrupt.
	ErrDamagedImage = errors.New("the image is damaged")
	// ErrTooManyBytes: the file is larger than the byte limit.
	ErrTooManyBytes = errors.New("the file is too large")
	// ErrTooManyPixels: the picture is larger than the pixel limit.
	ErrTooManyPixels = errors.New("the picture has too many pixels")
	// ErrUndecodable: decoding the picture takes more memory or processor time than one
	// of its size may, or crashes the decoder.
	ErrUndecodable = errors.New("the image can't be decoded with the memory and time that one of its size may take: save it again with another program")
	// ErrNotFinished: the job has no result yet, or ended without one.
	ErrNotFinished = errors.New("the job has no result")
	// ErrNotReady: the submitted picture's preview is made with the first attempt.
	ErrNotReady = errors.New("the preview is made when a worker begins with the job")
	// ErrNoPreview: the job ended before its picture was decoded, or that could not be.
	ErrNoPreview = errors.New("the job ended without a preview of its picture")
	// ErrNoThumbnail: thumbnails are for the gallery, and so of public jobs alone.
	ErrNoThumbnail = errors.New("a job that is not public has no thumbnail")
	// ErrFinished: the job has ended, so that nothing more can happen to it.
	ErrFinished = errors.New("the job is finished")
	// ErrGaveUp comes with ErrFinished for whoever has ended a run whose attempts were
	// used up.
	ErrGaveUp = errors.New("given up, since all attempts were used up")
	// ErrGone: the job was erased, or its retention is over.
	ErrGone = errors.New("the job was erased or has expired")
	// ErrExpired is an ErrGone: the job was made so long ago that it has expired if there was one. Nothing is known of it.
	ErrExpired = fmt.Errorf("%w: it was made that long ago", ErrGone)
	// ErrNotRetryable: only a run that failed or was canceled can be followed by
	// another.
	ErrNotRetryable = errors.New("the job has not failed")
	// ErrKeyReused: the idempotency key stands for another request.
	ErrKeyReused = errors.New("this Idempotency-Key was used for another request")
	// ErrLeaseLost: another worker has taken the job over, or it was ended from
	// outside; what this worker made of it must be thrown away.
	ErrLeaseLost = errors.New("the job's lease is lost")
	// ErrBusy: another worker holds the job's lease.
	ErrBusy = errors.New("the job is being worked on")
	// ErrStoreAway: the shared directory is not there, so that nothing can be
	// said about any job.
	ErrStoreAway = errors.New("the store is away")
	// ErrQuota: a quota of the job's owner is used up.
	ErrQuota = errors.New("a quota is used up")
	// ErrTooManyRuns: the job has had as many runs as one may have.
	ErrTooManyRuns = errors.New("the job has had all the runs that a job may have")
	// ErrBacklog: so many jobs wait that a further one would wait for too long.
	ErrBacklog = errors.New("too many jobs are waiting")
	// ErrDiskFull: the file system of the shared directory has too little room left.
	ErrDiskFull = errors.New("the service has too little room left for new pictures")
	// ErrDamagedJob: what is stored of the job is not what was stored.
	ErrDamagedJob = errors.New("what is stored of the job is damaged")
	// ErrUploadNotFound: the owner has no upload of this id.
	ErrUploadNotFound = errors.New("no such upload")
	// ErrUploadExpired: the upload is too old for a job to be made of it.
	ErrUploadExpired = errors.New("the upload has expired")
	// ErrUploadTaken: a job was made of the upload.
	ErrUploadTaken = errors.New("a job was made of this upload already")
	// ErrUploadIncomplete: the upload's object is not there, or not the declared one.
	ErrUploadIncomplete = errors.New("the upload is not complete")
	// ErrMalformed: a message is not in the wire format of this version.
	ErrMalformed = errors.New("malformed message")
)
