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
)

// maxAnswer is what Lambda takes of an answer, as JSON and with the body in
// base64: 6 MB.
const maxAnswer = 6 << 20

// maxPicture is what of it can be a picture, in base64 and beside the headers.
const maxPicture = (maxAnswer - 64<<10) / 4 * 3

// A gateway answers API Gateway's events with an http.Handler, as if the
// requests had come over a connection.
type gateway struct {
	adapter *httpadapter.HandlerAdapterV2
	log     *slog.Logger
}

func newGateway(h http.Handler, log *slog.Logger) *gateway {
	restored := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, _ := r.Context().Value(eventKey{}).(events.APIGatewayV2HTTPRequest)
		restore(r, e)
		h.ServeHTTP(w, r)
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll() // net/http's server does this, the adapter doesn't
		}
	})
	return &gateway{adapter: httpadapter.NewV2(restored), log: log}
}

type eventKey struct{}

// answer handles one request.
func (g *gateway) answer(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	began := time.Now()
	e.RawPath = escaped(e.RawPath)
	response, err := g.adapter.ProxyWithContext(context.WithValue(ctx, eventKey{}, e), e)
	if err != nil { // only an event that is no request
		g.log.Error("not a request", "error", err)
		response = problem(http.StatusBadRequest, "malformed_request", "the request can't be read")
	}
	if size := wireSize(response); size > maxAnswer {
		g.log.Error("too large an answer", "bytes", size, "path", e.RawPath)
		response = problem(http.StatusRequestEntityTooLarge, "answer_too_large",
			"the answer does not fit through AWS Lambda, which takes about 4.5 MB; ask for parts of it (Range: bytes=0-4194303), or for a smaller picture")
	}
	if e.RequestContext.HTTP.Method == http.MethodHead {
		response.Body, response.IsBase64Encoded = "", false
	}
	g.log.Info("answered", "method", e.RequestContext.HTTP.Method, "path", e.RawPath, "status", response.StatusCode,
		"took", time.Since(began).Round(time.Millisecond)) // not the query, which may hold what opens a link
	return response, nil
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
	r.URL.Scheme, r.URL.Host = "", ""
	r.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
}

// wireSize is the length of a response on its way through Lambda, measured
// exactly only where it matters.
func wireSize(response events.APIGatewayV2HTTPResponse) int {
	if len(response.Body) < maxAnswer/8 { // JSON makes six bytes of one at most
		return len(response.Body)
	}
	b, err := json.Marshal(response)
	if err != nil { // strings and numbers: can't be
		return maxAnswer + 1
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
