package main

import (
	"fmt"
	"net"
)

// notifyReady tells the service manager that the worker is ready for jobs, as systemd expects it of
// a service with Type=notify (sd_notify(3)). address is the value of $NOTIFY_SOCKET; with "" it
// does nothing.
func notifyReady(address string) error {
	if address == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	_, err = conn.Write([]byte("READY=1"))
	if cerr := conn.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	return nil
}
