package commandline

// API are the flags of the API's server and function that say where jobs and pictures are.
type API struct {
	Location `embed:""`

	Bucket string `env:"ATELIER_BUCKET" help:"S3 bucket with copies, below pictures/, of the shared directory's published/: clients get links to them, and erased jobs are erased there too. Clients store large pictures below its uploads/." placeholder:"NAME"`
}

// Workers are the flags of api.Workers.
type Workers struct {
	MaxSize int    `default:"2048" env:"ATELIER_MAX_SIZE" help:"Longest edge that a result may have, in pixels: 16 to 4096."`
	Memory  int    `name:"worker-memory" default:"3007" env:"ATELIER_WORKER_MEMORY" help:"Memory of the smallest worker in MB, as Lambda counts them. A picture that needs more is refused. The estimate is for the shipped model: with Magenta's, set half."`
	Engine  string `name:"worker-engine" enum:"tensorflow,onnx" default:"tensorflow" env:"ATELIER_WORKER_ENGINE" help:"Engine of the workers, tensorflow or onnx, which need different memory. If there are several kinds of workers, the one with the least memory."`
}

// Shares are the flags of api.Shares.
type Shares struct {
	Rate         float64 `default:"20" env:"ATELIER_RATE" help:"Changes a second (submit, cancel, retry, erase, redrive) that this server process allows each owner, with bursts of ten times as many; 0 is no limit."`
	Uploads      int     `default:"64" env:"ATELIER_UPLOADS" help:"Submissions that this server process receives at the same time; one owner has at most a quarter of what the others leave."`
	UploadMemory int     `default:"192" env:"ATELIER_UPLOAD_MEMORY" help:"Memory for the submissions that this server process receives, in MiB; one owner has at most half of what the others leave."`
	Waits        int     `default:"200" env:"ATELIER_WAITS" help:"Requests with ?wait that wait in this server process at the same time; further ones are answered at once. One owner has at most a quarter of what the others leave."`
	Requests     int     `default:"1024" env:"ATELIER_REQUESTS" help:"Requests that this server process handles at the same time; one owner has at most a quarter of what the others leave."`
}
