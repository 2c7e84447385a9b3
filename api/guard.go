package api

import (
	"net"
	"net/http"
	"strings"
)

// guard refuses what other sites' pages make a browser send. A server on
// loopback is not out of their reach: a page can post to it, and by rebinding
// its own name to 127.0.0.1 read from it. With keys the server's name is whatever
// it is reached by, and a page that has rebound its own to it has no key.
func guard(next http.Handler, keyless bool) http.Handler {
	cross := http.NewCrossOriginProtection() // Sec-Fetch-Site, or Origin against Host
	refuse := func(w http.ResponseWriter, detail string) {
		writeProblem(w, newProblem(http.StatusForbidden, "cross_origin", detail))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if keyless && !isLoopback(r.Host) {
			refuse(w, "this server answers to localhost and loopback addresses alone")
			return
		}
		if err := cross.Check(r); err != nil || loadedByOtherSite(r) {
			refuse(w, "requests from other sites' pages are refused")
			return
		}
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store") // unless an answer says otherwise: a cache may keep a 404 as long as it likes
		if !keyless {
			w.Header().Set("Vary", "Authorization")
		}
		next.ServeHTTP(w, r)
	})
}

// embedded says whether another site's page loads something from here, such as
// a picture of somebody's, rather than links to it.
func loadedByOtherSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
