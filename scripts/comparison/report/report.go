package report

import (
	"slices"
	"strings"
)

// Make makes the report of an output folder of scripts/compare. Its errors say how to repair the
// folder.
func Make(dir string) (*Document, error) {
	return build(dir, effort{jobs: 10_000, resamples: 2000})
}

func build(dir string, e effort) (*Document, error) {
	f, err := read(dir)
	if err != nil {
		return nil, err
	}
	t, err := table()
	if err != nil {
		return nil, err
	}
	d := &Document{Title: "Serverless functions or EC2 instances for painting pictures", Quick: f.plan.Quick, Incomplete: f.incomplete(), Introduction: introduction(), Marks: marks(), Terms: terms()}
	var all []worker
	var groups []group
	if processors := f.processors(); len(processors) > 0 {
		groups = f.groups(processors[0])
		all = workers(groups, 0)
	}
	for i := range all {
		if err := all[i].simulate(f.plan.Seed, e.jobs); err != nil {
			return nil, err
		}
	}
	if err := sortByCompute(all, t); err != nil {
		return nil, err
	}
	found, err := findings(all, t)
	if err != nil {
		return nil, err
	}
	if err := d.choose(all, found, t); err != nil {
		return nil, err
	}
	var patterns []string
	add := func(s Section, err error) error {
		d.Sections = append(d.Sections, s)
		return err
	}
	pattern := func(p pattern) error {
		s, sentence, err := patternSection(p, &f, all, t, e)
		patterns = append(patterns, sentence)
		return add(s, err)
	}
	err = firstError(
		func() error { return add(saving(&f, all, t, e)) },
		func() error { return pattern(imageJobs(f.plan.Seed, e)) },
		func() error { return pattern(nightly(e)) },
		func() error { return add(original(&f, groups, t, e)) },
		func() error { return add(bills(&f, all, t)) },
		func() error { return add(latencies(&f), nil) },
		func() error { return add(coldStarts(&f), nil) },
		func() error { return add(burst(&f, all)) },
		func() error { return add(serviceTimes(&f), nil) },
		func() error { return add(sensitivity(&f, groups, all, t, e)) },
		func() error { return add(validation(&f, e)) },
		func() error { return add(published(groups, found), nil) },
		func() error { return add(threats(len(f.processors())), nil) },
		func() error {
			data := raw(&f)
			d.Sections = append(d.Sections, f.principles(append(slices.Clone(d.Sections), data), t), data)
			return nil
		},
	)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 { // before the last paragraph, which is on limits
		d.Choice = slices.Insert(d.Choice, len(d.Choice)-1, strings.Join(patterns, " "))
		if summary := f.predictionSummary(); summary != "" {
			d.Choice = append(d.Choice, summary)
		}
	}
	return d, d.complete()
}

// firstError calls the functions in order until one returns an error.
func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
