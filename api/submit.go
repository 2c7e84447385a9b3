package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// submitForm describes the fields of a submission for the OpenAPI document. readForm reads them.
type submitForm struct {
	Image          []byte  `json:"image,omitempty" format:"binary" doc:"This or upload_id"`
	UploadID       string  `json:"upload_id,omitempty" doc:"An upload that contains the picture: see create-upload. An upload can be submitted once (then upload_taken), except with the same Idempotency-Key"`
	Style          string  `json:"style,omitempty" doc:"A style's name, or a blend such as a:0.7,b:0.3. This, style_image or style_upload_id"`
	StyleImage     []byte  `json:"style_image,omitempty" format:"binary" doc:"A style picture of your own"`
	StyleUploadID  string  `json:"style_upload_id,omitempty" doc:"Another upload, which contains the style picture"`
	Strength       float64 `json:"strength,omitempty" minimum:"0" maximum:"1" default:"1" doc:"0 is the photograph, 1 the style"`
	Size           int     `json:"size,omitempty" minimum:"0" default:"1024" doc:"Longest edge of the result in pixels, at least 16; 0 keeps the picture's, up to the maximum. A size for which the workers have too little memory is refused"`
	Format         string  `json:"format,omitempty" default:"jpeg"`
	Quality        int     `json:"quality,omitempty" minimum:"1" maximum:"100" default:"90" doc:"Of a JPEG or WebP"`
	PreserveColors bool    `json:"preserve_colors,omitempty" default:"false" doc:"Keep the photograph's colours, and take only the strokes of the style"`
	Public         bool    `json:"public,omitempty" doc:"Show the result in the public gallery"`
}

func submitOperation() huma.Operation {
	return huma.Operation{
		OperationID: "submit-job", Method: http.MethodPost, Path: "/v1/jobs", Tags: []string{"jobs"},
		Summary: "Submit a picture", DefaultStatus: http.StatusAccepted,
		Description: "After 202 the job is stored durably, and it will be painted or fail with a reason. " +
			"After 503 it may or may not be stored: send the same request again. 429 means that a limit of the owner is reached: the rate, the share of the server or a quota; the code says which. Both have Retry-After. With an Idempotency-Key, any number of equal requests " +
			"within 24 hours make one job, and each returns its current state; " +
			"a different request with the same key is refused (idempotency_key_reused).",
		Security:  needs(keyring.Submit),
		Responses: problems(400, 401, 404, 408, 409, 410, 413, 415, 422),
	}
}

// documentSubmit adds the form to the OpenAPI document. It is called after the operation is
// registered: if huma knew the form by then, it would read the body itself.
func (s *Server) documentSubmit(api huma.API) {
	schema := huma.SchemaFromType(api.OpenAPI().Components.Schemas, reflect.TypeFor[submitForm]())
	schema.Properties["public"].Default = s.publicByDefault()
	most := float64(s.Workers.MaxSize)
	schema.Properties["size"].Maximum = &most
	image := schema.Properties["image"]
	image.Description = "The picture: " + formats.Titles(formats.All(), "or") + "; of an animation the first frame. " + image.Description
	for _, name := range formats.Names(formats.Outputs()) {
		schema.Properties["format"].Enum = append(schema.Properties["format"].Enum, name)
	}
	for _, name := range fileFields {
		schema.Properties[name].ContentEncoding = "" // the bytes themselves, not base64
	}
	operation := api.OpenAPI().Paths["/v1/jobs"].Post
	operation.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: schema}},
	}
	operation.Parameters = append(operation.Parameters, keyParameter())
}

// submitInput holds the request. readForm reads the form of tens of megabytes within limits, where
// huma would write it to temporary files.
type submitInput struct {
	ctx huma.Context
}

// Resolve implements huma's resolver: it keeps the request for the handler.
func (in *submitInput) Resolve(ctx huma.Context) []error { in.ctx = ctx; return nil }

// submit creates a job: it reads and checks everything, stores the job durably, enqueues it, and
// only then responds with 202.
func (s *Server) submit(ctx context.Context, in *submitInput) (*acceptedOutput, error) {
	r, w := humago.Unwrap(in.ctx)
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return nil, s.problem(ctx, "read a submission", err)
	}
	if err := s.Store.Admits(callerOf(ctx).owner, key); err != nil {
		return nil, s.problem(ctx, "accept a submission", err)
	}
	size, err := formSize(r, s.Limits.Bytes)
	if err != nil {
		return nil, s.problem(ctx, "read a submission", err)
	}
	incoming, err := s.receive(ctx, callerOf(ctx).owner, size)
	if err != nil {
		return nil, err
	}
	defer incoming.end()
	done := incoming.enforceMinimumRate(w, r)
	f, err := readForm(r, size, s.Limits.Bytes)
	if err != nil {
		return nil, s.problem(ctx, "read a submission", err)
	}
	done()
	incoming.shrinkTo(f.memory())
	f.onRelease = func() { incoming.shrinkTo(0) }
	spec, err := s.newSpec(f)
	if err != nil {
		return nil, s.problem(ctx, "check a submission", err)
	}
	spec.Owner = incoming.owner
	create := s.createJob
	if spec.Upload != "" || spec.StyleUpload != "" {
		create = func(ctx context.Context, spec *job.Spec, f *form, key string) (job.Job, error) {
			return s.createJobFromUploads(ctx, incoming, spec, f, key)
		}
	}
	j, err := create(ctx, spec, f, key)
	if err != nil {
		return nil, s.problem(ctx, "create a job", err)
	}
	s.metrics.countSubmission(spec)
	s.log(ctx).Info("submitted", "job", j.ID, "by", spec.Owner, "style", spec.Style, "bytes", spec.Input.Bytes)
	return accepted(j, "jobs/"+string(j.ID)), nil // relative to this request's own address
}

