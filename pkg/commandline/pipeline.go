package commandline

import "time"

// Location are the flags that say where the jobs are.
type Location struct {
	Dir   string `required:"" env:"ATELIER_DIR" help:"The shared directory, where jobs are kept." placeholder:"DIR"`
	Queue string `default:"atelier" env:"ATELIER_QUEUE" help:"Name or URL of the SQS queue."`
}

// Quotas are the flags of store.Quotas.
type Quotas struct {
	Unfinished int `name:"max-unfinished" default:"5000" env:"ATELIER_MAX_UNFINISHED" help:"Jobs that each owner may have queued or running at a time; 0 is no limit."`
	Stored     int `name:"max-stored" default:"51200" env:"ATELIER_MAX_STORED" help:"MiB that each owner's jobs and pending uploads may take, reckoned at their submission from the pictures and an allowance for the results; 0 is no limit."`
	Daily      int `name:"max-daily" default:"100000" env:"ATELIER_MAX_DAILY" help:"Jobs that each owner may submit within 24 hours, erased ones too; 0 is no limit."`
	Uploads    int `name:"max-pending-uploads" default:"100" env:"ATELIER_MAX_PENDING_UPLOADS" help:"Uploads to S3 that each owner may have pending, until a job is made of them or they are a day old; 0 is no limit."`
	Runs       int `name:"max-runs" default:"20" env:"ATELIER_MAX_RUNS" help:"Runs that a job may have, its retries counted; 0 is no limit."`
	Backlog    int `name:"max-backlog" default:"1000000" env:"ATELIER_MAX_BACKLOG" help:"Jobs of all owners that may be queued or running at a time, as the last sweep has counted them; 0 is no limit. None are accepted either while a hundredth of them, and 100, have waited for half of the maximum age."`
	MinFree    int `name:"min-free" default:"1024" env:"ATELIER_MIN_FREE" help:"MiB, or 5% of the file system where that is less, that submissions leave free in the shared directory; 0 is no limit. On a file system without a size limit, such as EFS, use --max-stored instead."`
}

// Times are the flags of sweeper.Times.
type Times struct {
	Every     time.Duration `name:"sweep-every" default:"1m" env:"ATELIER_SWEEP_EVERY" help:"Time between two sweeps, which repair lost and abandoned jobs. One of all programs makes each sweep."`
	MaxAge    time.Duration `default:"24h" env:"ATELIER_MAX_AGE" help:"Time after which a job that is not finished fails."`
	Retention time.Duration `default:"720h" env:"ATELIER_RETENTION" help:"Time after which a finished job and its pictures are removed."`
}

// Logging are the flags of servers; functions always log JSON.
type Logging struct {
	Format string `name:"log-format" default:"text" enum:"text,json" env:"ATELIER_LOG_FORMAT" help:"Format of log lines: text or json."`
}
