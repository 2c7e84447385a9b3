// Package machine describes the machine of a measurement, and reads the resources used by
// processes. It is written for Linux; on other systems some figures are missing.
package machine
