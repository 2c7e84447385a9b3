// Package api is the HTTP surface: it checks what is submitted, stores it,
// announces it on the queue, and shows what became of it. The OpenAPI document
// is generated from this code and served at /v1/openapi.json.
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

// An announcer is the queue as the API needs it: across a network.
type enqueuer interface {
	Send(ctx context.Context, m job.Message) error
	Check(ctx context.Context) error
}

// A gauge is the queue as /metrics needs it.
type depthReader interface {
	Depth(ctx context.Context) (job.Depth, error)
}

// Config is what a Server works with.
type Config struct {
	Store   *store.Store
	Queue   enqueuer
	Version string         // of the program, for the OpenAPI document
	Limits  imageio.Limits // of submitted pictures; zero is imageio.DefaultLimits
	Workers Workers        // what they can paint
	MaxWait time.Duration  // the longest ?wait that is honoured; a function is billed while it waits
	Log     *slog.Logger   // nil discards

	// Keys are who may use the API. Without (nil) everybody may do everything, and so
	// the server answers to loopback addresses alone.
	Keys *keyring.Ring

	// Depth is the queue once more, for /metrics to tell how full it is. Without (nil)
	// there is no /metrics.
	Depth depthReader
	// Collectors are further metrics for /metrics.
	Collectors []prometheus.Collector

	Shares Shares // what requests may take of this server, in all and of one owner

	// Copies are the results in a bucket, to which clients are sent where they have
	// arrived. Without (nil) every result is answered here.
	Copies copies
	// MaxPicture is how many bytes of a picture fit through whatever carries the
	// answers; 0 is no limit. What is larger is copied to the bucket and answered by a link.
	MaxPicture int64
	// Uploads are in the bucket of Copies, and take what does not fit into a request.
	// Without (nil) none are granted.
	Uploads uploads

	// Stall is for how long the body of a submission may stall; 0 is 15 s.
	Stall time.Duration
}

// A Server answers the API's requests. It is an http.Handler, safe for
// concurrent use, and keeps nothing between requests: any number of them can
// serve one store.
type Server struct {
	Config
	mux        router
	handler    http.Handler
	pools      pools
	transfers  sync.Map      // *arrival: the submissions that are being received
	stopping   chan struct{} // closed by endWaits
	endWaits   func()
	storeProbe *probe
	queueProbe *probe
	linker     *linker // nil without copies

	recentRuns *recentIDs // messages sent by this process in the last announceEvery, in their wire form
	enqueueing singleflight.Group

	limiter     *limiter      // of changes
	metrics     *metrics      // nil counts nothing
	badKeyLogs  *rate.Limiter // of what the log says of wrong keys
	unreadyLogs *rate.Limiter // of what it says to /readyz
}

// New checks the configuration and builds the routes.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Queue == nil {
		return nil, errors.New("new server: a store and a queue are needed")
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
		return nil, fmt.Errorf("new server: a wait of %s: it can't be below 0", cfg.MaxWait)
	}
	cfg.Shares.setDefaults()
	if err := cfg.Shares.Validate(); err != nil {
		return nil, fmt.Errorf("new server: %w", err)
	}
	if most := maxFormBytes(cfg.Limits.Bytes); cfg.Shares.bytes() < most {
		return nil, fmt.Errorf("new server: --upload-memory of %d MiB does not hold the largest submission, of %s", cfg.Shares.UploadMemory, mebibytes(most))
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

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func openAPI(version string) huma.Config {
	cfg := huma.DefaultConfig("Atelier", version)
	cfg.Info.Description = "Submit a picture and a style; poll until it is painted; fetch the result. " +
		"Addresses in answers are relative to the API's base address. " +
		"Every answer has an X-Request-Id, by which the server's log can be searched; a request may bring its own."
	cfg.OpenAPIPath = "/v1/openapi"
	cfg.DocsPath = ""
	cfg.SchemasPath = ""
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{scheme: {
		Type: "http", Scheme: "bearer", Description: "An API key. A server without keys, on a loopback address, asks for none.",
	}}
	describeTypes(cfg.Components.Schemas)
	cfg.CreateHooks = nil // no $schema member in answers: a job reads the same everywhere
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
		Summary: "What a style does to a photograph", Security: open(), Responses: pictures(problems(404), "image/jpeg"),
	}, s.getThumbnail)
	describeHeaders(api.OpenAPI())
}

