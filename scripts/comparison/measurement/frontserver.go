package measurement

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// FrontArg is the first argument of a program that is to call [ServeFront] with the second.
const FrontArg = "serve-front"

// frontName is the server's name among what was used.
const frontName = "front"

// ServeFront serves the worker function over HTTP until the end of ctx: a POST of a form with an image
// returns, once it is painted, what is known of the job, as JSON.
func ServeFront(ctx context.Context, settings string) (err error) {
	var s fronted
	if err := json.Unmarshal([]byte(settings), &s); err != nil {
		return err
	}
	if err := countApart(); err != nil {
		return err
	}
	f, err := s.Programs.function(s.Variant)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {}) // it is ready
	mux.HandleFunc("POST /", f.serve)
	server := &http.Server{Addr: s.Address, Handler: mux, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody waits for responses any more
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
	_ = json.NewEncoder(w).Encode(j) // else the sender has gone
}
