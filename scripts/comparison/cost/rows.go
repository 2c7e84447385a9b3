package cost

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
)

const managedHours = "managed instances: hours"

// rows returns the quantities that a deployment uses, without prices.
func (d Deployment) rows(m Month) ([]Row, error) {
	if !(m.Infrequent >= 0 && m.Infrequent <= 1) || !(m.Active >= 0 && m.Active <= Hours) {
		return nil, fmt.Errorf("bill of %s: %v of the pictures with infrequent access, and %v hours with jobs: the share must be within 0 and 1, the hours within 0 and %v", d.Name, m.Infrequent, m.Active, Hours)
	}
	rows := make([]Row, 0, 48)
	parts := []func(Month) []Row{d.Instances.rows, d.Managed.rows, d.api, d.queue, d.fileSystem, d.copies, d.gallery, d.watching}
	for _, part := range parts {
		rows = append(rows, part(m)...)
	}
	painting, err := d.Function.rows(m, d.Throughput)
	if err != nil {
		return nil, fmt.Errorf("bill of %s: %w", d.Name, err)
	}
	return append(painting, rows...), nil
}

func (f *Function) rows(m Month, t Throughput) ([]Row, error) {
	if f == nil {
		return nil, nil
	}
	if !(f.ColdShare >= 0 && f.ColdShare <= 1) {
		return nil, fmt.Errorf("%v of the pictures start an environment: the share must be within 0 and 1", f.ColdShare)
	}
	duration, err := prices.DurationPrice(f.Architecture)
	if err != nil {
		return nil, err
	}
	n := m.Pictures
	rows := []Row{
		{Part: "painting function: requests", Price: "lambda.requests", Quantity: n, Basis: f.Basis},
		{Part: "painting function: warm", Price: duration, Quantity: n * f.Memory / 1024 * f.Warm, Basis: f.Basis},
		{Part: "painting function: cold starts", Price: duration, Quantity: n * f.ColdShare * f.Memory / 1024 * f.Init, Basis: f.Basis},
		{Part: "mapping: empty receives", Price: "sqs.requests", Quantity: f.IdlePolls, Fixed: true, Basis: Assumed},
	}
	return append(rows, access("cold starts", n*f.ColdShare, f.ColdCalls, t, Row{Basis: f.Basis})...), nil
}

func (i *Instances) rows(Month) []Row {
	if i == nil {
		return nil
	}
	row := Row{Fixed: i.Always, Basis: i.Basis}
	hours := row.of("instances: hours", "ec2."+i.Type, i.Hours)
	hours.factor = i.PriceFactor
	return []Row{
		hours,
		row.of("instances: disks", "ebs.gp3", i.Disk*i.Hours/Hours),
		row.of("instances: public addresses", "ipv4", i.Addresses*i.Hours),
		row.of("daemon: empty receives", "sqs.requests", i.PollsPerHour*i.Hours),
	}
}

func (g *Managed) rows(m Month) []Row {
	if g == nil {
		return nil
	}
	return []Row{
		{Part: managedHours, Price: "ec2." + g.Type, Quantity: g.Hours, Fixed: true, Basis: g.Basis},
		{Part: "managed instances: requests", Price: "lambda.managed.requests", Quantity: m.Pictures, Basis: g.Basis},
		{Part: "mapping: empty receives", Price: "sqs.requests", Quantity: g.IdlePolls, Fixed: true, Basis: Assumed},
	}
}

func (d Deployment) api(m Month) []Row {
	row := Row{Scope: Shared, Basis: m.Picture.Basis}
	requests := m.Pictures * m.Picture.APIRequests
	rows := []Row{row.of("egress", "egress", m.Pictures*m.Picture.Downloaded/gib)}
	if d.Gateway != NoGateway {
		rows = append(rows, row.of("gateway: requests", string(d.Gateway)+".requests", requests))
	}
	if d.APIMemory > 0 {
		rows = append(rows,
			row.of("API function: requests", "lambda.requests", requests),
			row.of("API function: duration", "lambda.x86.gb-seconds", requests*d.APIMemory/1024*m.Picture.APISeconds))
	}
	return rows
}

// queue returns the rows of messages. Requests about a message with a group cost more, and every
// owner's messages have one. AWS's price list doesn't specify which requests these are, so the
// higher price is used for all.
func (d Deployment) queue(m Month) []Row {
	if !d.Queue {
		return nil
	}
	row := Row{Scope: Shared, Basis: m.Picture.Basis}
	requests := m.Pictures * m.Picture.Messages
	return []Row{
		row.of("queue: messages", "sqs.requests", requests),
		row.of("queue: fairness", "sqs.fair-requests", requests),
	}
}

