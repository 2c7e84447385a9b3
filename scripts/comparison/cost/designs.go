package cost

// template is what scripts/deploy/template.yaml has in every mode.
func template(name string) Deployment {
	return Deployment{
		Name:    name,
		Gateway: HTTPAPI, APIMemory: 512,
		Queue: true, Throughput: Elastic, Copies: true, Gallery: true,
		// As worker/DESIGN.md lists them: those of the worker and the API of jobs that succeed, those of failures left out.
		JobMetrics: 9, SweepMetrics: 7,
		Alarms: 6, Dashboards: 1, LogMonths: 1,
	}
}

// ServerlessMode is the template's: the function paints.
func ServerlessMode(f Function, s Sweeps) Deployment {
	d := template("functions")
	d.Function, d.Sweeps = &f, &s
	return d
}

// EC2Mode is the template's, whose instances are there while there is work; with
// Instances.Always, as if they ran all month.
func EC2Mode(i Instances, s Sweeps) Deployment {
	d := template("instances from zero")
	if i.Always {
		d.Name = "always-on instances"
	}
	d.Instances, d.Sweeps = &i, &s
	d.JobMetrics = 3 // those of the API: the daemon has its own, for Prometheus
	d.Alarms = 18    // with those of the first and of the last instance and those that AWS makes of the scaling policy
	return d
}

// OneMachine is the best rival on EC2: API server and daemon on one instance, the
// jobs on its own disk; no gateway, no file system, no copies. What it lacks beside
// them, a second zone and durability beyond one disk, has no price here. Beside Instances.Disk
// it pays for the space of the pictures that are kept, which several machines share.
func OneMachine(i Instances, m Month) Deployment {
	i.Addresses = 1
	if i.Hours > 0 {
		i.Disk += m.Pictures * m.Picture.Stored * m.Kept / gib / (i.Hours / Hours)
	}
	return Deployment{Name: "one machine", Instances: &i, Queue: true, LogMonths: 1}
}

// ManagedMode is the template's with Managed Instances in the function's place: see [Managed].
func ManagedMode(m Managed, s Sweeps) Deployment {
	d := template("managed instances (hypothetical)")
	d.Managed, d.Sweeps = &m, &s
	return d
}

// SeedFunction is the first half of the seed's own setting: a function of 3007 MB that
// paints while its client waits, behind API Gateway, with TensorFlow on EFS.
func SeedFunction(f Function) Deployment {
	f.Memory, f.IdlePolls = 3007, 0
	return Deployment{Name: "seed's function", Function: &f, Gateway: RESTAPI, Throughput: Elastic, LogMonths: 1}
}

// SeedInstance is the other half: an instance that always runs, whose server paints
// while its client waits.
func SeedInstance(i Instances) Deployment {
	i.Always, i.Addresses, i.PollsPerHour = true, 1, 0
	return Deployment{Name: "seed's instance", Instances: &i, LogMonths: 1}
}
