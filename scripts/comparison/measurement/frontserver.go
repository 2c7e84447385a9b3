package measurement

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// FrontArg is the first argument of a program that has to call [ServeFront] with the second
// argument.
const FrontArg = "serve-front"

// frontName is the name under which the server's processor time is counted.
const frontName = "front"

// ServeFront serves the worker function over HTTP until the end of ctx. It paints the image in the
// form of a POST, and returns the job's measurements as JSON.
func ServeFront(ctx context.Context, settings string) (err error) {
	var s frontSettings
	if err := json.Unmarshal([]byte(settings), &s); err != nil {
		return err
	}
	if err := countSeparately(); err != nil {
		return err
	}
	f, err := s.Programs.function(s.Variant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {}) // shows that the server is ready
	mux.HandleFunc("POST /", f.serve)
	server := &http.Server{Addr: s.Address, Handler: mux, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // no client waits for responses any more
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serve paints the photograph of a request.
func (f *function) serve(w http.ResponseWriter, r *http.Request) {
	const largest = 32 << 20 // bytes
	r.Body = http.MaxBytesReader(w, r.Body, largest)
	image, _, err := r.FormFile("image")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer image.Close()
	photo, err := io.ReadAll(image)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	j, err := f.paint(r.Context(), photo)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_ = json.NewEncoder(w).Encode(j) // fails only if the client has gone
}
