package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/atelier-go/atelier/pkg/emf"
)

// maxAnswer is what Lambda takes of an answer, as JSON and with the body in
// base64: 6 MB.
const maxResponse = 6 << 20

// maxPicture is what of it can be a picture, in base64 and beside the headers.
const maxPicture = (maxResponse - 64<<10) / 4 * 3

// A gateway answers API Gateway's events with an http.Handler, as if the
// requests had come over a connection.
type gateway struct {
	adapter *httpadapter.HandlerAdapterV2
	log     *slog.Logger
	metrics *emf.Writer
}

func newGateway(h http.Handler, log *slog.Logger, metrics *emf.Writer) *gateway {
	restored := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, _ := r.Context().Value(invocationKey{}).(*invocation)
		restore(r, in.event)
		h.ServeHTTP(w, r)
		in.pattern = r.Pattern // as the router leaves it
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // net/http's server does this, the adapter doesn't
		}
	})
	return &gateway{adapter: httpadapter.NewV2(restored), log: log, metrics: metrics}
}

type invocationKey struct{}

// An invocation is one request on its way.
type invocation struct {
	event   events.APIGatewayV2HTTPRequest
	pattern string // the route's, such as GET /v1/jobs/{id}; empty where there is none
}

// answer handles one request.
func (g *gateway) handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	began := time.Now()
	path, inStage := withoutStage(e.RawPath, e.RequestContext.Stage)
	if !inStage {
		return redirect(e.RequestContext.Stage + "/"), nil
	}
	e.RawPath = escaped(path)
	in := &invocation{event: e}
	response, err := g.adapter.ProxyWithContext(context.WithValue(ctx, invocationKey{}, in), e)
	if err != nil { // only an event that is no request
		g.log.Error("not a request", "request", e.RequestContext.RequestID, "error", err)
		response = problem(http.StatusBadRequest, "malformed_request", "the request can't be read")
	}
	if size := wireSize(response); size > maxResponse {
		g.log.Error("too large an answer", "request", e.RequestContext.RequestID, "bytes", size, "path", e.RawPath)
		response = problem(http.StatusRequestEntityTooLarge, "answer_too_large",
			"the answer does not fit through AWS Lambda, which takes about 4.5 MB; ask for parts of it (Range: bytes=0-4194303), or for a smaller picture")
	}
	if e.RequestContext.HTTP.Method == http.MethodHead {
		response.Body, response.IsBase64Encoded = "", false
	}
	g.logRequest(in, response.StatusCode, time.Since(began))
	return response, nil
}

// withoutStage takes the stage's name off a path: API Gateway leaves it there, except of
// the stage $default. A path without the name comes by a domain name of one's own, and is
// complete. ok is false for the name without a slash at its end, against which relative
// links would be resolved wrongly.
//
// So behind a domain name of one's own a stage must not be called as the API's paths
// begin, such as v1.
func withoutStage(rawPath, stage string) (path string, ok bool) {
	rest, found := strings.CutPrefix(rawPath, "/"+stage)
	switch {
	case stage == "" || stage == "$default" || !found:
		return rawPath, true
	case rest == "":
		return "", false
	case rest[0] != '/':
		return rawPath, true
	}
	return rest, true
}

// redirect leads to another address, relative to the request's.
func redirect(to string) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusPermanentRedirect, Headers: map[string]string{"Location": to, "Cache-Control": "no-store"},
	}
}

// escaped turns API Gateway's path, in which everything but %25 is decoded,
// into one that can be parsed.
func escaped(rawPath string) string {
	return (&url.URL{Path: strings.ReplaceAll(rawPath, "%25", "%")}).EscapedPath()
}

// restore undoes what the adapter does to a request: Host would be the gateway's
// domain instead of the one that the browser speaks to, which the guard judges,
// and headers would be cut at their commas.
func restore(r *http.Request, e events.APIGatewayV2HTTPRequest) {
	r.Header = http.Header{}
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	for _, cookie := range e.Cookies {
		r.Header.Add("Cookie", cookie)
	}
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	if id := e.RequestContext.RequestID; id != "" { // API Gateway's own, which its access log has too
		r.Header.Set("X-Request-Id", id)
	}
	r.URL.Scheme, r.URL.Host = "", ""
	r.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
}

// wireSize is the length of a response on its way through Lambda, measured
// exactly only where it matters.
func wireSize(response events.APIGatewayV2HTTPResponse) int {
	if len(response.Body) < maxResponse/8 { // JSON makes six bytes of one at most
		return len(response.Body)
	}
	b, err := json.Marshal(response)
	if err != nil { // strings and numbers: can't be
		return maxResponse + 1
	}
	return len(b)
}

// problem is an answer of this program's own, in the API's form.
func problem(status int, code, detail string) events.APIGatewayV2HTTPResponse {
	body, _ := json.Marshal(map[string]any{ // strings and a number can't fail
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: string(body),
		Headers: map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
	}
}
