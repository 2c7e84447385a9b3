package queue

// CreateWith creates queues with other settings than the pipeline's, for the suite.
var CreateWith = createWith

// DeadLetterQueueName is the parser of redrive policies.
var DeadLetterQueueName = deadLetterQueueName
