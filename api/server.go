// Package api is the HTTP interface: it checks submissions, stores and enqueues them, and returns
// jobs, results and the page. The OpenAPI document is generated from this code and served at
// /v1/openapi.json.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// An enqueuer sends messages to the queue, over a network.
type enqueuer interface {
	Send(ctx context.Context, m job.Message) error
	Check(ctx context.Context) error
}

// A depthReader counts the messages in the queue, for /metrics.
type depthReader interface {
	Depth(ctx context.Context) (job.Depth, error)
}

// Config is the configuration of a Server.
type Config struct {
	Store   *store.Store
	Queue   enqueuer
	Version string         // of the program, for the OpenAPI document
	Limits  imageio.Limits // of submitted pictures; zero is imageio.DefaultLimits
	Workers Workers        // what the workers can paint
	MaxWait time.Duration  // longest ?wait, 0 is DefaultMaxWait; a function is billed while it waits
	Log     *slog.Logger   // nil discards

	// Keys are the API keys. If nil, every client may do everything, so the server accepts
	// requests to loopback addresses only.
	Keys *keyring.Ring

	// Depth counts the messages in the queue for /metrics. If nil, there is no /metrics.
	Depth depthReader
	// Collectors are metrics that /metrics has in addition to those of this package.
	Collectors []prometheus.Collector

	Shares Shares // limits of what requests use of this server, in total and for each owner

	// Copies are the results in the bucket. Clients are redirected to a copy if there is one.
	// If nil, the server returns every result itself.
	Copies copies
	// MaxPicture is the largest picture, in bytes, that fits into a response; 0 is no limit. A
	// larger one is copied to the bucket, and the response is a link to the copy.
	MaxPicture int64
	// Uploads are pictures that clients store in the bucket of Copies, because they are too large
	// for a request. If nil, no upload is granted.
	Uploads uploads

	// Stall is for how long in total the body of a submission may stall; 0 means 15 s.
	Stall time.Duration
}

// A Server handles the API's requests. It is an http.Handler and safe for concurrent use. It keeps
// no state that a client depends on, so any number of servers can use one store.
type Server struct {
	Config
	mux        router
	handler    http.Handler
	pools      pools
	transfers  sync.Map      // set of *transfer: the submissions that are being received
	stopping   chan struct{} // closed by endWaits
	endWaits   func()
	storeProbe *probe
	queueProbe *probe
	linker     *linker // nil without copies

	recentRuns *recentIDs // messages sent by this process in the last enqueueInterval, encoded
	enqueueing singleflight.Group

	limiter     *limiter      // of changes
	metrics     *metrics      // nil counts nothing
	badKeyLogs  *rate.Limiter // of log lines about unknown keys
	unreadyLogs *rate.Limiter // of log lines about failed readiness checks
}

// New checks the configuration and registers the routes.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Queue == nil {
		return nil, errors.New("new server: Store and Queue must be set")
	}
	if cfg.Limits == (imageio.Limits{}) {
		cfg.Limits = imageio.DefaultLimits()
	}
	cfg.Workers.setDefaults()
	if err := cfg.Workers.Validate(); err != nil {
		return nil, fmt.Errorf("new server: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = DefaultMaxWait
	}
	if cfg.Stall == 0 {
		cfg.Stall = 15 * time.Second
	}
	if cfg.MaxWait < 0 {
		return nil, fmt.Errorf("new server: MaxWait of %s must not be negative", cfg.MaxWait)
	}
	cfg.Shares.setDefaults()
	if err := cfg.Shares.Validate(); err != nil {
		return nil, fmt.Errorf("new server: %w", err)
	}
	if most := maxFormBytes(cfg.Limits.Bytes); cfg.Shares.bytes() < most {
		return nil, fmt.Errorf("new server: --upload-memory of %d MiB is less than the largest submission, of %s", cfg.Shares.UploadMemory, mebibytes(most))
	}
	s := &Server{
		Config: cfg, pools: newPools(cfg.Shares, cfg.Keys != nil),
		stopping: make(chan struct{}), recentRuns: newRecentIDs(maxRecentRuns, enqueueInterval), storeProbe: newProbe(cfg.Store.Check),
		badKeyLogs: newBadKeyLogs(), unreadyLogs: rate.NewLimiter(1, 1), limiter: newLimiter(cfg.Shares.Rate), linker: newLinker(cfg.Copies),
	}
	s.queueProbe = newProbe(func() error { return s.checkQueue(context.Background()) })
	s.endWaits = sync.OnceFunc(func() { close(s.stopping) })
	useProblems()
	mux := &s.mux
	s.routes(humago.New(mux, openAPI(cfg.Version)))
	s.healthRoutes(mux)
	origin, err := s.linker.origin()
	if err != nil {
		return nil, fmt.Errorf("new server: %w", err)
	}
	pageRoutes(mux, cfg.Keys == nil, origin)
	if cfg.Depth != nil {
		s.metrics = newMetrics(s)
		s.metricsRoute(mux)
	}
	s.handler = cleanPath(s.metrics.countRequests(withRequestID(guard(s.limitPageRequests(muxErrors(mux)), cfg.Keys == nil))))
	return s, nil
}