func (s *Server) jobRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "get-job", Method: http.MethodGet, Path: "/v1/jobs/{id}", Tags: []string{"jobs"},
		Summary: "What became of a job", Security: needs(keyring.Read), Responses: jobReplies(),
		Description: "Unfinished jobs come with Retry-After. With If-None-Match the answer is 304 while nothing has changed. " +
			"With wait it comes when something has; a server that has too much to do, or stops, answers sooner.",
	}, s.getJob)
	huma.Register(api, huma.Operation{
		OperationID: "get-result", Method: http.MethodGet, Path: "/v1/jobs/{id}/result", Tags: []string{"jobs"},
		Summary: "The painted picture", Security: openOr(keyring.Read),
		Description: "Of a public job that has succeeded without a key. Where a copy is on S3, the answer is a link to it.",
		Responses:   withRedirect(pictures(problems(401, 404, 409, 410, 422, 500), formats.ContentTypes(formats.Outputs())...)),
	}, s.getResult)
	huma.Register(api, huma.Operation{
		OperationID: "get-thumbnail", Method: http.MethodGet, Path: "/v1/jobs/{id}/thumbnail", Tags: []string{"jobs"},
		Summary:     "The painted picture of a public job, at most 400 pixels",
		Description: "Once the job has succeeded, without a key. Jobs that are not public have none.",
		Security:    openOr(keyring.Read), Responses: withRedirect(pictures(problems(401, 404, 409, 410, 500), "image/jpeg")),
	}, s.getJobThumbnail)
	huma.Register(api, huma.Operation{
		OperationID: "get-preview", Method: http.MethodGet, Path: "/v1/jobs/{id}/preview", Tags: []string{"jobs"},
		Summary:     "The submitted picture, upright, without metadata, at most 1024 pixels",
		Description: "It is made when a worker begins with the job; before that the answer is 409 not_ready with Retry-After. A job that ends before, or whose picture can't be decoded, has none (404).",
		Security:    needs(keyring.Read),
		Responses:   pictures(withRetryAfter(problems(401, 404, 409, 410, 500)), "image/jpeg"),
	}, s.getPreview)
	huma.Register(api, huma.Operation{
		OperationID: "cancel-job", Method: http.MethodPost, Path: "/v1/jobs/{id}/cancel", Tags: []string{"jobs"},
		Summary: "End a job before it is painted", Security: needs(keyring.Submit), Responses: problems(401, 404, 409, 410, 500),
		Description: "A queued job is never begun. Of a running one the result is thrown away. One that is canceled already is answered as it is.",
	}, s.cancel)
	huma.Register(api, huma.Operation{
		OperationID: "retry-job", Method: http.MethodPost, Path: "/v1/jobs/{id}/retry", Tags: []string{"jobs"},
		Summary: "Run a failed or canceled job again", DefaultStatus: http.StatusAccepted,
		Security: needs(keyring.Submit), Responses: problems(401, 404, 409, 410, 500),
		Description: "The job is queued as its next run. Repeating the request is safe: a run that nobody has begun is answered as it is.",
	}, s.retry)
	huma.Register(api, huma.Operation{
		OperationID: "erase-job", Method: http.MethodDelete, Path: "/v1/jobs/{id}", Tags: []string{"jobs"},
		Summary: "Erase everything of a job", DefaultStatus: http.StatusNoContent,
		Security: needs(keyring.Submit), Responses: eraseReplies(),
		Description: "In whatever state it is. From then on its addresses answer 410, to a second DELETE too.",
	}, s.erase)
	huma.Register(api, huma.Operation{
		OperationID: "redrive", Method: http.MethodPost, Path: "/v1/admin/redrive", Tags: []string{"admin"},
		Summary: "Run failed jobs again", Security: needs(keyring.Admin), Responses: problems(400, 401, 408, 413, 415, 422, 500),
		Description: "Jobs named by ids, or, newest first, all that failed or all that failed with a code. " +
			"One request looks at a bounded number of jobs: repeat it with next_cursor until that is null, even after an empty answer.",
	}, s.redrive)
}
