package queue

// CreateWith creates queues with other settings than the pipeline's, for the suite.
var CreateWith = createWith

// DeadQueueName is the parser of redrive policies.
var DeadQueueName = deadQueueName
