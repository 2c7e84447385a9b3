package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// checkKeyless returns an error if a function without API keys is not on a local stack, because the
// address of an HTTP API is public.
func checkKeyless(local bool, endpoint string) error {
	const without = "without API keys anyone could use this function, so it does not start on AWS: set ATELIER_KEYS; "
	if !local {
		return errors.New(without + "on a local stack set ATELIER_LOCAL=1")
	}
	u, err := url.Parse(endpoint)
	if err == nil && u.Hostname() == "localhost" {
		return nil
	}
	if err != nil || !net.ParseIP(u.Hostname()).IsLoopback() {
		return fmt.Errorf(without+"ATELIER_LOCAL is set, but AWS_ENDPOINT_URL is %q and not a loopback address", endpoint)
	}
	return nil
}
