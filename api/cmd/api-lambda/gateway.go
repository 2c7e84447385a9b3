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

	"github.com/atelier-go/atelier/pkg/cloudwatch"
)

// maxResponse is the largest response that Lambda accepts, in bytes: JSON with the body in base64.
const maxResponse = 6 << 20

// maxPicture is the largest picture, in bytes, that fits into a response when it is encoded in
// base64. 64 KiB are left for the headers.
const maxPicture = (maxResponse - 64<<10) / 4 * 3

// A gateway passes the requests in API Gateway's events to an http.Handler, as if they had come
// over a connection.
type gateway struct {
	adapter *httpadapter.HandlerAdapterV2
	log     *slog.Logger
	metrics *cloudwatch.Writer
}

func newGateway(h http.Handler, log *slog.Logger, metrics *cloudwatch.Writer) *gateway {
	restored := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, _ := r.Context().Value(invocationKey{}).(*invocation)
		restore(r, in.event)
		h.ServeHTTP(w, r)
		in.pattern = r.Pattern // set by the router
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // net/http's server does this, the adapter doesn't
		}
	})
	return &gateway{adapter: httpadapter.NewV2(restored), log: log, metrics: metrics}
}

type invocationKey struct{}

// An invocation is one request that is being handled.
type invocation struct {
	event   events.APIGatewayV2HTTPRequest
	pattern string // of the route, such as GET /v1/jobs/{id}; empty for an unknown path
}

// handle handles the request in one event, and returns the response.
func (g *gateway) handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	began := time.Now()
	path, inStage := withoutStage(e.RawPath, e.RequestContext.Stage)
	if !inStage {
		return redirect(e.RequestContext.Stage + "/"), nil
	}
	e.RawPath = escaped(path)
	in := &invocation{event: e}
	response, err := g.adapter.ProxyWithContext(context.WithValue(ctx, invocationKey{}, in), e)
	if err != nil { // only if the event is not a request
		g.log.Error("refused an event that is not an HTTP request", "request", e.RequestContext.RequestID, "error", err)
		response = problem(http.StatusBadRequest, "malformed_request", "the request can't be read")
	}
	if size := wireSize(response); size > maxResponse {
		g.log.Error("replaced a response that is too large for Lambda by an error", "request", e.RequestContext.RequestID, "bytes", size, "path", e.RawPath)
		response = problem(http.StatusRequestEntityTooLarge, "answer_too_large",
			"the response is larger than the 4.5 MB that AWS Lambda allows; request parts of it (Range: bytes=0-4194303), or a smaller picture")
	}
	if e.RequestContext.HTTP.Method == http.MethodHead {
		response.Body, response.IsBase64Encoded = "", false
	}
	g.logRequest(in, response.StatusCode, time.Since(began))
	return response, nil
}

// withoutStage returns a request's path without the name of the stage. API Gateway puts that name
// in front of the path, unless the stage is $default. A path that does not begin with the name came
// through a custom domain name, and is complete. ok is false if the path is only the name, without
// a slash after it: links on the page would then lead to other addresses.
//
// A stage that has a custom domain name must therefore not be called like the start of an API path,
// such as v1.
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

// redirect returns a redirect to an address that is relative to the address of the request.
func redirect(to string) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusPermanentRedirect, Headers: map[string]string{"Location": to, "Cache-Control": "no-store"},
	}
}

// escaped returns a valid URL path for a path of API Gateway, which has decoded everything except
// %25.
func escaped(rawPath string) string {
	return (&url.URL{Path: strings.ReplaceAll(rawPath, "%25", "%")}).EscapedPath()
}

// restore corrects what the adapter has changed in a request. It sets Host to the name that the
// browser uses, because the guard checks it, where the adapter has set the gateway's domain; and it
// splits headers at their commas.
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
	if id := e.RequestContext.RequestID; id != "" { // API Gateway's id, which is also in its access log
		r.Header.Set("X-Request-Id", id)
	}
	r.URL.Scheme, r.URL.Host = "", ""
	r.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
}

// wireSize returns the length of a response as sent by Lambda. It is exact only for responses that
// may be too large.
func wireSize(response events.APIGatewayV2HTTPResponse) int {
	if len(response.Body) < maxResponse/8 { // JSON encodes a byte in at most six
		return len(response.Body)
	}
	b, err := json.Marshal(response)
	if err != nil { // strings and numbers can be marshalled
		return maxResponse + 1
	}
	return len(b)
}

// problem returns an error response of this program, in the form of the API's problems.
func problem(status int, code, detail string) events.APIGatewayV2HTTPResponse {
	body, _ := json.Marshal(map[string]any{ // strings and a number can be marshalled
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: string(body),
		Headers: map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
	}
}