func (d Deployment) fileSystem(m Month) []Row {
	if d.Throughput == NoFileSystem {
		return nil
	}
	row := Row{Scope: Shared, Basis: m.Picture.Basis}
	stored := m.Pictures * m.Picture.Stored * m.Kept / gib
	rows := []Row{
		row.of("file system: storage", "efs.standard", stored*(1-m.Infrequent)),
		row.of("file system: infrequent storage", "efs.infrequent", stored*m.Infrequent),
	}
	rows = append(rows, access("pictures", m.Pictures, m.Picture.Submission, d.Throughput, row)...)
	rows = append(rows, access("pictures", m.Pictures, m.Picture.Painting, d.Throughput, row)...)
	if d.Sweeps != nil {
		rows = append(rows, access("sweeps", Minutes, d.Sweeps.Calls, d.Throughput, Row{Scope: Shared, Fixed: true, Basis: d.Sweeps.Basis})...)
	}
	return rows
}

// access returns the rows of times operations with the given calls each.
func access(whose string, times float64, c Calls, t Throughput, row Row) []Row {
	if t != Elastic {
		return nil
	}
	read, written := c.Metered()
	return []Row{
		row.of("file system: reads of "+whose, "efs.elastic.reads", times*read),
		row.of("file system: writes of "+whose, "efs.elastic.writes", times*written),
	}
}

func (d Deployment) copies(m Month) []Row {
	if !d.Copies {
		return nil
	}
	row := Row{Scope: Shared, Basis: m.Picture.Basis}
	copied := m.Pictures * m.Picture.Copied / gib
	rows := []Row{
		row.of("copies: transfer", "datasync.basic", copied),
		row.of("bucket: storage", "s3.standard", copied*m.Kept),
		row.of("bucket: writes", "s3.puts", m.Pictures*(m.Picture.Objects+m.Picture.Puts)),
		row.of("bucket: reads", "s3.gets", m.Pictures*m.Picture.Gets),
	}
	return append(rows, access("copies", m.Pictures, m.Picture.copying(), d.Throughput, row)...)
}

// copying returns the calls with which DataSync reads, one for each object.
func (p Picture) copying() Calls {
	return Calls{Reads: p.Objects, ReadBytes: p.Copied / max(1, p.Objects)}
}

func (d Deployment) gallery(m Month) []Row {
	if !d.Gallery {
		return nil
	}
	row := Row{Scope: Shared, Basis: m.Picture.Basis}
	views := m.Pictures * m.Picture.Views
	return []Row{
		row.of("gallery: transfer", "cloudfront.transfer", views*m.Picture.Viewed/gib),
		row.of("gallery: requests", "cloudfront.requests", views),
		row.of("gallery: functions", "cloudfront.functions", views),
	}
}

// watching returns the rows of maintenance, logs, metrics and alarms.
func (d Deployment) watching(m Month) []Row {
	row := Row{Scope: Shared, Basis: m.Picture.Basis}
	logs := m.Pictures * d.logBytes(m.Picture) / gib
	rows := []Row{
		row.of("logs: ingestion", "logs.ingestion", logs),
		row.of("logs: storage", "logs.storage", logs*d.LogMonths),
		row.of("metrics: jobs", "metrics", d.JobMetrics*m.Active/Hours),
	}
	row.Fixed = true
	rows = append(rows,
		row.of("metrics: sweeps", "metrics", d.SweepMetrics),
		row.of("alarms", "alarms", d.Alarms),
		row.of("dashboard", "dashboards", d.Dashboards))
	if s := d.Sweeps; s != nil {
		row.Basis = s.Basis
		logs := Minutes * s.LogBytes / gib
		rows = append(rows,
			row.of("sweeps: clock", "scheduler.invocations", Minutes),
			row.of("sweeps: requests", "lambda.requests", Minutes),
			row.of("sweeps: duration", "lambda.x86.gb-seconds", Minutes*s.Memory/1024*s.Billed),
			row.of("sweeps: log ingestion", "logs.ingestion", logs),
			row.of("sweeps: log storage", "logs.storage", logs*d.LogMonths))
	}
	return rows
}

// logBytes returns the bytes per picture in CloudWatch Logs.
func (d Deployment) logBytes(p Picture) float64 {
	bytes := p.LogBytes
	if d.APIMemory > 0 {
		bytes += p.APIRequests * p.CallLogBytes
	}
	if d.Gateway != NoGateway {
		bytes += p.APIRequests * p.AccessLogBytes
	}
	if d.Function != nil || d.Managed != nil {
		bytes += p.CallLogBytes
	}
	return bytes
}

func (r Row) of(part, price string, quantity float64) Row {
	r.Part, r.Price, r.Quantity = part, price, quantity
	return r
}
