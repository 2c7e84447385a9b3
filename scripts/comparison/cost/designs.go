package cost

// template returns what scripts/deploy/template.yaml has in every mode.
func template(name string) Deployment {
	return Deployment{
		Name:    name,
		Gateway: HTTPAPI, APIMemory: 512,
		Queue: true, Throughput: Elastic, Copies: true, Gallery: true,
		// The metrics listed in worker/DESIGN.md: those of worker and API for jobs that succeed,
		// without those of failures.
		JobMetrics: 9, SweepMetrics: 7,
		Alarms: 6, Dashboards: 1, LogMonths: 1,
	}
}

// ServerlessMode returns the template's serverless mode: the function paints.
func ServerlessMode(f Function, s Sweeps) Deployment {
	d := template("functions")
	d.Function, d.Sweeps = &f, &s
	return d
}

// EC2Mode returns the template's EC2 mode, whose instances run while there is work; with
// Instances.Always, as if they ran all month.
func EC2Mode(i Instances, s Sweeps) Deployment {
	d := template("instances from zero")
	if i.Always {
		d.Name = "always-on instances"
	}
	d.Instances, d.Sweeps = &i, &s
	d.JobMetrics = 3 // those of the API; the daemon's are for Prometheus
	d.Alarms = 18    // including those for the first and last instance, and those that AWS creates for the scaling policy
	return d
}

// OneMachine returns the cheapest design on EC2: API server and daemon on one instance, with jobs
// on its own disk; no gateway, no file system, no copies. That it lacks a second zone and
// durability beyond one disk is not priced. In addition to Instances.Disk it pays for the space of
// the stored pictures, which several machines share.
func OneMachine(i Instances, m Month) Deployment {
	i.Addresses = 1
	if i.Hours > 0 {
		i.Disk += m.Pictures * m.Picture.Stored * m.Kept / gib / (i.Hours / Hours)
	}
	return Deployment{Name: "one machine", Instances: &i, Queue: true, LogMonths: 1}
}

// ManagedMode returns the template's serverless mode with Managed Instances instead of the
// function: see [Managed].
func ManagedMode(m Managed, s Sweeps) Deployment {
	d := template("managed instances (hypothetical)")
	d.Managed, d.Sweeps = &m, &s
	return d
}

// OriginalFunction returns the function of the claim's original setting: 3007 MB, painting while
// its client waits, behind API Gateway, with TensorFlow on EFS.
func OriginalFunction(f Function) Deployment {
	f.Memory, f.IdlePolls = 3007, 0
	return Deployment{Name: "original function", Function: &f, Gateway: RESTAPI, Throughput: Elastic, LogMonths: 1}
}

// OriginalInstance returns the instance of the claim's original setting: it always runs, and its
// server paints while its client waits.
func OriginalInstance(i Instances) Deployment {
	i.Always, i.Addresses, i.PollsPerHour = true, 1, 0
	return Deployment{Name: "original instance", Instances: &i, LogMonths: 1}
}
