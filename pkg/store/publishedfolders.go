package store

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// PublishedHours returns the hours, such as 2026/11/29/18 (UTC), that have folders in
// [Store.PublishedDir], the oldest first: folders of public jobs' thumbnails, or of all pictures if
// public is false.
func (s *Store) PublishedHours(public bool) ([]string, error) {
	kinds := []string{thumbsDir}
	if !public {
		kinds = []string{publicDir, thumbsDir, privateDir}
	}
	var all []string
	for _, kind := range kinds {
		hours, err := s.hoursIn(filepath.Join(s.PublishedDir(), kind), "", time.Now().Add(clockTolerance))
		if err != nil {
			return nil, fmt.Errorf("list published hours: %w", err)
		}
		all = append(all, hours...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// PublishedIn returns the names of the pictures in a folder such as public/2026/11/29/18, as
// [Published] makes them, without those in its finer folders; none if the folder does not exist.
func (s *Store) PublishedIn(folder string) ([]string, error) {
	all, err := s.list(filepath.Join(s.PublishedDir(), filepath.FromSlash(folder)))
	if err != nil {
		return nil, fmt.Errorf("list published pictures: %w", err)
	}
	var names []string
	for _, base := range all {
		name := path.Join(folder, base)
		if _, _, _, ok := ParsePublished(name); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// PublishedPrefix returns a prefix of the names of all pictures in a folder: the folder, and the
// first characters that the ids of all jobs of its time have in common. A bucket has no folders; a
// listing by this prefix finds the copies of the folder's pictures and few other names, in
// particular hardly any of its finer folders.
func PublishedPrefix(folder string) string {
	_, of, _ := strings.Cut(folder, "/")
	depth := depthOf(of)
	if depth < hourDepth || depth > secondDepth || len(of) > len(timeForm) {
		return folder + "/"
	}
	begin, err := time.Parse(timeForm[:len(of)], of)
	if err != nil {
		return folder + "/"
	}
	length := [...]time.Duration{time.Hour, time.Minute, time.Second}[depth-hourDepth]
	first := fmt.Sprintf("%012x", begin.UnixMilli()) // as ids begin, without the hyphen
	last := fmt.Sprintf("%012x", begin.Add(length-time.Millisecond).UnixMilli())
	n := 0
	for n < len(first) && first[n] == last[n] {
		n++
	}
	const beforeHyphen = 8
	if n > beforeHyphen {
		return folder + "/" + first[:beforeHyphen] + "-" + first[beforeHyphen:n]
	}
	return folder + "/" + first[:n]
}
