// Package pagecache takes files out of the system's page cache, so that a program's start is one
// as after the machine's.
package pagecache
