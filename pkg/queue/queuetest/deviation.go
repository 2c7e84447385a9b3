package queuetest

// A Deviation is a way in which a backend is known to differ from SQS.
type Deviation string