// ServeHTTP handles one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func openAPI(version string) huma.Config {
	cfg := huma.DefaultConfig("Atelier", version)
	cfg.Info.Description = "Submit a picture and a style; poll until it is painted; fetch the result. " +
		"Addresses in responses are relative to the API's base address. " +
		"Every response has an X-Request-Id, which is also in the server's log; a request may set its own."
	cfg.OpenAPIPath = "/v1/openapi"
	cfg.DocsPath = ""
	cfg.SchemasPath = ""
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{scheme: {
		Type: "http", Scheme: "bearer", Description: "An API key. A server without keys, on a loopback address, requires none.",
	}}
	describeTypes(cfg.Components.Schemas)
	cfg.CreateHooks = nil // no $schema member in responses: a job is the same JSON everywhere
	return cfg
}

func (s *Server) routes(api huma.API) {
	api.UseMiddleware(s.authorize)
	huma.Register(api, submitOperation(), s.submit)
	s.documentSubmit(api)
	huma.Register(api, uploadOperation(), s.createUpload)
	s.jobRoutes(api)
	s.listRoutes(api)
	huma.Register(api, huma.Operation{
		OperationID: "list-styles", Method: http.MethodGet, Path: "/v1/styles", Tags: []string{"styles"},
		Summary: "The named styles", Security: open(), Responses: problems(),
	}, s.listStyles)
	huma.Register(api, huma.Operation{
		OperationID: "get-style-thumbnail", Method: http.MethodGet, Path: "/v1/styles/{name}/thumbnail", Tags: []string{"styles"},
		Summary: "A photograph painted in a style", Security: open(), Responses: pictures(problems(404), "image/jpeg"),
	}, s.getThumbnail)
	describeHeaders(api.OpenAPI())
}

func (s *Server) jobRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-job", Method: http.MethodGet, Path: "/v1/jobs/{id}", Tags: []string{"jobs"},
		Summary: "The state of a job", Security: needs(keyring.Read), Responses: jobReplies(),
		Description: "The response for an unfinished job has Retry-After. With If-None-Match it is 304 while the job is unchanged. " +
			"With wait it is sent when the job changes, or earlier if the server is busy or stops.",
	}, s.getJob)
	huma.Register(api, huma.Operation{
		OperationID: "get-result", Method: http.MethodGet, Path: "/v1/jobs/{id}/result", Tags: []string{"jobs"},
		Summary: "The painted picture", Security: openOr(keyring.Read),
		Description: "The result of a public job needs no key. If a copy is on S3, the response is a link to it.",
		Responses:   withRedirect(pictures(problems(401, 404, 409, 410, 422, 500), formats.ContentTypes(formats.Outputs())...)),
	}, s.getResult)
	huma.Register(api, huma.Operation{
		OperationID: "get-thumbnail", Method: http.MethodGet, Path: "/v1/jobs/{id}/thumbnail", Tags: []string{"jobs"},
		Summary:     "The painted picture of a public job, at most 400 pixels",
		Description: "Available without a key when the job has succeeded. Jobs that are not public have none.",
		Security:    openOr(keyring.Read), Responses: withRedirect(pictures(problems(401, 404, 409, 410, 500), "image/jpeg")),
	}, s.getJobThumbnail)
	huma.Register(api, huma.Operation{
		OperationID: "get-preview", Method: http.MethodGet, Path: "/v1/jobs/{id}/preview", Tags: []string{"jobs"},
		Summary:     "The submitted picture, upright, without metadata, at most 1024 pixels",
		Description: "It is made when a worker starts the job; before that the response is 409 not_ready with Retry-After. A job that ends before, or whose picture can't be decoded, has none (404).",
		Security:    needs(keyring.Read),
		Responses:   pictures(withRetryAfter(problems(401, 404, 409, 410, 500)), "image/jpeg"),
	}, s.getPreview)
	huma.Register(api, huma.Operation{
		OperationID: "cancel-job", Method: http.MethodPost, Path: "/v1/jobs/{id}/cancel", Tags: []string{"jobs"},
		Summary: "Cancel a job", Security: needs(keyring.Submit), Responses: problems(401, 404, 409, 410, 500),
		Description: "A queued job is not started. The result of a running job is discarded. A job that is already canceled is returned unchanged.",
	}, s.cancel)
	huma.Register(api, huma.Operation{
		OperationID: "retry-job", Method: http.MethodPost, Path: "/v1/jobs/{id}/retry", Tags: []string{"jobs"},
		Summary: "Run a failed or canceled job again", DefaultStatus: http.StatusAccepted,
		Security: needs(keyring.Submit), Responses: problems(401, 404, 409, 410, 500),
		Description: "The job is queued as its next run. Repeating the request is safe: a job whose run no worker has started is returned unchanged.",
	}, s.retry)
	huma.Register(api, huma.Operation{
		OperationID: "erase-job", Method: http.MethodDelete, Path: "/v1/jobs/{id}", Tags: []string{"jobs"},
		Summary: "Erase a job with all its data", DefaultStatus: http.StatusNoContent,
		Security: needs(keyring.Submit), Responses: eraseReplies(),
		Description: "In any state. Afterwards its addresses return 410, also to a second DELETE.",
	}, s.erase)
	huma.Register(api, huma.Operation{
		OperationID: "redrive", Method: http.MethodPost, Path: "/v1/admin/redrive", Tags: []string{"admin"},
		Summary: "Run failed jobs again", Security: needs(keyring.Admin), Responses: problems(400, 401, 408, 413, 415, 422, 500),
		Description: "The jobs with the given ids, or, newest first, all failed jobs or those that failed with an error code. " +
			"One request examines a bounded number of jobs: repeat it with next_cursor until that is null, even after an empty response.",
	}, s.redrive)
}