// publicByDefault returns whether jobs are public unless the request says otherwise: only without
// API keys. With keys, a picture belongs to its owner.
func (s *Server) publicByDefault() bool { return s.Keys == nil }

// createJob creates a job from a form that contains the pictures.
func (s *Server) createJob(ctx context.Context, spec *job.Spec, f *form, key string) (job.Job, error) {
	if err := s.inspectPictures(spec, f); err != nil {
		return job.Job{}, err
	}
	if key != "" {
		return s.storeOnce(ctx, spec, f, key)
	}
	return s.storeAndEnqueue(ctx, spec, f)
}

// storeAndEnqueue stores a job and sends its message. If the message can't be sent, it discards the
// job.
func (s *Server) storeAndEnqueue(ctx context.Context, spec *job.Spec, f *form) (job.Job, error) {
	if err := s.Store.Create(spec, f.files["image"], f.files["style_image"]); err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	f.releaseMemory()
	if err := s.enqueue(ctx, message(ctx, spec.ID, 1, spec.Owner)); err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errUnavailable, errors.Join(err, s.Store.Discard(spec)))
	}
	return spec.New(), nil
}

// newSpec checks the fields of a form and returns the job's spec, without the description of the
// pictures, which [Server.inspectPictures] adds.
func (s *Server) newSpec(f *form) (*job.Spec, error) {
	var bad []*job.FieldError
	spec := &job.Spec{
		Strength:       f.number("strength", 1, &bad),
		Size:           f.integer("size", 1024, &bad),
		Format:         f.text("format", "jpeg"),
		Quality:        f.integer("quality", 90, &bad),
		PreserveColors: f.boolean("preserve_colors", false, &bad),
		Public:         f.boolean("public", s.publicByDefault(), &bad),
		MaxSize:        s.Workers.MaxSize,
		CreatedAt:      time.Now().UTC().Truncate(time.Millisecond),
	}
	bad = append(bad, spec.Validate()...)
	name, named := f.fields["style"]
	_, own := f.files["style_image"]
	styleUpload, ownPut := f.fields["style_upload_id"]
	switch {
	case named && own:
		bad = append(bad, &job.FieldError{Field: "style", Problem: "and style_image exclude each other"})
	case ownPut && (named || own):
		bad = append(bad, &job.FieldError{Field: "style_upload_id", Problem: "excludes style and style_image"})
	case !named && !own && !ownPut:
		bad = append(bad, &job.FieldError{Field: "style", Problem: "or style_image is needed"})
	case named:
		mix, err := style.ParseMix(name)
		if errors.Is(err, job.ErrUnknownStyle) && len(bad) == 0 {
			return nil, err
		}
		if err != nil {
			bad = append(bad, &job.FieldError{Field: "style", Problem: err.Error()})
		}
		spec.Style = mix.String()
	case own || ownPut:
		spec.Style = job.CustomStyle
	}
	_, sent := f.files["image"]
	upload, put := f.fields["upload_id"]
	switch {
	case put && sent:
		bad = append(bad, &job.FieldError{Field: "upload_id", Problem: "and image exclude each other"})
	case put && ownPut && upload == styleUpload:
		bad = append(bad, &job.FieldError{Field: "style_upload_id", Problem: "is the upload_id: the two pictures are two uploads"})
	case !put && !sent:
		bad = append(bad, &job.FieldError{Field: "image", Problem: "is needed: the picture as a file"})
	}
	for _, field := range []struct{ name, instead string }{{"upload_id", "image"}, {"style_upload_id", "style_image"}} {
		switch id, put := f.fields[field.name]; {
		case put && s.Uploads == nil:
			bad = append(bad, &job.FieldError{Field: field.name, Problem: "is not offered by this server: send the picture as " + field.instead})
		case put && id == "":
			bad = append(bad, &job.FieldError{Field: field.name, Problem: "is empty"})
		}
	}
	spec.Upload, spec.StyleUpload = job.ID(upload), job.ID(styleUpload)
	if len(bad) > 0 {
		return nil, invalid(bad...)
	}
	var err error
	if spec.ID, err = s.Store.NewID(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	return spec, nil
}

// inspectPictures inspects a form's pictures and describes them in the spec.
func (s *Server) inspectPictures(spec *job.Spec, f *form) (err error) {
	image := f.files["image"]
	if spec.Input, err = s.inspectPicture("image", image); err != nil {
		return err
	}
	picture, own := f.files["style_image"]
	if own {
		in, err := s.inspectPicture("style_image", picture)
		if err != nil {
			return err
		}
		spec.StyleInput = &in
	}
	return s.Workers.checkMemory(spec, image, picture)
}

func (s *Server) inspectPicture(field string, data []byte) (job.Input, error) {
	info, err := imageio.Inspect(data, s.Limits)
	if err != nil {
		return job.Input{}, inspectionError{fmt.Errorf("%s: %w", field, err)}
	}
	return job.Input{Format: info.Format, Width: info.Width, Height: info.Height}, nil
}
