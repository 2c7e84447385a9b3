// Package machine describes the machine of a measurement, and reads what its processes and
// processors have used. It is written for Linux; on other systems some figures are missing.
package machine
