package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// A gateway is the HTTP API's address on this machine. It passes requests on to MiniStack's API
// Gateway, which has APIs only below its own paths and host names, so that URLs are the same as
// with api-server. The request's Host is passed on unchanged, because the API checks it too.
type gateway struct {
	server  *http.Server
	address string
	api     atomic.Pointer[url.URL] // URL of the HTTP API; nil while there is none
	slots   chan struct{}
}

// The limits of API Gateway and Lambda: an event of 6 MB, which contains a picture in base64 and
// the headers. MiniStack would accept more.
const (
	maxEvent   = 6 << 20
	maxHeaders = 32 << 10
	maxBody    = (maxEvent - 2*maxHeaders) / 4 * 3
)

// concurrentRequests is the maximum number of processes of the api function, one for each request
// being processed. AWS would start a thousand.
const concurrentRequests = 8

// maxWait is how long a request waits for a free slot before it is refused.
const maxWait = 10 * time.Second

// startGateway listens on a loopback address. Until connect it responds with 503.
func startGateway(address string) (*gateway, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	g := &gateway{address: l.Addr().String(), slots: make(chan struct{}, concurrentRequests)}
	proxy := &httputil.ReverseProxy{
		Rewrite:        g.rewrite,
		ModifyResponse: cleaned,
		ErrorHandler:   failed,
	}
	g.server = &http.Server{
		Handler: g.limited(proxy), MaxHeaderBytes: maxHeaders,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
	}
	go func() { _ = g.server.Serve(l) }() // ends with close
	return g, nil
}

// close closes all connections, because the function that would respond ends too.
func (g *gateway) close() { _ = g.server.Close() }

// disconnect makes the gateway respond with 503 until the next connect.
func (g *gateway) disconnect() { g.api.Store(nil) }

// connect creates an HTTP API for a function and sends requests there.
func (g *gateway) connect(ctx context.Context, cfg aws.Config, locked ministack.Locked, function string) error {
	client := apigatewayv2.NewFromConfig(cfg)
	api, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("atelier"), ProtocolType: types.ProtocolTypeHttp})
	if err != nil {
		return fmt.Errorf("deploy the HTTP API: %w", err)
	}
	integration, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: &function, PayloadFormatVersion: aws.String("2.0"),
	})
	if err != nil {
		return fmt.Errorf("deploy the HTTP API: %w", err)
	}
	_, err = client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: api.ApiId, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + aws.ToString(integration.IntegrationId)),
	})
	if err != nil {
		return fmt.Errorf("deploy the HTTP API: %w", err)
	}
	_, err = client.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("deploy the HTTP API: %w", err)
	}
	at, err := url.Parse(locked.HTTPAPI(aws.ToString(api.ApiId)))
	if err != nil {
		return err
	}
	g.api.Store(at)
	return nil
}

// limited refuses requests that Lambda would refuse, and passes on a few requests at a time, each
// after its whole body has been received.
func (g *gateway) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			failed(w, r, errHost)
			return
		}
		if r.ContentLength > maxBody {
			// If a response is sent before the upload has ended, browsers report no response at
			// all.
			_, _ = io.CopyN(io.Discard, r.Body, 16*maxBody)
			failed(w, r, &http.MaxBytesError{Limit: maxBody})
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			if !errors.As(err, new(*http.MaxBytesError)) {
				err = errIncomplete
			}
			failed(w, r, err)
			return
		}
		select {
		case g.slots <- struct{}{}:
			defer func() { <-g.slots }()
		case <-time.After(maxWait):
			failed(w, r, errBusy)
			return
		case <-r.Context().Done():
			return
		}
		at := g.api.Load()
		if at == nil {
			failed(w, r, errNotDeployed)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), apiKey{}, at))
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		if len(body) == 0 {
			r.Body = http.NoBody
		}
		// Otherwise the proxy would remove the headers that Connection names, and switch protocols.
		r.Header = r.Header.Clone()
		r.Header.Del("Connection")
		r.Header.Del("Upgrade")
		next.ServeHTTP(w, r)
	})
}

// loopback returns whether a Host is this machine, with or without a port.
func loopback(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

type apiKey struct{}

func (g *gateway) rewrite(r *httputil.ProxyRequest) {
	at, _ := r.In.Context().Value(apiKey{}).(*url.URL)
	r.Out.URL.Scheme, r.Out.URL.Host = at.Scheme, at.Host
	r.Out.URL.Path = at.Path + r.In.URL.Path
	r.Out.URL.RawPath = at.EscapedPath() + r.In.URL.EscapedPath()
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	r.Out.Host = r.In.Host
}

// cleaned removes headers that MiniStack adds to responses and AWS does not.
func cleaned(resp *http.Response) error {
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			resp.Header.Del(name)
		}
	}
	return nil
}

var (
	errNotDeployed = errors.New("the functions are not deployed") // MiniStack is being started
	errHost        = errors.New("the Host is not this machine")
	errIncomplete  = errors.New("the body is incomplete")
	errBusy        = errors.New("no function was free in time")
)

// failed writes the response for an error of the gateway, in the API's form.
func failed(w http.ResponseWriter, _ *http.Request, err error) {
	status, code, detail := http.StatusBadGateway, "bad_gateway", "the function did not respond; it is unknown whether it executed the request"
	tooLarge, dial := (*http.MaxBytesError)(nil), (*net.OpError)(nil)
	switch {
	case errors.As(err, &tooLarge):
		status, code, detail = http.StatusRequestEntityTooLarge, "too_many_bytes", "AWS Lambda accepts requests of at most 4.5 MB; send a smaller file"
		w.Header().Set("Connection", "close")
	case errors.Is(err, errHost):
		status, code, detail = http.StatusForbidden, "cross_origin", "this server accepts only requests for localhost and loopback addresses"
	case errors.Is(err, errIncomplete):
		status, code, detail = http.StatusBadRequest, "malformed_request", "the request's body is incomplete; send it again"
		w.Header().Set("Connection", "close")
	case errors.Is(err, errBusy):
		status, code, detail = http.StatusServiceUnavailable, "busy", "all functions are busy; try again in a moment"
		w.Header().Set("Retry-After", "1")
	case errors.Is(err, errNotDeployed), errors.As(err, &dial) && dial.Op == "dial": // nothing was sent
		status, code, detail = http.StatusServiceUnavailable, "unavailable", "the functions are being started; try again in a moment"
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	b, _ := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail}) // strings and a number can't fail
	_, _ = w.Write(b)                                                                                                                               // fails only if the client has gone
}
