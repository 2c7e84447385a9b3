package ministacktest

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
)

// Proxy returns a reverse proxy that forwards requests to MiniStack at endpoint with their Host,
// which is signed. Each request has its own connection: MiniStack closes a connection after it has
// refused a body, and a PUT that is sent on it meanwhile fails without a retry.
func Proxy(t testing.TB, endpoint string) *httputil.ReverseProxy {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	return proxy
}
