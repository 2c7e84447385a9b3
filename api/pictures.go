package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// The values of Cache-Control. Results, previews and thumbnails never change. They are private,
// because a job may be.
const (
	immutable = "private, max-age=31536000, immutable"
	daily     = "public, max-age=86400"
)

type resultInput struct {
	ID       string `path:"id" doc:"The job's id"`
	Download bool   `query:"download" doc:"Makes browsers save the picture instead of showing it. They ignore a link's download attribute if the picture is at another origin"`
}

// getResult returns the painted picture of a job, or a range of its bytes.
func (s *Server) getResult(ctx context.Context, in *resultInput) (*huma.StreamResponse, error) {
	id, err := job.ParseID(in.ID)
	if err != nil {
		return nil, s.problem(ctx, "read a result", err)
	}
	file, j, err := s.Store.Result(id)
	if err == nil && !isPublicResult(&j) {
		if err = s.hideFromOthers(ctx, id, j.Owner, nil); err != nil {
			_ = file.Close() // read only
		}
	} else if err != nil {
		err = s.hideFromOthers(ctx, id, j.Owner, err)
	}
	if err == nil {
		err = checkFileFormat(file, j.Format)
	}
	if err != nil {
		return nil, s.problem(ctx, "read a result", err)
	}
	return s.serveOrRedirect(store.Published(id, j.Format, j.Public)[0], file, id, pictureHeaders{
		contentType: j.Result.ContentType, etag: `"` + j.Result.SHA256 + `"`, cache: immutable,
		filename: "atelier-" + in.ID + formats.ByName(j.Format).Extension(), attachment: in.Download, modified: *j.FinishedAt,
	}), nil
}

// getJobThumbnail returns the thumbnail of a job's result, which the gallery shows.
func (s *Server) getJobThumbnail(ctx context.Context, in *jobInput) (*huma.StreamResponse, error) {
	id, err := job.ParseID(in.ID)
	if err != nil {
		return nil, s.problem(ctx, "read a thumbnail", err)
	}
	file, j, err := s.Store.Thumbnail(id)
	if err != nil { // a thumbnail that exists is public
		err = s.hideFromOthers(ctx, id, j.Owner, err)
	}
	if err == nil {
		err = checkFileFormat(file, previewFormat)
	}
	if err != nil {
		return nil, s.problem(ctx, "read a thumbnail", err)
	}
	return s.serveOrRedirect(store.Published(id, j.Format, j.Public)[1], file, id, pictureHeaders{
		contentType: formats.ByName(previewFormat).ContentType, etag: `"` + j.Result.SHA256 + `-thumbnail"`, cache: immutable,
		filename: "atelier-" + in.ID + "-thumbnail.jpg", modified: *j.FinishedAt,
	}), nil
}

// previewFormat is the format of all thumbnails and previews.
const previewFormat = "jpeg"

// checkFileFormat returns an error, and closes the file, unless it begins like a picture of the
// format. Another program may have written to the shared directory, and only pictures must be
// served as pictures.
func checkFileFormat(file *os.File, format string) error {
	head := make([]byte, formats.HeadLength)
	n, err := file.ReadAt(head, 0)
	if errors.Is(err, io.EOF) && n > 0 {
		err = nil
	}
	if err == nil {
		err = checkFormat(head[:n], format)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", filepath.Base(file.Name()), err), file.Close())
	}
	return nil
}

func checkFormat(data []byte, format string) error {
	if formats.Detect(data).Name != format {
		return fmt.Errorf("%w: it is not a %s file", job.ErrDamagedJob, format)
	}
	return nil
}

// getPreview returns the preview that the worker made of the submitted picture. The original is
// never returned, because it may contain the place where it was taken, or anything else.
func (s *Server) getPreview(ctx context.Context, in *jobInput) (*huma.StreamResponse, error) {
	id, err := s.authorizedID(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, "read a preview", err)
	}
	data, err := s.Store.Preview(id)
	if err == nil {
		err = checkFormat(data, previewFormat)
	}
	if err != nil {
		return nil, s.problem(ctx, "read a preview", err)
	}
	return servePicture(bytes.NewReader(data), nil, pictureHeaders{
		contentType: formats.ByName(previewFormat).ContentType, etag: etagOf(data), cache: immutable,
		filename: "atelier-" + in.ID + "-preview.jpg", modified: id.Time(),
	}), nil
}

type styleBody struct {
	Name         string `json:"name"`
	Title        string `json:"title"`
	ThumbnailURL string `json:"thumbnail_url" doc:"Relative to the API's base address"`
}

type stylesOutput struct {
	Cache string `header:"Cache-Control"`
	Body  struct {
		Styles []styleBody `json:"styles"`
	}
}

// listStyles returns the styles of the catalogue in the order in which a client should show them.
func (s *Server) listStyles(context.Context, *struct{}) (*stylesOutput, error) {
	out := &stylesOutput{Cache: "no-cache"}
	for _, st := range style.All() {
		out.Body.Styles = append(out.Body.Styles, styleBody{st.Name, st.Title, "v1/styles/" + st.Name + "/thumbnail"})
	}
	return out, nil
}

type styleInput struct {
	Name string `path:"name"`
}

// getThumbnail returns a sample photograph painted in a style.
func (s *Server) getThumbnail(ctx context.Context, in *styleInput) (*huma.StreamResponse, error) {
	data, err := style.Thumbnail(in.Name)
	if err != nil {
		return nil, newProblem(http.StatusNotFound, "not_found", err.Error())
	}
	return servePicture(bytes.NewReader(data), nil, pictureHeaders{contentType: "image/jpeg", etag: etagOf(data), cache: daily, filename: in.Name + ".jpg"}), nil
}

// pictureHeaders are the headers of a response with a picture.
type pictureHeaders struct {
	contentType, etag, cache, filename string
	attachment                         bool // for saving instead of showing
	modified                           time.Time
}

// etagOf returns an ETag for data: a hash of it.
func etagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (p pictureHeaders) disposition() string {
	kind := "inline"
	if p.attachment {
		kind = "attachment"
	}
	return kind + `; filename="` + p.filename + `"`
}

// servePicture responds with content. It handles ranges and conditional requests as net/http does.
// At the end it calls done, unless that is nil.
func servePicture(content io.ReadSeeker, done func() error, p pictureHeaders) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		if done != nil {
			defer func() { _ = done() }() // read only
		}
		r, w := humago.Unwrap(ctx)
		h := w.Header()
		h.Set("Content-Type", p.contentType)
		h.Set("Cache-Control", p.cache)
		h.Set("Content-Disposition", p.disposition())
		h.Set("ETag", p.etag)
		serveContent(w, r, p.modified, content)
	}}
}
