// Package pagecache removes files from the system's page cache, so that a program starts as after
// the machine's start.
package pagecache
